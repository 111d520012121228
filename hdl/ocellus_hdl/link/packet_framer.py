"""Puts a packet's header before its payload and its trailer behind it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PACKET_END, PACKET_HEADER, PACKET_SYNC, PACKET_WORD

from ..layouts import struct
from ..sealer import Sealer
from .arbiter import PAYLOAD

WORD = struct(PACKET_WORD)


class PacketFramer(wiring.Component):
    """Payloads in, packets out: header, payload, trailer with CRC.

    One word a clock; two words more than the payload has. Stalls at ``o`` stand it still.

    Attributes
    ----------
    i : stream(PAYLOAD), in
        Payload words.
    o : stream(PACKET_WORD), out
        Packets; ``last`` with the trailer.
    """

    i: In(stream.Signature(PAYLOAD))
    o: Out(stream.Signature(WORD))

    def elaborate(self, platform: object) -> Module:
        """The header while the payload's first word waits, then the payload, into the sealer."""
        m = Module()
        m.submodules.sealer = sealer = Sealer(PACKET_END)
        wiring.connect(m, sealer.o, wiring.flipped(self.o))

        sequence = Signal(PACKET_HEADER.field("sequence").bits)
        header = Signal(struct(PACKET_HEADER))
        m.d.comb += [
            header.sync.eq(PACKET_SYNC),
            header.type.eq(self.i.payload.type),
            header.sequence.eq(sequence),
            header.length.eq(self.i.payload.length),
            sealer.i.valid.eq(self.i.valid),
        ]
        with m.FSM():
            with m.State("OPEN"):
                m.d.comb += sealer.i.payload.data.eq(header)
                with m.If(sealer.i.valid & sealer.i.ready):
                    m.d.sync += sequence.eq(sequence + 1)
                    m.next = "FILL"
            with m.State("FILL"):
                m.d.comb += [
                    sealer.i.payload.data.eq(self.i.payload.data),
                    sealer.i.payload.last.eq(self.i.payload.last),
                    self.i.ready.eq(sealer.i.ready),
                ]
                with m.If(self.i.valid & self.i.ready & self.i.payload.last):
                    m.next = "OPEN"
        return m
