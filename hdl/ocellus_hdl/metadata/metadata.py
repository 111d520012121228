"""The fifth stage: from the network's output tensor to one record a frame."""

from amaranth.hdl import Module, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import METADATA_SETTINGS, PACKET_WORD, TENSOR_BYTE, TICKET, Head
from ocellus.program_formats import CNN_SPENT

from ..layouts import struct
from .box_placer import BoxPlacer
from .peak_finder import PeakFinder
from .record_writer import RecordWriter
from .top_list import TopList

TICKETS = 2


class Metadata(wiring.Component):
    """docs/metadata.md is its contract.

    A byte a clock in while a heat map is looked through, one every two clocks of a vector; the next tensor waits until
    the record has left. A vector's record begins 8 clocks and two for each object after its last byte, a heat map's
    when its last row has been looked through.

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
        The output tensor.
    i_ticket : stream(TICKET), in
        The frames, in order; two may wait.
    i_network_id, i_inference_clocks : 32, in
    i_spent : CNN_SPENT, in
        Read with the tensor's last byte.
    i_settings : METADATA_SETTINGS, in
        Set between frames.
    o : stream(PACKET_WORD), out
        Records; ``last`` with the trailer.
    """

    i: In(stream.Signature(struct(TENSOR_BYTE)))
    i_ticket: In(stream.Signature(struct(TICKET)))
    i_network_id: In(32)
    i_inference_clocks: In(32)
    i_spent: In(struct(CNN_SPENT))
    i_settings: In(struct(METADATA_SETTINGS))
    o: Out(stream.Signature(struct(PACKET_WORD)))

    def elaborate(self, platform: object) -> Module:
        """Two readers side by side, one writer behind them."""
        m = Module()
        m.submodules.top_list = top_list = TopList()
        m.submodules.peak_finder = peak_finder = PeakFinder()
        m.submodules.box_placer = box_placer = BoxPlacer()
        m.submodules.record_writer = writer = RecordWriter()
        m.submodules.tickets = tickets = fifo.SyncFIFO(width=TICKET.bits, depth=TICKETS)

        is_vector = self.i_settings.head == Head.VECTOR
        for part in (top_list, peak_finder, box_placer):
            m.d.comb += part.i_settings.eq(self.i_settings)
        connect(m, peak_finder.o, box_placer.i)
        connect(m, writer.o, flipped(self.o))

        # What belongs to a tensor stands in registers until its record has left, and keeps the next tensor waiting.
        writing = Signal()
        network_id = Signal(32)
        inference_clocks = Signal(32)
        spent = Signal(struct(CNN_SPENT))
        with m.If(self.i.valid & self.i.ready & self.i.payload.last):
            m.d.sync += [
                writing.eq(1),
                network_id.eq(self.i_network_id),
                inference_clocks.eq(self.i_inference_clocks),
                spent.eq(self.i_spent),
            ]
        with m.Elif(self.o.valid & self.o.ready & self.o.payload.last):
            m.d.sync += writing.eq(0)
        m.d.comb += [
            writer.i_network_id.eq(network_id),
            writer.i_inference_clocks.eq(inference_clocks),
            writer.i_spent.eq(spent),
            writer.i_vector.eq(is_vector),
        ]

        for chosen, reader, source in (
            (is_vector, top_list.i, top_list.o),
            (~is_vector, peak_finder.i, box_placer.o),
        ):
            m.d.comb += reader.payload.eq(self.i.payload)
            with m.If(chosen):
                m.d.comb += [
                    reader.valid.eq(self.i.valid & ~writing),
                    self.i.ready.eq(reader.ready & ~writing),
                    writer.i.payload.eq(source.payload),
                    writer.i.valid.eq(source.valid),
                    source.ready.eq(writer.i.ready),
                ]

        m.d.comb += [
            tickets.w_data.eq(self.i_ticket.payload),
            tickets.w_en.eq(self.i_ticket.valid),
            self.i_ticket.ready.eq(tickets.w_rdy),
            writer.i_ticket.payload.eq(tickets.r_data),
            writer.i_ticket.valid.eq(tickets.r_rdy),
            tickets.r_en.eq(writer.i_ticket.ready),
        ]
        return m
