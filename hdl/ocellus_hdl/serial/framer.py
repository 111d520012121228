"""Makes frames for the host: an answer when there is one, bytes of packets otherwise."""

from amaranth.hdl import Module, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import SERIAL_CRC_BYTES, SERIAL_PACKET_BYTES, SerialKind

from .checksum import Checksum
from .frame_store import CONTENT
from .stuffer import SYMBOL


class Framer(wiring.Component):
    """Flag, payload, CRC-32, flag; a byte in twelve clocks.

    A frame of packets ends after 128 bytes, or when no byte waits.

    Attributes
    ----------
    i_reply : stream(CONTENT), in
        Answers; go first between two frames.
    i_packets : stream(8), in
    o : stream(SYMBOL), out
    """

    i_reply: In(stream.Signature(CONTENT))
    i_packets: In(stream.Signature(8))
    o: Out(stream.Signature(SYMBOL))

    def elaborate(self, platform: object) -> Module:
        """Choose a byte for the register on the way out, and wait until it is in the sum."""
        m = Module()
        m.submodules.checksum = checksum = Checksum()
        left = Signal(range(SERIAL_PACKET_BYTES + 1))
        reply = Signal()  # such a frame is under way
        summed = Signal()  # the byte in the register goes into the sum, in this clock
        free = Signal()  # since the clock before: it goes a long way, to whoever has the next byte
        m.d.comb += [
            checksum.i_byte.eq(self.o.payload.byte),
            checksum.i_valid.eq(summed),
        ]
        m.d.sync += [summed.eq(0), free.eq(~self.o.valid & ~summed & ~checksum.o_busy)]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        def put(byte: ValueLike, *, flag: bool = False, sums: bool = True) -> None:
            """What goes out next; when the register is free."""
            m.d.sync += [
                self.o.payload.byte.eq(byte),
                self.o.payload.flag.eq(flag),
                self.o.valid.eq(1),
                summed.eq(sums),
                free.eq(0),
            ]

        with m.FSM():
            with m.State("CHOOSE"), m.If(free):
                m.d.comb += checksum.i_start.eq(1)
                m.d.sync += reply.eq(self.i_reply.valid)
                with m.If(self.i_reply.valid | self.i_packets.valid):
                    put(0, flag=True, sums=False)
                    m.next = "NAME"
            with m.State("NAME"):
                with m.If(reply):
                    m.next = "REPLY"
                with m.Elif(free):
                    put(SerialKind.PACKETS)
                    m.d.sync += left.eq(SERIAL_PACKET_BYTES)
                    m.next = "FILL"
            with m.State("REPLY"), m.If(free):
                m.d.comb += self.i_reply.ready.eq(1)
                with m.If(self.i_reply.valid):
                    put(self.i_reply.payload.byte)
                    with m.If(self.i_reply.payload.last):
                        m.next = "SEAL"
            with m.State("FILL"), m.If(free):
                with m.If(self.i_packets.valid & (left != 0)):
                    m.d.comb += self.i_packets.ready.eq(1)
                    m.d.sync += left.eq(left - 1)
                    put(self.i_packets.payload)
                with m.Else():
                    m.next = "SEAL"
            with m.State("SEAL"):
                m.d.sync += left.eq(0)
                m.next = "SEND_CRC"
            with m.State("SEND_CRC"), m.If(free):
                put(checksum.o_crc.word_select(left[:2], 8), sums=False)
                m.d.sync += left.eq(left + 1)
                with m.If(left[:2] == SERIAL_CRC_BYTES - 1):
                    m.next = "CLOSE"
            with m.State("CLOSE"), m.If(free):
                put(0, flag=True, sums=False)
                m.next = "CHOOSE"
        return m
