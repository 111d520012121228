"""Divides the sums of an average pool by the number of taps."""

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import beat, flow

QUOTIENT_BITS = 8
"""The mean of int8 values has a magnitude of 128 at most."""


class Divider(wiring.Component):
    """``(sum + n/2) / n`` for sums of 0 and more, ``(sum - n/2) / n`` for others, both truncating toward zero.

    Restoring division of the magnitude, one bit a clock: a beat every :attr:`CLOCKS` clocks at most, no backpressure.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(beat), in
        Sums of ``i_taps`` int8 values each.
    i_taps : unsigned(16), in
        The divisor, 1 or more, beside the beat.
    o : flow(beat), out
        The means.
    """

    CLOCKS = QUOTIENT_BITS + 2

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__({"i": In(flow(beat(c))), "i_taps": In(unsigned(16)), "o": Out(flow(beat(c)))})

    def elaborate(self, platform: object) -> Module:
        """Take the magnitudes, subtract the divisor shifted by 7, 6 ... 0, put the signs back."""
        m = Module()
        c = self._c
        busy = Signal(self.CLOCKS - 1)  # one hot: magnitude, then one bit after the other
        m.d.sync += [busy.eq((busy << 1) | self.i.valid), self.o.valid.eq(busy[-1])]
        dividing = busy[:-1].any()

        divisor = Signal(16)
        count = Signal.like(self.i.payload.count)
        with m.If(self.i.valid):
            m.d.sync += [divisor.eq(self.i_taps), count.eq(self.i.payload.count)]
        with m.If(busy[-1]):
            m.d.sync += self.o.payload.count.eq(count)

        for lane in range(c.requantisers):
            total = self.i.payload.value[lane]
            negative = Signal(name=f"negative_{lane}")
            rest = Signal(16 + QUOTIENT_BITS, name=f"rest_{lane}")
            quotient = Signal(QUOTIENT_BITS, name=f"quotient_{lane}")
            # The rest moves up past a divisor that stands still, so that no shifter is needed.
            trial = Signal(signed(18), name=f"trial_{lane}")
            m.d.comb += trial.eq(rest[QUOTIENT_BITS - 1 :] - divisor)
            with m.If(self.i.valid):
                m.d.sync += [
                    negative.eq(total < 0),
                    rest.eq(Mux(total < 0, -total, total) + (self.i_taps >> 1)),
                ]
            with m.If(dividing):
                m.d.sync += quotient.eq((quotient << 1) | ~(trial < 0))
                with m.If(trial < 0):
                    m.d.sync += rest.eq(rest << 1)
                with m.Else():
                    m.d.sync += rest[QUOTIENT_BITS:].eq(trial[:16])
                    m.d.sync += rest[:QUOTIENT_BITS].eq(rest[: QUOTIENT_BITS - 1] << 1)
            with m.If(busy[-1]):
                m.d.sync += self.o.payload.value[lane].eq(Mux(negative, -quotient, quotient))
        return m
