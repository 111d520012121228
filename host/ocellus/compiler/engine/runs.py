"""Output places along one side that one layer can make: equally far apart, from sources equally far apart."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    """The fewest runs with one step that make all places.

    Each place is its source and what must be the same within a run.
    """
    ways = []
    for step in range(1, len(places) + 1):
        runs = [run for phase in range(step) for run in _phase(places, phase, step)]
        ways.append((len(runs), step, runs))
        if len(runs) < step:
            break
    return min(ways, key=lambda way: way[:2])[2]


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
