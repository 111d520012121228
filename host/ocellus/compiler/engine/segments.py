"""Which neighbouring layers run interleaved: a partition of the layers, by an estimate of each part's memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from .geometry import Layouts
from .layers import Plan
from .layout import ring_estimate, row_words

_LONGEST = 24
"""Layers of a part at most."""
_SLACK = 1
"""Rows that a storage which follows another lies behind it, besides those that the layers between them keep."""
_STARTS = 90
"""Clocks that a part's beginning and end cost."""

Partition = tuple[tuple[int, int], ...]
"""First layer, and one behind the last, of every part."""


@dataclass
class Estimate:
    """Words of activations while a part runs, when every layer's steps have ``rows`` rows."""

    plan: Plan
    layouts: Layouts
    rows: Sequence[int]

    def __post_init__(self) -> None:
        plan = self.plan
        self._readers = {name: plan.readers(name) for name in plan.shapes}
        self._writers = {name: plan.writers(name) or [-1] for name in plan.shapes}
        self._input = self._ring(plan.input)
        self._rings = {name: self._ring(name) for name in plan.shapes}
        self._wholes = {name: self._whole(name) for name in plan.shapes}

    def part(self, first: int, last: int) -> int:
        """Of layers ``first`` to ``last`` (not included): rings between them, whole storages around them.

        Where a storage dies in the part and another is born, the rows of one follow those of the other, some rows late.
        """
        words = self._input
        dying = born_here = 0
        for name in self.plan.shapes:
            if name == self.plan.input:
                continue
            born, readers = self._writers[name], self._readers[name]
            end = len(self.plan.layers) if name == self.plan.output else max(readers, default=born[-1])
            if born[0] >= last or end < first:
                continue
            inside = first <= born[0] and end < last and name != self.plan.output and len(born) == 1
            if inside:
                words += self._rings[name]
            elif born[0] < first and end < last:
                dying += self._wholes[name]
            elif born[0] >= first and end >= last:
                born_here += self._wholes[name]
            else:
                words += self._wholes[name]
        late = sum(self.rows[n] + self.plan.layers[n].kernel[0] - 1 for n in range(first, last))
        height = max(1, self.plan.layers[last - 1].out_shape[0])
        both = min(dying, born_here)
        return words + max(dying, born_here) + min(both, both * (late + _SLACK) // height)

    def _whole(self, name: str) -> int:
        return self.plan.shapes[name][0] * row_words(self.plan, name, self.layouts[name])

    def _ring(self, name: str) -> int:
        layout = self.layouts[name]
        return ring_estimate(self.plan, name, self.rows, layout.pitch) * row_words(self.plan, name, layout)


def partition(
    estimates: Sequence[Estimate], clocks: Sequence[Sequence[int]], words: int
) -> tuple[Partition, list[int]]:
    """Parts, and the rows of every layer's steps, that take the fewest clocks in about ``words`` of memory.

    ``estimates`` are ways to choose the rows, ``clocks`` those that each layer takes in each of them; a layer that is
    alone takes the first way. Where no way fits, the least memory wins.
    """
    count = len(estimates[0].plan.layers)
    best: list[tuple[int, int, int, Partition, tuple[int, ...]]] = [(0, 0, 0, (), ())]
    for last in range(1, count + 1):
        ways = []
        for first in range(max(0, last - _LONGEST), last):
            excess, spent, total, parts, rows = best[first]
            for n, estimate in enumerate(estimates[:1] if last - first == 1 else estimates):
                size = estimate.part(first, last)
                taken = sum(clocks[n][first:last]) + _STARTS
                ways.append(
                    (
                        max(excess, size - words),
                        spent + taken,
                        total + size * (last - first),
                        (*parts, (first, last)),
                        (*rows, *estimate.rows[first:last]),
                    )
                )
        best.append(min(ways))
    return best[count][3], list(best[count][4])


def head_and_singles(count: int, layers: int) -> Partition:
    """The first ``count`` of ``layers`` together, the others each for itself."""
    return (*([(0, count)] if count else []), *((n, n + 1) for n in range(count, layers)))
