"""Makes frames for the host: an answer when there is one, bytes of packets otherwise."""

from amaranth.hdl import Module, Signal
from amaranth.lib import (
    crc,  # pyright: ignore[reportAttributeAccessIssue]  # the stubs do not have it
    stream,
    wiring,
)
from amaranth.lib.wiring import In, Out

from ocellus.formats import SERIAL_CRC_BYTES, SERIAL_PACKET_BYTES, SERIAL_REPLY, SerialKind

from ..layouts import struct
from .stuffer import SYMBOL

REPLY_BYTES = SERIAL_REPLY.bits // 8


class Framer(wiring.Component):
    """Flag, payload, CRC-32, flag; a symbol a clock.

    A frame of packets ends after 128 bytes, or when no byte waits.

    Attributes
    ----------
    i_reply : stream(SERIAL_REPLY), in
        Goes first between two frames.
    i_packets : stream(8), in
    o : stream(SYMBOL), out
    """

    i_reply: In(stream.Signature(struct(SERIAL_REPLY)))
    i_packets: In(stream.Signature(8))
    o: Out(stream.Signature(SYMBOL))

    def elaborate(self, platform: object) -> Module:
        """A shift register holds the answer, or the kind of the frame, and then the CRC."""
        m = Module()
        m.submodules.checksum = checksum = crc.catalog.CRC32_ISO_HDLC(data_width=8).create()
        shift = Signal(SERIAL_REPLY.bits)
        left = Signal(range(SERIAL_PACKET_BYTES + 1))
        packets = Signal()  # such a frame is under way
        byte = self.o.payload.byte
        m.d.comb += [byte.eq(shift[:8]), checksum.data.eq(byte)]

        def send(state: str) -> None:
            """One byte of the shift register after the other, then ``state``."""
            m.d.comb += self.o.valid.eq(1)
            with m.If(self.o.ready):
                m.d.sync += [shift.eq(shift >> 8), left.eq(left - 1)]
                with m.If(left == 1):
                    m.next = state

        with m.FSM():
            with m.State("CHOOSE"):
                m.d.comb += [checksum.start.eq(1), self.i_reply.ready.eq(1)]
                m.d.sync += [packets.eq(~self.i_reply.valid), shift.eq(SerialKind.PACKETS), left.eq(1)]
                with m.If(self.i_reply.valid):
                    m.d.sync += [shift.eq(self.i_reply.payload), left.eq(REPLY_BYTES)]
                with m.If(self.i_reply.valid | self.i_packets.valid):
                    m.next = "OPEN"
            with m.State("OPEN"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.flag.eq(1)]
                with m.If(self.o.ready):
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += checksum.valid.eq(self.o.ready)
                send("GO_ON")
            with m.State("GO_ON"):
                m.d.sync += left.eq(SERIAL_PACKET_BYTES)
                m.next = "SEAL"
                with m.If(packets):
                    m.next = "FILL"
            with m.State("FILL"):
                m.d.comb += [
                    byte.eq(self.i_packets.payload),
                    self.o.valid.eq(self.i_packets.valid & (left != 0)),
                    self.i_packets.ready.eq(self.o.ready & (left != 0)),
                    checksum.valid.eq(self.o.valid & self.o.ready),
                ]
                with m.If(self.o.valid & self.o.ready):
                    m.d.sync += left.eq(left - 1)
                with m.If((left == 0) | (self.o.ready & ~self.i_packets.valid)):
                    m.next = "SEAL"
            with m.State("SEAL"):
                m.d.sync += [shift.eq(checksum.crc), left.eq(SERIAL_CRC_BYTES)]
                m.next = "SEND_CRC"
            with m.State("SEND_CRC"):
                send("CLOSE")
            with m.State("CLOSE"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.flag.eq(1)]
                with m.If(self.o.ready):
                    m.next = "CHOOSE"
        return m
