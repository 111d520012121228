"""Hands one stream to two takers; each gets every beat once."""

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Fork(wiring.Component):
    """One stream in, two out, without storage.

    A beat is accepted in the clock in which the slower branch takes it; the faster one took it then or before.
    One beat a clock when both are ready; no latency.

    Parameters
    ----------
    shape : ShapeLike
        The payload.

    Attributes
    ----------
    i : stream(shape), in
    o_a, o_b : stream(shape), out
        The branches.
    """

    i: stream.Interface
    o_a: stream.Interface
    o_b: stream.Interface

    def __init__(self, shape: ShapeLike):
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o_a": Out(stream.Signature(shape)),
                "o_b": Out(stream.Signature(shape)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Remember which branch has taken the beat that waits."""
        m = Module()
        has_a = Signal()
        has_b = Signal()
        takes_a = self.o_a.valid & self.o_a.ready
        takes_b = self.o_b.valid & self.o_b.ready
        m.d.comb += [
            self.o_a.payload.eq(self.i.payload),
            self.o_b.payload.eq(self.i.payload),
            self.o_a.valid.eq(self.i.valid & ~has_a),
            self.o_b.valid.eq(self.i.valid & ~has_b),
            self.i.ready.eq((has_a | self.o_a.ready) & (has_b | self.o_b.ready)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [has_a.eq(0), has_b.eq(0)]
        with m.Else():
            m.d.sync += [has_a.eq(has_a | takes_a), has_b.eq(has_b | takes_b)]
        return m
