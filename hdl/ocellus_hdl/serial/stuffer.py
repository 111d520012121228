"""Puts an escape before each byte of a frame that a receiver would take for a flag or an escape."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import SERIAL_ESCAPE, SERIAL_FLAG, SERIAL_FLIP

SYMBOL = data.StructLayout({"byte": 8, "flag": 1})
"""A byte of a frame, or a flag (``byte`` is of no account then)."""


class Stuffer(wiring.Component):
    """A byte in two clocks, an escaped one in three; a register on its way out.

    Attributes
    ----------
    i : stream(SYMBOL), in
    o : stream(8), out
    """

    i: In(stream.Signature(SYMBOL))
    o: Out(stream.Signature(8))

    def elaborate(self, platform: object) -> Module:
        """Take one, send one or two."""
        m = Module()
        held = Signal(8)
        byte = self.i.payload.byte
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [held.eq(byte), self.o.payload.eq(byte)]
                with m.If(self.i.payload.flag):
                    m.d.sync += self.o.payload.eq(SERIAL_FLAG)
                with m.If(self.i.valid):
                    m.next = "SEND"
                    with m.If(~self.i.payload.flag & ((byte == SERIAL_FLAG) | (byte == SERIAL_ESCAPE))):
                        m.d.sync += self.o.payload.eq(SERIAL_ESCAPE)
                        m.next = "ESCAPE"
            with m.State("ESCAPE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += self.o.payload.eq(held ^ SERIAL_FLIP)
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "TAKE"
        return m
