"""Gives every tensor its place in the activation memory: two greedy ways over lifetimes, the better one counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from .schedule import Schedule


@dataclass(frozen=True)
class Area:
    """Bytes that a tensor occupies while layers ``first`` to ``last`` run, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "Area") -> bool:
        """Whether both live at some time."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class MemoryPlan:
    """Byte addresses by storage name, and the bytes up to the highest one used."""

    addresses: Mapping[str, int]
    size: int


def areas(schedule: Schedule) -> list[Area]:
    """What has to be placed, the input first.

    The input area lives through the whole run, because the next frame may be written while later layers still
    work; the output lives on behind the last layer, until it has left.
    """
    network, end = schedule.network, len(schedule.layers)
    found = [Area(schedule.input, network.input_tensor.size, 0, end)]
    for number, layer in enumerate(schedule.layers):
        readers = [i for i, reader in enumerate(schedule.layers) if layer.output in reader.inputs]
        last = end if layer.output == schedule.stored_as[schedule.output] else max([number, *readers])
        found.append(Area(layer.output, network.tensors[layer.output].size, number, last))
    return found


def plan_memory(schedule: Schedule) -> MemoryPlan:
    """Places the input at 0, then the others in two ways, and keeps the way that needs fewer bytes.

    The largest tensors first, each into the tightest gap between those alive with it, suits tensors that live long.
    In a chain of layers of unlike sizes that can leave gaps which nothing fits; there it is best to go through the
    layers and to place outputs at the low and at the high end in turn, which takes the largest pair of neighbours.
    """
    source, *others = areas(schedule)
    peak = max(sum(a.size for a in (source, *others) if a.first <= n <= a.last) for n in range(len(schedule.layers)))
    by_size = [(0, source)]
    for area in sorted(others, key=lambda a: (-a.size, a.first)):
        by_size.append((_tightest_gap(area, by_size), area))
    in_turn = [(0, source)]
    for number, area in enumerate(others):
        top = (peak - area.size, area)
        free = all(_apart(top, other) for other in in_turn if other[1].meets(area))
        in_turn.append(top if number % 2 and free else (_tightest_gap(area, in_turn), area))
    placed = min(by_size, in_turn, key=_end)
    return MemoryPlan({area.name: address for address, area in placed}, _end(placed))


def _end(placed: list[tuple[int, Area]]) -> int:
    """Bytes up to the highest one used."""
    return max(address + area.size for address, area in placed)


def _apart(one: tuple[int, Area], other: tuple[int, Area]) -> bool:
    """Whether two placed areas share no byte."""
    return one[0] + one[1].size <= other[0] or other[0] + other[1].size <= one[0]


def _tightest_gap(area: Area, placed: list[tuple[int, Area]]) -> int:
    """The lowest address of the smallest gap that takes ``area``; behind all others when none does."""
    best, best_size, behind = None, None, 0
    for address, other in sorted(((a, o) for a, o in placed if o.meets(area)), key=lambda p: p[0]):
        gap = address - behind
        if gap >= area.size and (best_size is None or gap < best_size):
            best, best_size = behind, gap
        behind = max(behind, address + other.size)
    return behind if best is None else best
