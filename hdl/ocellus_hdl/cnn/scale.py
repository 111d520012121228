"""Brings one operand of an addition to the scale of the sum."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .multiplier import Multiplier

LOW = 17
"""Bits of the multiplier in the lower product; a multiplier's input has one more, for the sign."""


class Scale(wiring.Component):
    """``RDBPOT(SRDHM(x << 20, multiplier), shift)``; one a clock, :attr:`LATENCY` clocks.

    With ``P = x * multiplier``, ``SRDHM`` is ``r = floor((P + 2^10) / 2^11)`` for either sign. ``RDBPOT`` by s of r is
    ``floor((floor((2r - (r < 0)) / 2^s) + 1) / 2)``, for s = 0 too: a negative r is moved below its tie. Where the sign
    of P stands for that of r, r is 0 and so is the result. The result comes as two addends, the second a carry.

    Attributes
    ----------
    i : signed(9), in
    i_multiplier : unsigned(32), in
        Below 2^31; steady.
    i_shift : unsigned(5), in
        Steady.
    i_factor : signed(9), in
    i_multiplies : unsigned(1), in
        ``o_product`` is ``i * i_factor``; steady. Else ``o`` counts.
    o : signed(30), out
        The result is ``o + o_carry``.
    o_carry : unsigned(1), out
    o_product : signed(18), out
        :attr:`PRODUCT_LATENCY` clocks after its operands.
    """

    PRODUCT_LATENCY = Multiplier.LATENCY
    LATENCY = PRODUCT_LATENCY + 3

    i: In(signed(9))
    i_multiplier: In(32)
    i_shift: In(unsigned(5))
    i_factor: In(signed(9))
    i_multiplies: In(1)
    o: Out(signed(30))
    o_carry: Out(1)
    o_product: Out(signed(18))

    def elaborate(self, platform: object) -> Module:
        """Product in two parts, their sum, rounding, shift."""
        m = Module()
        factor = Signal(signed(LOW + 1))
        m.submodules.low = low = Multiplier(signed(9), signed(LOW + 1))
        m.submodules.high = high = Multiplier(signed(9), unsigned(31 - LOW))
        m.d.comb += [
            factor.eq(Mux(self.i_multiplies, self.i_factor, self.i_multiplier[:LOW])),
            low.i_a.eq(self.i),
            low.i_b.eq(factor),
            high.i_a.eq(self.i),
            high.i_b.eq(self.i_multiplier[LOW:31]),
            self.o_product.eq(low.o),
        ]
        product = Signal(signed(40))
        upper = product[10:].as_signed()
        nudged = Signal(signed(31))
        negative = Signal()
        shifted = Signal(signed(31))
        m.d.sync += [
            product.eq(Cat(low.o[:LOW], (high.o + low.o[LOW:27].as_signed())[: 40 - LOW])),
            nudged.eq(upper + Mux(upper[-1], -1, 1)),
            negative.eq(upper[-1]),
            shifted.eq(Cat(negative, nudged[1:]).as_signed() >> self.i_shift),
        ]
        m.d.comb += [self.o.eq(shifted >> 1), self.o_carry.eq(shifted[0])]
        return m
