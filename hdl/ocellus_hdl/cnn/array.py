"""The multipliers and accumulators: nine pixels' convolutions, or neighbouring windows of 3x3 taps, a clock."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import LayerOp

from .cells import copies, kept_plus, passing
from .operands import VIEW, WINDOW_TAPS, Operands, array_step, piece, second_operands
from .products import Products, window_of
from .windows import taps
from .words import flow, slots

TREE = 3
"""Levels that add nine taps."""


def point_sums(c: Configuration) -> data.ArrayLayout:
    """Accumulators of a convolution: ``[pixel][output]``."""
    return data.ArrayLayout(data.ArrayLayout(signed(32), c.outputs), PIXELS)


def window_sums(c: Configuration) -> data.ArrayLayout:
    """Accumulators of windows: ``[window][channel]``."""
    return data.ArrayLayout(data.ArrayLayout(signed(32), c.word), c.windows)


DONE = data.StructLayout({"point": 1})
"""A group is complete: of which kind."""


class Array(wiring.Component):
    """A step a clock; no backpressure. Accumulators hold 32 bits and wrap.

    POINT: ``acc[i][o] += sum of x[i][c] * w[o*inputs + c]``. WINDOW: ``acc[j][c] += sum of x[j][tap][c] * w[tap][c]``
    over nine taps. MAXIMUM: ``acc[j][c] = max(acc[j][c], x[j][0][c])``. ``first`` begins anew.

    A group is complete :meth:`latency` clocks after its last step; then the sums of a convolution stay for ``beats``
    clocks, those of windows for that one.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(array_step), in
    i_fill : signed(8), in
    i_piece, i_view : piece, VIEW, in
        Of the step that comes in the next clock.
    i_soon : slots, in
        With the step.
    i_slots : slots, in
        The same, a clock later.
    i_weights : array of bytes, in
    i_taps : taps, in
        Likewise.
    o_operands : flow(second_operands), out
        Of a step with ``operand``, two clocks later.
    o : flow(DONE), out
    o_soon : flow(DONE), out
        The same, a clock earlier.
    o_point : point_sums, out
    o_window : window_sums, out
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(array_step(c))),
                "i_piece": In(piece(c)),
                "i_view": In(VIEW),
                "i_soon": In(slots(c)),
                "i_slots": In(slots(c)),
                "i_fill": In(signed(8)),
                "i_weights": In(data.ArrayLayout(signed(8), c.lanes)),
                "i_taps": In(taps(c)),
                "o_operands": Out(flow(second_operands(c))),
                "o": Out(flow(DONE)),
                "o_soon": Out(flow(DONE)),
                "o_point": Out(point_sums(c)),
                "o_window": Out(window_sums(c)),
            }
        )

    @staticmethod
    def latency(c: Configuration) -> int:
        """Clocks from a group's last step to its sums: operands, products, trees, accumulators."""
        return 1 + Products.latency(c) + _levels(c) + 1

    def elaborate(self, platform: object) -> Module:
        """Operands and products, then two ways through adders."""
        m = Module()
        c = self._c
        m.submodules.operands = operands = Operands(c)
        m.submodules.products = products = Products(c)
        wiring.connect(m, wiring.flipped(self.i), operands.i)
        wiring.connect(m, operands.o_operands, wiring.flipped(self.o_operands))
        m.d.comb += [
            operands.i_piece.eq(self.i_piece),
            operands.i_view.eq(self.i_view),
            operands.i_soon.eq(self.i_soon),
            operands.i_slots.eq(self.i_slots),
            operands.i_fill.eq(self.i_fill),
            products.i_point.eq(operands.o_point),
            products.i_window.eq(operands.o_window),
            products.i_spread.eq(operands.o_spread),
            products.i_weights.eq(self.i_weights),
            products.i_taps.eq(self.i_taps),
        ]

        # What accompanies the step; row n is n clocks old.
        flags = data.StructLayout({"point": 1, "maximum": 1, "first": 1, "last": 1})
        rows: list[Any] = [Signal(data.StructLayout({"valid": 1, "payload": flags}), name="row_0")]
        step = self.i.payload
        m.d.comb += [
            rows[0].valid.eq(self.i.valid & ~step.operand),
            rows[0].payload.point.eq(step.op == LayerOp.POINT),
            rows[0].payload.maximum.eq(step.op == LayerOp.MAXIMUM),
            *(rows[0].payload[name].eq(step[name]) for name in ("first", "last")),
        ]
        for n in range(self.latency(c)):
            row = Signal.like(rows[0], name=f"row_{n + 1}")
            m.d.sync += row.valid.eq(rows[n].valid)
            with m.If(passing(platform, rows[n].valid)):
                m.d.sync += row.payload.eq(rows[n].payload)
            rows.append(row)
        at = 1 + Products.latency(c)
        ends = Signal()  # in the row before the last
        m.d.sync += [ends.eq(rows[-3].valid & rows[-3].payload.last), self.o.valid.eq(ends)]
        m.d.comb += self.o_soon.valid.eq(ends)
        for port, row in ((self.o, rows[-1]), (self.o_soon, rows[-2])):
            m.d.comb += port.payload.point.eq(row.payload.point)

        def running(n: int, point: bool) -> Value:
            kind = rows[n].payload.point
            return rows[n].valid & (kind if point else ~kind)

        def passes(n: int, point: bool) -> Value:
            return passing(platform, running(n, point))

        # Neighbouring products: a convolution's inputs or a window's taps.
        levels = _levels(c)
        end = at + levels
        pairs: dict[tuple[int, int], Signal] = {}
        place: dict[tuple[int, int, int], tuple[int, int]] = {}
        for i in range(PIXELS):
            for n in range(c.lanes):
                place[window_of(c, i, n)] = i, n
                if n % 2 == 0:
                    pairs[i, n] = Signal(signed(17), name=f"pair_{i}_{n}")
                    with m.If(passing(platform, rows[at].valid)):
                        m.d.sync += pairs[i, n].eq(products.o[i][n] + products.o[i][n + 1])

        # A convolution accumulates a clock earlier than windows: its sums are kept while they drain.
        flags_of = rows[end - 2].payload
        adds = copies(m, platform, running(end - 2, True), PIXELS, "adds")
        keeps = copies(m, platform, ~flags_of.first, PIXELS, "keeps")
        closes = copies(m, platform, running(end - 1, True) & rows[end - 1].payload.last, PIXELS, "closes")
        for i in range(PIXELS):
            for o in range(c.outputs):
                terms: list[Any] = [pairs[i, o * c.inputs + n] for n in range(0, c.inputs, 2)]
                total = _summed(m, terms, [passes(at + n, True) for n in range(1, levels - 1)])
                sums = Signal(signed(32), name=f"point_{i}_{o}")
                added = kept_plus(m, platform, sums, keeps[i], total, f"point_sum_{i}_{o}")
                with m.If(adds[i]):
                    m.d.sync += sums.eq(added)
                with m.If(closes[i]):
                    m.d.sync += self.o_point[i][o].eq(sums)
        flags_of = rows[end - 1].payload
        keeps = copies(m, platform, ~(flags_of.first | flags_of.maximum), 2 * c.windows, "keeps_window")
        adds = copies(m, platform, running(end - 1, False), 2 * c.windows, "adds_window")
        for j in range(c.windows):
            for g in range(c.word):
                i, n = place[WINDOW_TAPS - 1, j, g]
                ninth = _summed(m, [products.o[i][n]], [passes(at, False)])
                terms = [*(pairs[place[t, j, g]] for t in range(0, WINDOW_TAPS - 1, 2)), ninth]
                total = _summed(m, terms, [passes(at + n, False) for n in range(1, levels)])
                sums = self.o_window[j][g]
                row = rows[end].payload
                # The largest is the one that came last, unless it is not larger: both fit eight bits.
                stays = row.maximum & ~row.first & (total[:8].as_signed() <= sums[:8].as_signed())
                half = 2 * j + 2 * g // c.word
                added = kept_plus(m, platform, sums, keeps[half], total, f"window_sum_{j}_{g}")
                with m.If(adds[half] & ~stays):
                    m.d.sync += sums.eq(added)
        return m


def _levels(c: Configuration) -> int:
    return max(TREE, (c.inputs - 1).bit_length() + 1)


def _summed(m: Module, terms: Sequence[Any], enables: Sequence[Value]) -> Any:
    """The sum of ``terms`` behind one register per enable: of two terms each, the last of those that are left."""
    for n, enable in enumerate(enables):
        sums = []
        size = 2 if n < len(enables) - 1 else len(terms)
        for at in range(0, len(terms), size):
            part = list(terms[at : at + size])
            while len(part) > 2:
                # Kept: synthesis would make gates of a sum of three.
                two = Signal(signed(max(map(len, part[:2])) + 1), attrs={"keep": 1})
                m.d.comb += two.eq(part[0] + part[1])
                part[:2] = [two]
            total = Signal(signed(max(map(len, part)) + len(part) - 1))
            with m.If(enable):
                m.d.sync += total.eq(sum(part[1:], start=part[0]))
            sums.append(total)
        terms = sums
    (total,) = terms
    return total
