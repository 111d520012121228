"""Counts frames and what was lost of them, and writes each frame's ticket."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import TICKET

from ..layouts import struct


class Ledger(wiring.Component):
    """One ticket for each frame that left, two clocks after its last beat was accepted or later.

    Two tickets may wait. The ledger is busy from the second clock after a frame's first one to the second after its
    last beat was accepted, and while two tickets wait.

    Parameters
    ----------
    clock : int
        What the timestamps count from: for tests of what they are after years.

    Attributes
    ----------
    i_begin : in
        The first clock of a frame.
    i_drop : in
        That frame is dropped whole.
    i_test_pattern : in
        It comes from a test pattern.
    i_line_lost : in
        A line of the frame is lost.
    i_end : in
        The frame's last beat is accepted.
    o_busy : out
        A frame that begins now has to wait or to be dropped.
    o_frame_counter : 32, out
        Of the frame that leaves, until the next one begins.
    o : stream(TICKET), out
    """

    i_begin: In(1)
    i_drop: In(1)
    i_test_pattern: In(1)
    i_line_lost: In(1)
    i_end: In(1)
    o_busy: Out(1)
    o_frame_counter: Out(32)
    o: Out(stream.Signature(struct(TICKET)))

    def __init__(self, clock: int = 0):
        super().__init__()
        self._clock = clock

    def elaborate(self, platform: object) -> Module:
        """The ticket grows in a register while the frame leaves."""
        m = Module()
        m.submodules.tickets = tickets = fifo.SyncFIFO(width=struct(TICKET).size, depth=2)
        # All that happens is written down a clock later, so the clock that counts is the one before.
        now = Signal(64, init=(self._clock - 1) % (1 << 64))
        begins, drops, line_lost, ends = Signal(), Signal(), Signal(), Signal()
        begun = Signal(32)
        leaving = Signal()
        ticket = Signal(struct(TICKET))
        written = Signal(struct(TICKET))
        skipped = Signal(16)

        m.d.sync += [now.eq(now + 1), begun.eq(begun + begins)]
        m.d.sync += [
            begins.eq(self.i_begin),
            drops.eq(self.i_drop),
            line_lost.eq(self.i_line_lost),
            ends.eq(self.i_end),
        ]
        with m.If(leaving):
            m.d.sync += ticket.readout_clocks.eq(ticket.readout_clocks + 1)
        with m.If(begins & ~drops):
            m.d.sync += [
                leaving.eq(1),
                ticket.frame_counter.eq(begun),
                ticket.timestamp.eq(now),
                ticket.readout_clocks.eq(1),
                ticket.test_pattern.eq(self.i_test_pattern),
                ticket.lines_lost.eq(line_lost),
            ]
        with m.Elif(line_lost):
            m.d.sync += ticket.lines_lost.eq(ticket.lines_lost + ~ticket.lines_lost.all())
        with m.If(ends):
            m.d.sync += leaving.eq(0)

        before = Mux(ends, 0, skipped)
        m.d.sync += skipped.eq(before + (begins & drops & ~before.all()))

        m.d.comb += [
            self.o_busy.eq(leaving | ~tickets.w_rdy),
            self.o_frame_counter.eq(ticket.frame_counter),
            written.eq(ticket),
            written.readout_clocks.eq(ticket.readout_clocks + 1),
            written.frames_skipped.eq(skipped),
            tickets.w_data.eq(written),
            tickets.w_en.eq(ends),
            self.o.payload.eq(tickets.r_data),
            self.o.valid.eq(tickets.r_rdy),
            tickets.r_en.eq(self.o.ready),
        ]
        return m
