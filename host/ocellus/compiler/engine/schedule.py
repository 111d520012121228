"""The order of work: which rows of which layer, step by step, and what each step has to wait for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ...program_formats import LayerOp
from .layers import Plan


@dataclass(frozen=True)
class Rows:
    """Output rows ``first`` to ``last`` (not included) of a layer."""

    layer: int
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many."""
        return self.last - self.first


@dataclass(frozen=True)
class Waits:
    """What a step waits for, and what it sets free; docs/cnn.md has the words."""

    after: int
    wait_rows: int
    free_rows: int


def in_pieces(plan: Plan, layers: Sequence[int], rows: Sequence[int]) -> list[Rows]:
    """One layer after another, each in steps of ``rows`` rows: one begins while the last step of another drains."""
    return [
        Rows(n, first, min(first + count, plan.layers[n].out_shape[0]))
        for n, count in zip(layers, rows, strict=True)
        for first in range(0, plan.layers[n].out_shape[0], count)
    ]


def interleaved(plan: Plan, layers: Sequence[int], rows: Sequence[int], late: bool) -> list[Rows]:
    """Steps of few rows, the deepest layer first.

    Each round goes from the last of ``layers`` to the first. A layer makes its next ``rows`` output rows when what
    they need is there, and when a later layer lacks them. So no layer runs ahead of its readers, and a step seldom
    needs what the step directly before it made. With ``late``, a 1x1 convolution comes two places behind the windows
    that it reads: what lies between them lives for a moment only, which saves memory and may cost waits.
    """
    return _Interleaving(plan, layers, rows).steps(late)


class _Interleaving:
    def __init__(self, plan: Plan, layers: Sequence[int], rows: Sequence[int]) -> None:
        self.plan, self.layers = plan, list(layers)
        self.rows = dict(zip(layers, rows, strict=True))
        self.done = dict.fromkeys(layers, 0)
        self.needs = {n: self._needs(n) for n in layers}
        outputs = {plan.layers[n].output for n in layers}
        self.readers = {name: [n for n in plan.readers(name) if n in self.done] for name in outputs}

    def steps(self, late: bool) -> list[Rows]:
        found: list[Rows] = []
        order = self._order() if late else list(reversed(self.layers))
        while any(self.done[n] < self._total(n) for n in self.layers):
            before = len(found)
            for n in order:
                step = self._next(n)
                if step is not None and self._lacking(n) and self._ready(step):
                    found.append(step)
                    self.done[n] = step.last
                    self.needs[n] = self._needs(n)
            assert len(found) > before, "no layer can go on"
        return found

    def _needs(self, n: int) -> dict[str, tuple[int, int]]:
        """Rows that the layer's next step needs."""
        step = self._next(n)
        return {} if step is None else reads(self.plan, step)

    def _order(self) -> list[int]:
        """A round with late convolutions."""
        order: list[int] = []
        behind = {n: writer for n in self.layers if (writer := self._window_before(n)) is not None}
        for n in reversed(self.layers):
            if n not in behind:
                order.append(n)
                order += [m for m, writer in behind.items() if m not in order and writer in order[:-1]]
        return order + [m for m in behind if m not in order]

    def _window_before(self, n: int) -> int | None:
        """The layer of windows whose rows a 1x1 convolution reads."""
        layer = self.plan.layers[n]
        writers = [m for m in self.plan.writers(layer.source) if m in self.done]
        if layer.op is not LayerOp.POINT or layer.kernel != (1, 1) or len(writers) != 1:
            return None
        return writers[0] if self.plan.layers[writers[0]].op is not LayerOp.POINT else None

    def _total(self, n: int) -> int:
        return self.plan.layers[n].out_shape[0]

    def _next(self, n: int) -> Rows | None:
        done, total = self.done[n], self._total(n)
        return Rows(n, done, min(done + self.rows[n], total)) if done < total else None

    def _written(self, n: int, storage: str) -> bool:
        return n in self.done and self.plan.layers[n].output == storage

    def _ready(self, step: Rows) -> bool:
        return all(self._has(storage, high, step.layer) for storage, (_, high) in self.needs[step.layer].items())

    def _has(self, storage: str, high: int, reader: int) -> bool:
        """Rows of the storage up to ``high`` are written, as far as layers in front of the reader write it."""
        return all(
            self.done[n] == self._total(n) or self._first_missing(n) >= high
            for n in self.layers
            if n < reader and self._written(n, storage)
        )

    def _first_missing(self, n: int) -> int:
        layer = self.plan.layers[n]
        return layer.rows_written(self.done[n], self.done[n] + 1)[0]

    def _lacking(self, n: int) -> bool:
        """Some reader's next step waits for this layer, or none of its readers is among these layers."""
        storage = self.plan.layers[n].output
        readers = self.readers[storage]
        if not readers:
            return True
        for m in readers:
            step = self._next(m)
            if step is not None:
                high = self.needs[m].get(storage, (0, 0))[1]
                if self._first_missing(n) < high or step.last == self._total(m):
                    return True
        return all(self._next(m) is None for m in readers)


def reads(plan: Plan, step: Rows) -> dict[str, tuple[int, int]]:
    """Rows that the step needs of each storage: first, and one behind the last."""
    layer = plan.layers[step.layer]
    needs = {layer.source: layer.rows_needed(step.first, step.last)}
    if layer.operand is not None:
        written = layer.rows_written(step.first, step.last)
        low, high = written[0], written[-1] + 1
        if layer.operand in needs:
            low, high = min(low, needs[layer.operand][0]), max(high, needs[layer.operand][1])
        needs[layer.operand] = (low, high)
    return needs


def waits(plan: Plan, steps: Sequence[Rows]) -> list[Waits]:
    """The waits of every step, and the input rows that nobody needs after it.

    The last step waits for the whole input, for no inference may end before its input does.
    """
    after = [max(needed, default=0) for needed in writers(plan, steps)]
    rows = plan.shapes[plan.input][0]
    free, low = [], rows
    for step in reversed(steps):
        free.append(low)
        low = min(low, reads(plan, step).get(plan.input, (rows, rows))[0])
    wait = [reads(plan, step).get(plan.input, (0, 0))[1] for step in steps[:-1]] + [rows]
    return [Waits(*all_three) for all_three in zip(after, wait, reversed(free), strict=True)]


def writers(plan: Plan, steps: Sequence[Rows]) -> list[set[int]]:
    """For every step the numbers, from 1 on, of those that write what it reads."""
    made: dict[tuple[str, int], set[int]] = defaultdict(set)
    found = []
    for number, step in enumerate(steps, 1):
        needs = reads(plan, step)
        rows = ((storage, row) for storage, (low, high) in needs.items() for row in range(low, high))
        found.append(set().union(*(made[row] for row in rows)))
        layer = plan.layers[step.layer]
        for row in layer.rows_written(step.first, step.last):
            made[layer.output, row].add(number)
    return found
