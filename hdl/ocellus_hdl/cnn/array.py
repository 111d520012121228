"""The multipliers and accumulators: ``columns`` dot products of ``lanes`` bytes, or ``lanes`` single taps, a clock."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array as Choice
from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.formats import LayerOp

from .words import flow, outcome, step, weight_word, window

FAN_IN = 4
"""Products added between two registers."""


class Array(wiring.Component):
    """Multiplies and accumulates one step a clock; no backpressure.

    A convolution accumulates one dot product a column. A depthwise layer accumulates one product a lane, with the
    weights of the step's ``column``; an average pool does so with weights of 1, and a max pool keeps the
    largest instead of the sum. Accumulators hold 32 bits and wrap.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_op : unsigned(3), in
        ``LayerOp``, steady while a layer runs.
    i_step : flow(step), in
    i_window : window, in
    i_weights : weight_word, in
        Both beside ``i_step``.
    o : flow(outcome), out
        A finished group, for one clock.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_op": In(3),
                "i_step": In(flow(step(c))),
                "i_window": In(window(c)),
                "i_weights": In(weight_word(c)),
                "o": Out(flow(outcome(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Operands, products, then two ways: adder trees for the columns, accumulators for the lanes."""
        m = Module()
        c = self._c
        is_convolution = Signal()
        m.d.comb += is_convolution.eq(self.i_op == LayerOp.CONV)

        pixels = Signal.like(self.i_window)
        weights = Signal.like(self.i_weights)
        tap_weights = Signal.like(self.i_window)
        with m.Switch(self.i_op):
            with m.Case(LayerOp.CONV):
                m.d.comb += tap_weights.eq(self.i_weights[0])
            with m.Case(LayerOp.DEPTHWISE):
                by_column = Choice(self.i_weights[j] for j in range(c.columns))
                m.d.comb += tap_weights.eq(by_column[self.i_step.payload.column])
            with m.Default():
                m.d.comb += [tap_weights[i].eq(1) for i in range(c.lanes)]
        with m.If(self.i_step.valid):
            m.d.sync += [pixels.eq(self.i_window), weights[0].eq(tap_weights)]
            with m.If(is_convolution):
                m.d.sync += [weights[j].eq(self.i_weights[j]) for j in range(1, c.columns)]
        at_operands = self._delayed(m, self.i_step)

        products = [[Signal(signed(16), name=f"product_{j}_{i}") for i in range(c.lanes)] for j in range(c.columns)]
        with m.If(at_operands.valid):
            m.d.sync += [products[0][i].eq(pixels[i] * weights[0][i]) for i in range(c.lanes)]
            with m.If(is_convolution):
                for j in range(1, c.columns):
                    m.d.sync += [products[j][i].eq(pixels[i] * weights[j][i]) for i in range(c.lanes)]
        at_products = self._delayed(m, at_operands)

        # Lanes: one product each, or the largest.
        lane_sums = [Signal(signed(32), name=f"lane_{i}") for i in range(c.lanes)]
        with m.If(at_products.valid & ~is_convolution):
            fresh = at_products.payload.first
            for total, product in zip(lane_sums, products[0], strict=True):
                largest = fresh | (product > total)
                with m.If(self.i_op == LayerOp.MAX_POOL):
                    m.d.sync += total.eq(Mux(largest, product, total))
                with m.Else():
                    m.d.sync += total.eq(Mux(fresh, 0, total) + product)
        taps = Signal(16)
        with m.If(at_products.valid):
            m.d.sync += taps.eq(Mux(at_products.payload.first, 0, taps) + at_products.payload.inside)
        at_lanes = self._delayed(m, at_products)

        # Columns: a tree with a register after every FAN_IN terms.
        level, at_level = products, at_products
        while len(level[0]) > 1:
            level = [self._summed(m, terms, at_level.valid & is_convolution) for terms in level]
            at_level = self._delayed(m, at_level)
        column_sums = [Signal(signed(32), name=f"column_{j}") for j in range(c.columns)]
        with m.If(at_level.valid & is_convolution):
            for total, (product,) in zip(column_sums, level, strict=True):
                m.d.sync += total.eq(Mux(at_level.payload.first, 0, total) + product)
        at_columns = self._delayed(m, at_level)

        done = Signal.like(at_lanes)
        m.d.comb += [
            done.eq(Mux(is_convolution, at_columns, at_lanes)),
            self.o.valid.eq(done.valid & done.payload.last),
            self.o.payload.taps.eq(taps),
            self.o.payload.count.eq(done.payload.count),
            self.o.payload.fresh.eq(done.payload.fresh),
        ]
        for n in range(max(c.lanes, c.columns)):
            column = column_sums[n] if n < c.columns else Const(0)
            lane = lane_sums[n] if n < c.lanes else Const(0)
            m.d.comb += self.o.payload.value[n].eq(Mux(is_convolution, column, lane))
        return m

    def _delayed(self, m: Module, before: Any) -> Any:
        after = Signal(data.StructLayout({"valid": 1, "payload": step(self._c)}))
        m.d.sync += after.valid.eq(before.valid)
        with m.If(before.valid):
            m.d.sync += after.payload.eq(before.payload)
        return after

    @staticmethod
    def _summed(m: Module, terms: Sequence[Signal], enable: Any) -> list[Signal]:
        sums = []
        for at in range(0, len(terms), FAN_IN):
            part = terms[at : at + FAN_IN]
            total = Signal(signed(len(part[0]) + (len(part) - 1).bit_length()))
            with m.If(enable):
                m.d.sync += total.eq(sum(part[1:], start=part[0]))
            sums.append(total)
        return sums
