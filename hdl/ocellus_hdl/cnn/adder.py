"""Brings two tensors to one scale and adds them."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .scaler import Scaler
from .words import beat, flow, step, window


class Adder(wiring.Component):
    """``RDBPOT(SRDHM((x1 - zero_point_1) << 20, multiplier_1), shift_1)`` plus the same of ``x2``.

    The operands come one after the other through one scaler a lane, so a sum takes two clocks; no
    backpressure. Only the first ``requantisers`` bytes of each window are used.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_step : flow(step), in
        ``second`` tells the operands apart; the second follows its first.
    i_window : window, in
        Beside ``i_step``.
    i_operand : array of two {zero_point, multiplier, shift}, in
        Steady while a layer runs.
    o : flow(beat), out
        The sums, to be requantised.
    """

    def __init__(self, c: Configuration):
        self._c = c
        operand = data.StructLayout({"zero_point": signed(8), "multiplier": signed(32), "shift": 5})
        super().__init__(
            {
                "i_step": In(flow(step(c))),
                "i_window": In(window(c)),
                "i_operand": In(data.ArrayLayout(operand, 2)),
                "o": Out(flow(beat(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Choose the operand, scale it, keep the first until the second arrives."""
        m = Module()
        c = self._c
        latency = Scaler.LATENCY + 1

        second = Signal(latency)
        valid = Signal(latency)
        counts = Signal(data.ArrayLayout(range(c.requantisers + 1), latency))
        m.d.sync += valid.eq((valid << 1) | self.i_step.valid)
        with m.If(self.i_step.valid | valid.any()):
            m.d.sync += [second.eq((second << 1) | self.i_step.payload.second), counts[0].eq(self.i_step.payload.count)]
            m.d.sync += [counts[n + 1].eq(counts[n]) for n in range(latency - 1)]

        chosen = Signal.like(self.i_operand[0])
        m.d.comb += chosen.eq(Mux(self.i_step.payload.second, self.i_operand[1], self.i_operand[0]))

        complete = Signal()
        m.d.sync += complete.eq(valid[-1] & second[-1])
        m.d.comb += self.o.valid.eq(complete)
        with m.If(valid[-1] & second[-1]):
            m.d.sync += self.o.payload.count.eq(counts[latency - 1])

        for lane in range(c.requantisers):
            m.submodules[f"scaler_{lane}"] = scaler = Scaler()
            operands = Signal.like(scaler.i.payload, name=f"operands_{lane}")
            with m.If(self.i_step.valid):
                m.d.sync += [
                    operands.value.eq((self.i_window[lane] - chosen.zero_point) << 20),
                    operands.multiplier.eq(chosen.multiplier),
                    operands.shift.eq(chosen.shift),
                ]
            m.d.comb += [scaler.i.valid.eq(valid[0]), scaler.i.payload.eq(operands)]

            kept = Signal(signed(32), name=f"kept_{lane}")
            with m.If(valid[-1]):
                with m.If(second[-1]):
                    m.d.sync += self.o.payload.value[lane].eq(kept + scaler.o.payload)
                with m.Else():
                    m.d.sync += kept.eq(scaler.o.payload)
        return m
