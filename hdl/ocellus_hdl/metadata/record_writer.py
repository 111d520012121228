"""Gathers a frame's objects and writes its record."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import (
    MAX_OBJECTS,
    OBJECT,
    PACKET_WORD,
    RECORD_END,
    RECORD_HEADER,
    RECORD_MAGIC,
    RECORD_TRAILER,
    RECORD_VERSION,
    TICKET,
    RecordFlag,
)
from ocellus.program_formats import CNN_SPENT

from ..layouts import struct
from ..sealer import Sealer
from .top_list import SIGHTING

WORD = struct(PACKET_WORD)
HEADER_WORDS = RECORD_HEADER.bits // 64
OBJECT_WORDS = OBJECT.bits // 64
FRAME_BYTES = (RECORD_HEADER.bits + RECORD_TRAILER.bits) // 8


class RecordWriter(wiring.Component):
    """docs/metadata.md, *The record*.

    Takes an object or the end in two clocks; once the end and the ticket are there, a word leaves every two clocks.
    Objects wait meanwhile. So ``o.ready`` need not be known to fetch a word, nor the end to take it.

    Attributes
    ----------
    i : stream(SIGHTING), in
        At most :data:`MAX_OBJECTS` objects, then the end.
    i_ticket : stream(TICKET), in
        The frame; accepted in the clock in which the record's last object or header word is fetched.
    i_network_id, i_inference_clocks : 32, in
    i_spent : CNN_SPENT, in
        Held from the end on until the record has left.
    i_vector : 1, in
        The objects come from a vector.
    o : stream(PACKET_WORD), out
        The record.
    """

    i: In(stream.Signature(SIGHTING))
    i_ticket: In(stream.Signature(struct(TICKET)))
    i_network_id: In(32)
    i_inference_clocks: In(32)
    i_spent: In(struct(CNN_SPENT))
    i_vector: In(1)
    o: Out(stream.Signature(WORD))

    def elaborate(self, platform: object) -> Module:
        """Objects into a memory of words; header and memory, word by word, into the sealer."""
        m = Module()
        m.submodules.sealer = sealer = Sealer(RECORD_END)
        connect(m, sealer.o, flipped(self.o))

        m.submodules.objects = objects = Memory(shape=64, depth=MAX_OBJECTS * OBJECT_WORDS, init=[])
        writes = objects.write_port()
        reads = objects.read_port()

        count = Signal(range(MAX_OBJECTS + 1))
        overflow = Signal()
        half = Signal(range(OBJECT_WORDS))
        halves = data.View(data.ArrayLayout(64, OBJECT_WORDS), self.i.payload.object.as_value())
        object_place = data.StructLayout({"half": range(OBJECT_WORDS), "object": range(MAX_OBJECTS)})
        write_place = Signal(object_place)
        m.d.comb += [
            write_place.half.eq(half),
            write_place.object.eq(count),
            writes.addr.eq(write_place),
            writes.data.eq(halves[half]),
        ]

        header = Signal(struct(RECORD_HEADER))
        ticket = self.i_ticket.payload
        m.d.comb += [
            header.magic.eq(RECORD_MAGIC),
            header.version.eq(RECORD_VERSION),
            header.flags.eq(
                Mux(overflow, RecordFlag.OBJECTS_OVERFLOW, 0)
                | Mux(ticket.lines_lost != 0, RecordFlag.LINES_LOST, 0)
                | Mux(ticket.frames_skipped != 0, RecordFlag.FRAMES_SKIPPED, 0)
                | Mux(ticket.test_pattern, RecordFlag.TEST_PATTERN, 0)
                | Mux(self.i_vector, RecordFlag.VECTOR, 0)
            ),
            header.object_count.eq(count),
            header.length.eq(FRAME_BYTES + count * (OBJECT.bits // 8)),
            header.frame_counter.eq(ticket.frame_counter),
            header.timestamp.eq(ticket.timestamp),
            header.network_id.eq(self.i_network_id),
            header.readout_clocks.eq(ticket.readout_clocks),
            header.inference_clocks.eq(self.i_inference_clocks),
            header.lines_lost.eq(ticket.lines_lost),
            header.frames_skipped.eq(ticket.frames_skipped),
            *(header[f"clocks_{f.name}"].eq(self.i_spent[f.name]) for f in CNN_SPENT.fields),
        ]
        header_words = data.View(data.ArrayLayout(64, HEADER_WORDS), header.as_value())

        # ``fetched`` words wait in ``header_word`` or at the memory's output, one clock after they were asked for.
        fetched = Signal()
        from_memory = Signal()
        is_last = Signal()
        header_word = Signal(64)
        object_word = Signal(range(MAX_OBJECTS * OBJECT_WORDS))
        header_index = Signal(range(HEADER_WORDS))
        free = ~fetched
        no_more_objects = object_word + 1 == count * OBJECT_WORDS
        m.d.comb += [
            reads.addr.eq(object_word),
            reads.en.eq(free),
            sealer.i.valid.eq(fetched),
            sealer.i.payload.data.eq(Mux(from_memory, reads.data, header_word)),
            sealer.i.payload.last.eq(is_last),
        ]
        with m.If(sealer.i.ready):
            m.d.sync += [fetched.eq(0), from_memory.eq(0), is_last.eq(0)]

        def finish() -> None:
            m.d.comb += self.i_ticket.ready.eq(1)
            m.d.sync += [is_last.eq(1), count.eq(0), overflow.eq(0), header_index.eq(0), object_word.eq(0)]
            m.next = "GATHER"

        with m.FSM():
            with m.State("GATHER"):
                m.d.comb += [
                    self.i.ready.eq(half == OBJECT_WORDS - 1),
                    writes.en.eq(self.i.valid & ~self.i.payload.end),
                ]
                with m.If(self.i.valid):
                    m.d.sync += half.eq(half + 1)
                    with m.If(self.i.ready):
                        m.d.sync += [count.eq(count + ~self.i.payload.end), overflow.eq(self.i.payload.overflow)]
                        with m.If(self.i.payload.end):
                            m.next = "AWAIT_TICKET"
            with m.State("AWAIT_TICKET"), m.If(self.i_ticket.valid):
                m.next = "FETCH_HEADER"
            with m.State("FETCH_HEADER"), m.If(free):
                m.d.sync += [
                    fetched.eq(1),
                    header_word.eq(header_words[header_index]),
                    header_index.eq(header_index + 1),
                ]
                with m.If(header_index == HEADER_WORDS - 1):
                    m.next = "FETCH_OBJECTS"
                    with m.If(count == 0):
                        finish()
            with m.State("FETCH_OBJECTS"), m.If(free):
                m.d.sync += [fetched.eq(1), from_memory.eq(1), object_word.eq(object_word + 1)]
                with m.If(no_more_objects):
                    finish()
        return m
