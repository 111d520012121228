"""Appends the trailer that closes a record or a packet: the CRC-32 of all before it, and an end mark."""

from amaranth.hdl import Module, Signal
from amaranth.lib import (
    crc,  # pyright: ignore[reportAttributeAccessIssue]  # the stubs do not have it
    stream,
    wiring,
)
from amaranth.lib.wiring import In, Out

from ocellus.formats import PACKET_TRAILER, PACKET_WORD

from .layouts import struct

WORD = struct(PACKET_WORD)


class Sealer(wiring.Component):
    """Words in, the same words and a trailer out.

    One word a clock, one clock of latency, no gap between a message and the next; stalls at ``o`` stand it still.
    The checksum is CRC-32/ISO-HDLC over the eight bytes of each word, first byte in the low bits.

    Parameters
    ----------
    end : int
        The trailer's end mark, 32 bits (``RECORD_END`` or ``PACKET_END``; both trailers have the same layout).

    Attributes
    ----------
    i : stream(PACKET_WORD), in
        ``last`` with the last word before the trailer.
    o : stream(PACKET_WORD), out
        ``last`` with the trailer.
    """

    i: In(stream.Signature(WORD))
    o: Out(stream.Signature(WORD))

    def __init__(self, end: int):
        super().__init__()
        self._end = end

    def elaborate(self, platform: object) -> Module:
        """One register for the word on its way out, the checksum beside it."""
        m = Module()
        m.submodules.checksum = checksum = crc.catalog.CRC32_ISO_HDLC(data_width=64).create()

        word = Signal(WORD)
        full = Signal()
        sealing = Signal()
        trailer = Signal(struct(PACKET_TRAILER))
        m.d.comb += [trailer.crc.eq(checksum.crc), trailer.end.eq(self._end)]

        # The checksum takes a word in the clock in which it leaves, so that it stands complete beside the trailer.
        leaves = self.o.valid & self.o.ready
        m.d.comb += [
            checksum.data.eq(word.data),
            checksum.valid.eq(leaves & ~sealing),
            checksum.start.eq(leaves & sealing),
        ]
        with m.If(sealing):
            m.d.comb += [
                self.o.valid.eq(1),
                self.o.payload.data.eq(trailer.as_value()),
                self.o.payload.last.eq(1),
                self.i.ready.eq(self.o.ready),
            ]
        with m.Else():
            m.d.comb += [
                self.o.valid.eq(full),
                self.o.payload.data.eq(word.data),
                self.i.ready.eq(~full | (self.o.ready & ~word.last)),
            ]

        with m.If(leaves):
            m.d.sync += [full.eq(0), sealing.eq(~sealing & word.last)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.payload), full.eq(1)]
        return m
