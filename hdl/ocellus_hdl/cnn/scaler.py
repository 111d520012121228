"""Multiplies by a fixed-point fraction with two roundings: the arithmetic that requantiser and adder share."""

from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .words import flow

OPERANDS = data.StructLayout({"value": signed(32), "multiplier": signed(32), "shift": 5})
LOWEST = -(1 << 31)


class Scaler(wiring.Component):
    """``RDBPOT(SRDHM(value, multiplier), shift)``.

    One value a clock, :attr:`LATENCY` clocks, no backpressure.

    ``SRDHM`` divides the 64-bit product by ``2^31`` after a nudge, truncating toward zero. Because the nudge is
    ``1 - 2^30`` for negative products, that equals ``floor((product + 2^30) / 2^31)`` for both signs; only the square
    of the lowest number overflows, and saturates. ``RDBPOT`` divides by ``2^shift``, ties away from zero, which is
    ``floor((x + 2^(shift-1) - (x < 0)) / 2^shift)`` for a shift of 1 or more.

    Attributes
    ----------
    i : flow(OPERANDS), in
    o : flow(signed(32)), out
    """

    LATENCY = 7

    i: In(flow(OPERANDS))
    o: Out(flow(signed(32)))

    def elaborate(self, platform: object) -> Module:
        """Seven registers: operands, partial products, two sums, two halves of the shifter, result."""
        m = Module()

        valid = Signal(self.LATENCY)
        m.d.sync += valid.eq((valid << 1) | self.i.valid)
        m.d.comb += self.o.valid.eq(valid[-1])

        # A product of 16-bit halves fits a hardware multiplier of 18 bits; only the upper halves carry a sign.
        operands = Signal(OPERANDS)
        with m.If(self.i.valid):
            m.d.sync += operands.eq(self.i.payload)
        value_low, value_high = operands.value[:16], operands.value[16:].as_signed()
        multiplier_low, multiplier_high = operands.multiplier[:16], operands.multiplier[16:].as_signed()

        low = Signal(32)
        middle_a = Signal(signed(33))
        middle_b = Signal(signed(33))
        high = Signal(signed(32))
        saturates = Signal()
        shift_1 = Signal(5)
        with m.If(valid[0]):
            m.d.sync += [
                low.eq(value_low * multiplier_low),
                middle_a.eq(value_high * multiplier_low),
                middle_b.eq(value_low * multiplier_high),
                high.eq(value_high * multiplier_high),
                saturates.eq((operands.value == LOWEST) & (operands.multiplier == LOWEST)),
                shift_1.eq(operands.shift),
            ]

        outer = Signal(signed(64))
        middle = Signal(signed(34))
        saturates_2 = Signal()
        shift_2 = Signal(5)
        with m.If(valid[1]):
            # The halves do not overlap, and the rounding constant rides along: both sums have two operands.
            m.d.sync += [
                outer.eq((high << 32) | low),
                middle.eq(middle_a + middle_b + (1 << 14)),
                saturates_2.eq(saturates),
                shift_2.eq(shift_1),
            ]

        fraction = Signal(signed(32))
        shift_3 = Signal(5)
        with m.If(valid[2]):
            product = (outer + (middle << 16))[31:63].as_signed()
            m.d.sync += [
                fraction.eq(Mux(saturates_2, Const((1 << 31) - 1, signed(32)), product)),
                shift_3.eq(shift_2),
            ]

        rounded = Signal(signed(33))
        shift_4 = Signal(5)
        half = Signal(31)
        m.d.comb += half.eq((Const(1, 32) << shift_3)[1:])
        with m.If(valid[3]):
            away = (fraction < 0) & (shift_3 != 0)
            m.d.sync += [rounded.eq(fraction + half - away), shift_4.eq(shift_3)]

        coarse = Signal(signed(33))
        shift_5 = Signal(5)
        with m.If(valid[4]):
            m.d.sync += [coarse.eq(rounded >> (shift_4 & 0b11000)), shift_5.eq(shift_4)]

        fine = Signal(signed(32))
        with m.If(valid[5]):
            m.d.sync += fine.eq(coarse >> shift_5[:3])
        m.d.comb += self.o.payload.eq(fine)
        return m
