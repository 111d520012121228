"""A component whose every line and branch is known: what the count of its coverage is held against."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Turnstile(wiring.Component):
    """Adds up coins; a coin of 7 is refused, and nothing shuts it."""

    i: In(stream.Signature(3))
    o_paid: Out(8)
    o_open: Out(1)
    o_shut: Out(1)

    def __init__(self, toll: bool = False) -> None:
        self._toll = toll
        super().__init__()

    def elaborate(self, platform: Any) -> Module:
        """As one file."""
        m = Module()
        refused = Signal()
        m.d.comb += self.i.ready.eq(1)
        with m.If(self.i.valid):
            m.d.sync += self.o_paid.eq(self.o_paid + Mux(self.i.payload == 7, 0, self.i.payload))
            with m.If(self.i.payload == 7):
                m.d.comb += refused.eq(1)
        with m.FSM():
            with m.State("open"):
                m.d.comb += self.o_open.eq(1)
                with m.If(refused & (self.o_paid == 255)):
                    m.next = "shut"
            with m.State("shut"):
                m.d.comb += self.o_shut.eq(1)
        if self._toll:
            m.d.sync += self.o_paid.eq(0)
        return m
