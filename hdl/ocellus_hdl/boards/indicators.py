"""What lights say of the records that pass."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PACKET_WORD, RECORD_HEADER, PacketType, RecordFlag

from ..cnn.words import flow
from ..layouts import struct

WORD = 64


def _at(name: str) -> tuple[int, int, int]:
    """Where a field of a record's header is: its word of the packet, whose header is the first, its bit, its width."""
    bit = 0
    for field in RECORD_HEADER.fields:
        if field.name == name:
            return 1 + bit // WORD, bit % WORD, field.bits
        bit += field.bits * field.count
    raise KeyError(name)


class Indicators(wiring.Component):
    """Reads packets as they pass; takes and delays nothing, its lights change two clocks after the word.

    Attributes
    ----------
    i : {valid, payload: PACKET_WORD}, in
        The link's packets, in the clocks in which they are taken.
    o_frame : 1, out
        Changes with each record.
    o_object : 1, out
        The last record had objects.
    o_error : 1, out
        It told of lost lines or skipped frames.
    """

    i: In(flow(struct(PACKET_WORD)))
    o_frame: Out(1)
    o_object: Out(1)
    o_error: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Count a packet's words up to those that matter."""
        m = Module()
        (flags_word, flags_bit, _), (count_word, count_bit, count_bits) = _at("flags"), _at("object_count")
        assert flags_word == count_word == 1, "the header's first word has both"
        bad = RecordFlag.LINES_LOST | RecordFlag.FRAMES_SKIPPED
        type_bit, type_bits = 16, 8
        word = Signal(2)
        is_record = Signal()
        here = Signal(data.StructLayout({"valid": 1, "payload": struct(PACKET_WORD)}))
        m.d.sync += [here.valid.eq(self.i.valid), here.payload.eq(self.i.payload)]
        bits = here.payload.data
        with m.If(here.valid):
            m.d.sync += word.eq(word + (word != 2))
            with m.If(word == 0):
                m.d.sync += is_record.eq(bits[type_bit : type_bit + type_bits] == PacketType.RECORD)
            with m.If(is_record & (word == flags_word)):
                m.d.sync += [
                    self.o_frame.eq(~self.o_frame),
                    self.o_object.eq(bits[count_bit : count_bit + count_bits].any()),
                    self.o_error.eq((bits[flags_bit : flags_bit + 8] & bad).any()),
                ]
            with m.If(here.payload.last):
                m.d.sync += word.eq(0)
        return m
