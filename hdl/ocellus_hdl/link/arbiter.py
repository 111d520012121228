"""Chooses what the link sends next: a record when there is one, an image line otherwise."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import (
    LINE_HEADER,
    OBJECT,
    PACKET_WORD,
    PIXELS_PER_CLOCK,
    RAW_BITS,
    RECORD_HEADER,
    RECORD_TRAILER,
    PacketType,
)
from ocellus.settings import FrameFormat

from ..layouts import struct

WORD = struct(PACKET_WORD)
RECORD = struct(RECORD_HEADER)

PAYLOAD = data.StructLayout({"data": 64, "last": 1, "type": PacketType, "length": 32})
"""A word of a packet's payload, with what its header must say: type, and length in bytes."""


class Arbiter(wiring.Component):
    """Two streams of payloads onto one, a whole payload at a time.

    One word a clock, one clock between payloads, no other latency. A record's length follows from its first word.

    Parameters
    ----------
    frame : FrameFormat
        For the length of an image line.

    Attributes
    ----------
    i_record, i_image : stream(PACKET_WORD), in
        Payloads, ``last`` with the last word of each. Records go first when both wait.
    o : stream(PAYLOAD), out
        ``type`` and ``length`` hold from a payload's first word to its last.
    """

    i_record: In(stream.Signature(WORD))
    i_image: In(stream.Signature(WORD))
    o: Out(stream.Signature(PAYLOAD))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._line_bytes = LINE_HEADER.bits // 8 + frame.words_per_line * PIXELS_PER_CLOCK * RAW_BITS // 8

    def elaborate(self, platform: object) -> Module:
        """Choose, then stay with the choice to its last word."""
        m = Module()
        record_length = Signal(32)
        first_word = self.i_record.payload.data
        opening = data.View(RECORD, Cat(first_word, Const(0, RECORD.size - len(first_word))))

        def pass_on(source: stream.Interface) -> None:
            m.d.comb += [
                self.o.payload.data.eq(source.payload.data),
                self.o.payload.last.eq(source.payload.last),
                self.o.valid.eq(source.valid),
                source.ready.eq(self.o.ready),
            ]
            with m.If(source.valid & source.ready & source.payload.last):
                m.next = "CHOOSE"

        with m.FSM():
            with m.State("CHOOSE"):
                frame_bytes = (RECORD_HEADER.bits + RECORD_TRAILER.bits) // 8
                m.d.sync += record_length.eq(frame_bytes + opening.object_count * (OBJECT.bits // 8))
                with m.If(self.i_record.valid):
                    m.next = "RECORD"
                with m.Elif(self.i_image.valid):
                    m.next = "IMAGE"
            with m.State("RECORD"):
                m.d.comb += [self.o.payload.type.eq(PacketType.RECORD), self.o.payload.length.eq(record_length)]
                pass_on(self.i_record)
            with m.State("IMAGE"):
                m.d.comb += [self.o.payload.type.eq(PacketType.IMAGE_LINE), self.o.payload.length.eq(self._line_bytes)]
                pass_on(self.i_image)
        return m
