"""Turns accumulators into int8: bias, scale with double rounding, zero point, clamp."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .scaler import Scaler
from .words import ENTRY, beat, entries, flow, results

IDENTITY = ENTRY.const({"bias": 0, "multiplier": 1 << 30, "shift": 1})
"""The entry that leaves a value below 2^30 as it is: doubled, then halved without a remainder."""


class Requantiser(wiring.Component):
    """``clamp(zero_point + RDBPOT(SRDHM((value + bias) << max(shift, 0), multiplier), max(-shift, 0)))``.

    One beat a clock, :attr:`LATENCY` clocks, no backpressure. Sum and left shift are taken modulo 2^32; shifts lie in
    -31 to 31.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(beat), in
    i_entries : entries, in
        Parameters of the beat, beside it.
    i_zero_point, i_minimum, i_maximum : signed(8), in
        Steady while a layer runs.
    o : flow(results), out
    """

    LATENCY = Scaler.LATENCY + 5

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(beat(c))),
                "i_entries": In(entries(c)),
                "i_zero_point": In(signed(8)),
                "i_minimum": In(signed(8)),
                "i_maximum": In(signed(8)),
                "o": Out(flow(results(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One row of registers for each operation, the same for every lane; the count travels beside them."""
        m = Module()
        c = self._c

        valid = Signal(self.LATENCY)
        counts = Signal(data.ArrayLayout(range(c.requantisers + 1), self.LATENCY))
        m.d.sync += valid.eq((valid << 1) | self.i.valid)
        with m.If(self.i.valid | valid.any()):
            m.d.sync += counts[0].eq(self.i.payload.count)
            m.d.sync += [counts[n + 1].eq(counts[n]) for n in range(self.LATENCY - 1)]
        m.d.comb += [self.o.valid.eq(valid[-1]), self.o.payload.count.eq(counts[self.LATENCY - 1])]

        for lane in range(c.requantisers):
            value = Signal(signed(32), name=f"value_{lane}")
            entry = Signal.like(self.i_entries[lane], name=f"entry_{lane}")
            with m.If(self.i.valid):
                m.d.sync += [value.eq(self.i.payload.value[lane]), entry.eq(self.i_entries[lane])]

            biased = Signal(signed(32), name=f"biased_{lane}")
            multiplier = Signal(signed(32), name=f"multiplier_{lane}")
            left = Signal(5, name=f"left_{lane}")
            right = Signal(5, name=f"right_{lane}")
            with m.If(valid[0]):
                m.d.sync += [
                    biased.eq(value + entry.bias),
                    multiplier.eq(entry.multiplier),
                    left.eq(Mux(entry.shift > 0, entry.shift, 0)),
                    right.eq(Mux(entry.shift < 0, -entry.shift, 0)),
                ]

            m.submodules[f"scaler_{lane}"] = scaler = Scaler()
            operands = Signal.like(scaler.i.payload, name=f"operands_{lane}")
            with m.If(valid[1]):
                m.d.sync += [
                    operands.value.eq(biased << left),
                    operands.multiplier.eq(multiplier),
                    operands.shift.eq(right),
                ]
            m.d.comb += [scaler.i.valid.eq(valid[2]), scaler.i.payload.eq(operands)]

            shifted = Signal(signed(33), name=f"shifted_{lane}")
            with m.If(scaler.o.valid):
                m.d.sync += shifted.eq(scaler.o.payload + self.i_zero_point)
            clamped = Signal(signed(8), name=f"clamped_{lane}")
            with m.If(valid[-2]):
                m.d.sync += clamped.eq(
                    Mux(
                        shifted < self.i_minimum,
                        self.i_minimum,
                        Mux(shifted > self.i_maximum, self.i_maximum, shifted[:8].as_signed()),
                    )
                )
            m.d.comb += self.o.payload.value[lane].eq(clamped)
        return m
