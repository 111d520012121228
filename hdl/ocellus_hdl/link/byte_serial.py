"""The link's words as single bytes, for boards with a byte-wide way out."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PACKET_WORD

from ..layouts import struct

WORD = struct(PACKET_WORD)
BYTES = data.ArrayLayout(8, 8)


class ByteSerial(wiring.Component):
    """Eight bytes for each word, low byte first.

    One byte a clock without gaps: the next word is taken with the last byte of the one before.

    Attributes
    ----------
    i : stream(PACKET_WORD), in
        Words; ``last`` is not carried on, packets delimit themselves.
    o : stream(8), out
        Bytes.
    """

    i: In(stream.Signature(WORD))
    o: Out(stream.Signature(8))

    def elaborate(self, platform: object) -> Module:
        """A shift register and a count of the bytes left in it."""
        m = Module()
        held = Signal(BYTES)
        left = Signal(range(9))
        m.d.comb += [
            self.o.payload.eq(held[0]),
            self.o.valid.eq(left != 0),
            self.i.ready.eq((left == 0) | ((left == 1) & self.o.ready)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [held.eq(self.i.payload.data), left.eq(8)]
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += [held.eq(held.as_value() >> 8), left.eq(left - 1)]
        return m
