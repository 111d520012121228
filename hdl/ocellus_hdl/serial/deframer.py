"""Takes frames off the wire's bytes: what is between flags, unstuffed, with a word on whether it came whole."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import SERIAL_ESCAPE, SERIAL_FLAG, SERIAL_FLIP

from .checksum import Checksum
from .uart_receiver import RECEIVED

PIECE = data.StructLayout({"byte": 8, "end": 1, "whole": 1})
"""A byte of a frame, its CRC included; or, with ``end``, that the frame has ended and whether it is whole."""


class Deframer(wiring.Component):
    """One clock of latency; nobody can make a wire wait.

    A frame is whole when its CRC agrees, all its bytes had a stop bit, and no escape stood before its flag.

    Attributes
    ----------
    i : stream(RECEIVED), in
        At most every eleventh clock.
    o : stream(PIECE), out
        Always ready; valid for one clock.
    """

    i: In(stream.Signature(RECEIVED, always_ready=True))
    o: Out(stream.Signature(PIECE, always_ready=True))

    def elaborate(self, platform: object) -> Module:
        """Two bits of memory, and the CRC behind a register."""
        m = Module()
        m.submodules.checksum = checksum = Checksum()
        escaped, spoiled = Signal(), Signal()
        got = self.i.payload
        ends = got.byte == SERIAL_FLAG
        m.d.sync += [
            self.o.valid.eq(0),
            self.o.payload.byte.eq(got.byte ^ Mux(escaped, SERIAL_FLIP, 0)),
            self.o.payload.end.eq(ends),
            self.o.payload.whole.eq(checksum.o_match & ~spoiled & ~escaped),
        ]
        with m.If(self.i.valid):
            m.d.sync += escaped.eq(0)
            with m.If(got.damaged):
                m.d.sync += spoiled.eq(1)
            with m.Elif(ends):
                m.d.sync += [spoiled.eq(0), self.o.valid.eq(1)]
            with m.Elif((got.byte == SERIAL_ESCAPE) & ~escaped):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.sync += self.o.valid.eq(1)
        m.d.comb += [
            checksum.i_byte.eq(self.o.payload.byte),
            checksum.i_valid.eq(self.o.valid & ~self.o.payload.end),
            checksum.i_start.eq(self.o.valid & self.o.payload.end),
        ]
        return m
