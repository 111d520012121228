"""The order of work, the layouts and the places together: what is interleaved, and in steps of how many rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ...errors import BadInput
from ...program_formats import Epilogue, LayerOp
from .geometry import Layouts, Walk, clocks, total_clocks, walk, work
from .goal import Goal
from .image import program_words
from .layers import ArrayLayer, Plan
from .layout import LayoutChooser
from .overlap import overlapped
from .pipeline import drain
from .placement import Place, last_word, peak_words, place
from .predict import Clockwork, Work
from .schedule import Rows, Waits, in_pieces, interleaved, waits
from .segments import Estimate, Partition, head_and_singles, partition

_LITTLE = 1 / 1024
"""Weight of the goal that was not chosen."""
_LOSSES = (0.0, 1 / 64, 1 / 8, 1.0)
"""Shares of a layer's clocks that steps of fewer rows may cost."""
_SHARES = (0.8, 0.9, 1.0, 1.1, 1.25)
"""Of the memory that there is: estimates err to both sides."""
_TRIES = 150
_STARTS = 4
_LONGEST = 12
"""Layers interleaved at a network's beginning."""


@dataclass(frozen=True)
class Arrangement:
    """Steps with their waits, and where everything lies.

    Attributes
    ----------
    parts : sequence of (int, int)
        Layers that run interleaved: the first, and one behind the last.
    rows : sequence of int
        Rows of each layer's steps.
    late : bool
        Whether 1x1 convolutions come late in each round.
    clocks, after_input : int
        With waits for earlier steps: all, and those from the step on that waits for the input's last row.
    peak : int
        Words of activations.
    """

    parts: Partition
    rows: Sequence[int]
    late: bool
    steps: Sequence[Rows]
    waits: Sequence[Waits]
    layouts: Layouts
    ways: Sequence[Walk]
    places: dict[str, Place]
    clocks: int
    after_input: int
    peak: int

    @property
    def last(self) -> int:
        """Number of the last step."""
        return len(self.steps) - 1


