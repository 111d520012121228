"""Output places along one side that one layer can make: equally far apart, from sources equally far apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True)
class Run:
    """Output places ``first, first + step ...``, ``count`` of them.

    Attributes
    ----------
    begin : tuple of int
        What belongs to the first place: the source first, then what is the same for all.
    stride : int
        From one source to the next.
    """

    first: int
    count: int
    step: int
    begin: tuple[int, ...]
    stride: int


def runs_of(places: Sequence[tuple[int, ...]]) -> list[Run]:
    """The fewest runs that make all places: equal ones at both ends, and between them runs with one step.

    Each place is its source and what must be the same within a run.
    """
    leading = next((n for n, place in enumerate(places) if place != places[0]), len(places))
    trailing = next((n for n, place in enumerate(reversed(places)) if place != places[-1]), 0)
    ways = []
    for first, last in product({0, leading}, {len(places), max(len(places) - trailing, leading)}):
        ends = [Run(0, first, 1, places[0], 0)] if first else []
        ends += [Run(last, len(places) - last, 1, places[-1], 0)] if last < len(places) else []
        ways.append(ends + _between(places, first, last))
    return min(ways, key=len)


def _between(places: Sequence[tuple[int, ...]], first: int, last: int) -> list[Run]:
    """The fewest runs with one step."""
    inside, ways = places[first:last], [[]] if first == last else []
    for step in range(1, len(inside) + 1):
        runs = [run for phase in range(step) for run in _phase(inside, phase, step)]
        ways.append([replace(run, first=first + run.first) for run in runs])
        if len(runs) < step:
            break
    return min(ways, key=len)


def _phase(places: Sequence[tuple[int, ...]], phase: int, step: int) -> list[Run]:
    runs: list[Run] = []
    index = phase
    while index < len(places):
        begin, count, stride = places[index], 1, 0
        following = index + step
        if following < len(places):
            stride = places[following][0] - begin[0]
        while following < len(places) and places[following] == (begin[0] + count * stride, *begin[1:]) and stride >= 0:
            count += 1
            following += step
        runs.append(Run(index, count, step, begin, stride if count > 1 else 0))
        index += count * step
    return runs
