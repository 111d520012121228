"""Gives every tensor its place in the activation memory: greedy best fit over lifetimes."""

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
    """Places the input at 0, then the largest tensors first, each into the tightest gap between those alive with it."""
    source, *others = areas(schedule)
    placed = [(0, source)]
    for area in sorted(others, key=lambda a: (-a.size, a.first)):
        placed.append((_tightest_gap(area, placed), area))
    addresses = {area.name: address for address, area in placed}
    return MemoryPlan(addresses, max(address + area.size for address, area in placed))


def _tightest_gap(area: Area, placed: list[tuple[int, Area]]) -> int:
    """The lowest address of the smallest gap that takes ``area``; behind all others when none does."""
    best, best_size, behind = None, None, 0
    for address, other in sorted(((a, o) for a, o in placed if o.meets(area)), key=lambda p: p[0]):
        gap = address - behind
        if gap >= area.size and (best_size is None or gap < best_size):
            best, best_size = behind, gap
        behind = max(behind, address + other.size)
    return behind if best is None else best
