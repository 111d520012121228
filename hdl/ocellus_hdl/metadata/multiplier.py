"""A product of two numbers, one bit at a time: small, for the few products that a box needs."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

COUNT_BITS = 10
FACTORS = data.StructLayout({"count": signed(COUNT_BITS), "length": 20})
"""How many times (signed), and what."""


class Multiplier(wiring.Component):
    """``count * length``, exact, in ten clocks and one to hand it over.

    Attributes
    ----------
    i : stream(FACTORS), in
    o : stream(signed 30), out
    """

    i: In(stream.Signature(FACTORS))
    o: Out(stream.Signature(signed(30)))

    def elaborate(self, platform: object) -> Module:
        """Shift and add; the sign bit of ``count`` weighs negative."""
        m = Module()
        count = Signal(COUNT_BITS)
        length = Signal(30)
        product = Signal(signed(30))
        left = Signal(range(COUNT_BITS + 1))
        m.d.comb += self.o.payload.eq(product)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [
                    count.eq(self.i.payload.count),
                    length.eq(self.i.payload.length),
                    product.eq(0),
                    left.eq(COUNT_BITS),
                ]
                with m.If(self.i.valid):
                    m.next = "ADD"
            with m.State("ADD"):
                m.d.sync += [count.eq(count >> 1), length.eq(length << 1), left.eq(left - 1)]
                with m.If(count[0]):
                    m.d.sync += product.eq(product + length)
                with m.If(left == 1):
                    with m.If(count[0]):
                        m.d.sync += product.eq(product - length)
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "TAKE"
        return m