class Arranger:
    """Tries steps and places for a plan, towards a goal and a number of words of memory."""

    def __init__(self, plan: Plan, goal: Goal, words: int) -> None:
        self.plan, self.goal, self.words = plan, goal, words
        self._chooser = LayoutChooser(plan)
        self._least = drain(plan.sizes, LayerOp.POINT, Epilogue.PLAIN) + 3
        self._ideal = [walk(layer, plan.sizes, None, None) for layer in plan.layers]

    def rows(self, number: int, loss: float, least_clocks: int) -> int:
        """The fewest rows of a step that lose so few clocks and take ``least_clocks``, when the layouts suit."""
        layer, way, sizes = self.plan.layers[number], self._ideal[number], self.plan.sizes
        height = layer.out_shape[0]
        limit = total_clocks(layer, way, sizes, height) * (1 + loss)
        for rows in range(1, height):
            if clocks(layer, way, sizes, rows) >= least_clocks and total_clocks(layer, way, sizes, rows) <= limit:
                return rows
        return height

    def all_rows(self, loss: float, least_clocks: int) -> list[int]:
        """:meth:`rows` of every layer."""
        return [self.rows(n, loss, least_clocks) for n in range(len(self.plan.layers))]

    def arranged(self, parts: Partition, rows: Sequence[int], late: bool = False) -> Arrangement:
        """Those parts, layers that are alone in pieces; its peak may be more than there is."""
        plan = self.plan
        layouts = self._chooser.layouts(rows)
        ways = [self._walk(layer, layouts) for layer in plan.layers]
        steps: list[Rows] = []

        for first, last in parts:
            if last - first > 1:
                steps += interleaved(plan, range(first, last), rows[first:last], late)
            else:
                steps += in_pieces(plan, range(first, last), rows[first:last])
        found = waits(plan, steps)
        found = overlapped(plan, steps, found, self._works(steps, found, ways))
        needed = [w.wait_rows for w in found]
        end = needed.index(max(needed))
        took = Clockwork(plan.sizes, plan.clocks_behind).run(self._works(steps, found, ways))
        places = place(plan, steps, found, layouts, self.words)
        peak = peak_words(plan, places)
        return Arrangement(parts, rows, late, steps, found, layouts, ways, places, sum(took), sum(took[end:]), peak)

    def rank(self, found: Arrangement) -> tuple[int, float]:
        """The smaller the better: memory beyond what there is, then the goal."""
        much, little = found.clocks, found.after_input
        if self.goal is Goal.LATENCY:
            much, little = little, much
        return max(found.peak, self.words), much + little * _LITTLE

    def last_rank(self, found: Arrangement) -> tuple[int, int, float]:
        """:meth:`rank`, but a program that fits comes before a better one: the way to it may lead over longer ones."""
        peak, goal = self.rank(found)
        program = program_words(len(self.plan.layers), len(found.steps))
        return peak, max(program, self.plan.sizes.program_words), goal

    def fast(self) -> Iterator[Arrangement]:
        """The first layers interleaved, the others one by one."""
        count = len(self.plan.layers)
        alone = self.all_rows(0.0, self._least)
        for number in range(min(count, _LONGEST) + 1):
            yield self.arranged(head_and_singles(number, count), alone)

    def small(self) -> Iterator[Arrangement]:
        """Arrangements that should fit into about as many words as there are."""
        count, words = len(self.plan.layers), self.words
        alone = self.all_rows(0.0, self._least)
        ways = [alone, *(self.all_rows(loss, least) for loss in _LOSSES for least in (1, self._least))]
        estimates = [Estimate(self.plan, self._chooser.layouts(rows), rows) for rows in ways]
        spent = [self._clocks(rows) for rows in ways]
        found = [partition(estimates, spent, int(share * words)) for share in _SHARES]
        limit = int(max(_SHARES) * words)
        alone_fit = [estimates[0].part(n, n + 1) <= limit for n in range(count)]
        for number in range(2, min(count, _LONGEST) + 1):
            if all(alone_fit[number:]):
                heads = (estimate.rows for estimate in estimates if estimate.part(0, number) <= limit)
                found += [(head_and_singles(number, count), [*rows[:number], *alone[number:]]) for rows in heads]
        for parts, rows in dict.fromkeys((parts, tuple(rows)) for parts, rows in found):
            yield self.arranged(parts, rows)
            if _longest(parts) > 2:
                yield self.arranged(parts, rows, True)

    def _clocks(self, rows: Sequence[int]) -> list[int]:
        """Clocks of every layer in steps of ``rows`` rows, without waiting."""
        layouts = self._chooser.layouts(rows)
        return [
            total_clocks(x, self._walk(x, layouts), self.plan.sizes, n)
            for x, n in zip(self.plan.layers, rows, strict=True)
        ]

    def _works(self, steps: Sequence[Rows], found: Sequence[Waits], ways: Sequence[Walk]) -> list[Work]:
        """What each step asks of the accelerator."""
        works, rows = [], 0
        for s, w in zip(steps, found, strict=True):
            layer, way = self.plan.layers[s.layer], ways[s.layer]
            works.append(work(s.layer, layer, way, self.plan.sizes, s.count, w.after, w.wait_rows > rows))
            rows = max(rows, w.wait_rows)
        return works

    def _walk(self, layer: ArrayLayer, layouts: Layouts) -> Walk:
        return walk(layer, self.plan.sizes, layouts[layer.source].pitch, layouts[layer.output].pitch)

    def improved(self, start: Arrangement) -> Arrangement:
        """Other rows for a layer or for two neighbours, while the peak is too high, and then while clocks fall."""
        best, tries = start, 0
        moved = True
        while moved and tries < _TRIES:
            moved = False
            numbers = self._critical(best) if best.peak > self.words else self._losing(best)
            for number, together in product(numbers, (1, 2)):
                for rows in self._other_rows(number, together, best.rows):
                    changed = [*best.rows[:number], *rows, *best.rows[number + len(rows) :]]
                    tries += 1
                    found = self.arranged(best.parts, changed, best.late)
                    if self.rank(found) < self.rank(best):
                        best, moved = found, True
        return best

    def _other_rows(self, number: int, together: int, rows: Sequence[int]) -> list[list[int]]:
        """Ways for as many neighbours from a layer on, in which none keeps its rows."""
        heights = [layer.out_shape[0] for layer in self.plan.layers[number : number + together]]
        had = list(rows[number : number + together])
        ways = [[n] * together for n in (1, 2, 3, 4, 5, 6, 7, 9) if len(heights) == together and n <= min(heights)]
        return [way for way in ways if all(n != old for n, old in zip(way, had, strict=True))]

    def _losing(self, found: Arrangement) -> list[int]:
        """Layers whose steps fill the array badly, the worst first, each behind the layer in front of it."""
        sizes, layers = self.plan.sizes, self.plan.layers
        losses = [
            total_clocks(layer, found.ways[n], sizes, found.rows[n])
            - total_clocks(layer, self._ideal[n], sizes, layer.out_shape[0])
            for n, layer in enumerate(layers)
        ]
        worst = sorted((n for n, loss in enumerate(losses) if loss > 0), key=lambda n: -losses[n])
        return list(dict.fromkeys(m for n in worst for m in (n - 1, n) if m >= 0))

    def _critical(self, found: Arrangement) -> list[int]:
        """Layers that run while the last words of the memory are taken."""
        plan = self.plan
        ends = {name: last_word(plan, name, place) for name, place in found.places.items()}
        top = max(ends, key=lambda name: ends[name])
        touching = {*plan.writers(top), *plan.readers(top)}
        return [n for first, last in found.parts if touching & set(range(first, last)) for n in range(first, last)]


def _longest(parts: Partition) -> int:
    return max(last - first for first, last in parts)


def arrange(plan: Plan, goal: Goal = Goal.THROUGHPUT, activation_bytes: int | None = None) -> Arrangement:
    """The best arrangement that fits into the memory, or into ``activation_bytes`` of it.

    :class:`BadInput` when none fits.
    """
    capacity = plan.sizes.activation_bytes if activation_bytes is None else activation_bytes
    words = min(capacity, plan.sizes.activation_bytes) // plan.sizes.word
    arranger = Arranger(plan, goal, words)
    best = min(arranger.fast(), key=arranger.last_rank)
    if best.peak > words:
        starts = sorted(arranger.small(), key=arranger.rank)[:_STARTS]
        best = min(map(arranger.improved, starts), key=arranger.last_rank)
    if best.peak > words:
        raise BadInput(
            f"{plan.network.file}: configuration {plan.sizes.name!r}: found {best.peak * plan.sizes.word} bytes of "
            f"activations, allowed {words * plan.sizes.word}"
        )
    return best
