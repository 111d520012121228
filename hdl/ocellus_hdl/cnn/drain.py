"""Holds a finished group of accumulators and hands it on ``requantisers`` at a time."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.formats import LayerOp

from .pool import Divider
from .words import beat, flow, outcome


class Drain(wiring.Component):
    """A beat a clock, one every ``Divider.CLOCKS`` for an average pool; no backpressure.

    The walk spaces the groups so that the last beat of one leaves before the next arrives. The parameter memory's
    answer arrives beside the beat, because the address goes out a clock earlier: a running number that starts again
    with each pixel.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(outcome), in
    i_op : unsigned(3), in
    i_parameter_base : unsigned(16), in
        Both steady while a layer runs.
    o_parameter : flow(unsigned(16)), out
        Address in the parameter memory, a clock before the beat it belongs to.
    o : flow(beat), out
    o_taps : unsigned(16), out
        Taps inside the picture, for the divider.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(outcome(c))),
                "i_op": In(3),
                "i_parameter_base": In(16),
                "o_parameter": Out(flow(16)),
                "o": Out(flow(beat(c))),
                "o_taps": Out(16),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The held values move down by one beat each time."""
        m = Module()
        c = self._c
        r = c.requantisers

        held = Signal(data.ArrayLayout(signed(32), self.i.payload.value.shape().length))
        left = Signal.like(self.i.payload.count)
        taps = Signal(16)
        address = Signal(16)
        wait = Signal(range(Divider.CLOCKS))

        leaves = Signal()
        m.d.comb += leaves.eq((left != 0) & (wait == 0))
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.If(leaves):
            m.d.sync += [
                held.eq(Cat(held.as_value()[32 * r :])),
                left.eq(Mux(left > r, left - r, 0)),
                address.eq(address + 1),
            ]
            with m.If(self.i_op == LayerOp.AVERAGE_POOL):
                m.d.sync += wait.eq(Divider.CLOCKS - 1)
        with m.If(self.i.valid):
            m.d.sync += [
                held.eq(self.i.payload.value),
                left.eq(self.i.payload.count),
                taps.eq(self.i.payload.taps),
            ]
            with m.If(self.i.payload.fresh):
                m.d.sync += address.eq(self.i_parameter_base)

        m.d.comb += [self.o_parameter.valid.eq(leaves), self.o_parameter.payload.eq(address)]
        m.d.sync += self.o.valid.eq(leaves)
        with m.If(leaves):
            m.d.sync += [
                self.o.payload.count.eq(Mux(left > r, r, left)),
                self.o_taps.eq(taps),
            ]
            m.d.sync += [self.o.payload.value[n].eq(held[n]) for n in range(r)]
        return m
