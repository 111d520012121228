"""Lets a frame in when the accelerator can take its tensor, and leads the frame's ticket past the tensor stage."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import RGB_PIXEL, TICKET

from ..layouts import struct


class FrameGate(wiring.Component):
    """Each frame passes whole, is dropped whole, or waits at its first pixel.

    One pixel a clock without latency, one clock to decide at the frame's first pixel. A frame is settled when its last
    pixel came, its tensor is made, and its ticket went on; only then is the next one looked at. Two tickets may wait
    at ``o_ticket``.

    Attributes
    ----------
    i, o : stream(RGB_PIXEL)
    i_ticket : stream(TICKET), in
    o_ticket : stream(TICKET), out
        Of the frames that passed. ``frames_skipped`` has the frames dropped since the ticket before added, and what
        their own tickets said (saturating at 65535).
    i_live : in
        The array cannot wait: drop instead.
    i_free : in
        The tensor may be written. Has to be low from the second clock after the last byte on, when it falls.
    i_taken : in
        A byte of the tensor is accepted.
    i_made : in
        It is the last one.
    i_gone : in
        The accelerator has no network any more, from the clock on in which it forgets the tensor that it has begun to
        take. Such a frame is dropped, though its bytes are still accepted.
    """

    i: In(stream.Signature(struct(RGB_PIXEL)))
    o: Out(stream.Signature(struct(RGB_PIXEL)))
    i_ticket: In(stream.Signature(struct(TICKET)))
    o_ticket: Out(stream.Signature(struct(TICKET)))
    i_live: In(1)
    i_free: In(1)
    i_taken: In(1)
    i_made: In(1)
    i_gone: In(1)

    def elaborate(self, platform: object) -> Module:
        """Decide, pass or drop, settle."""
        m = Module()
        m.submodules.tickets = tickets = fifo.SyncFIFO(width=struct(TICKET).size, depth=2)
        ticket = Signal(struct(TICKET))
        passed, keeps = Signal(), Signal()  # the frame; and its ticket, for nothing of its tensor is forgotten
        begun, made, whole = Signal(), Signal(), Signal()
        skipped = Signal(16)
        most = (1 << len(skipped)) - 1
        total = Signal(len(skipped) + 1)

        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            total.eq(skipped + self.i_ticket.payload.frames_skipped + ~keeps),
            ticket.eq(self.i_ticket.payload),
            ticket.frames_skipped.eq(Mux(total > most, most, total)),
            tickets.w_data.eq(ticket),
            self.o_ticket.payload.eq(tickets.r_data),
            self.o_ticket.valid.eq(tickets.r_rdy),
            tickets.r_en.eq(self.o_ticket.ready),
        ]
        # A network may be loaded in the clock that takes the tensor's last byte: the accelerator has not seen yet that
        # the tensor is whole, and forgets it all the same. So a frame is settled a clock later, when that is known.
        m.d.sync += whole.eq(made)
        with m.If(self.i_taken):
            m.d.sync += begun.eq(1)
        with m.If(self.i_made):
            m.d.sync += made.eq(1)
        with m.If(self.i_gone & begun & ~whole):
            m.d.sync += keeps.eq(0)

        with m.FSM():
            with m.State("Decide"):
                m.d.sync += [passed.eq(self.i_free), keeps.eq(self.i_free), begun.eq(0), made.eq(0), whole.eq(0)]
                with m.If(self.i.valid & self.i_free):
                    m.next = "Pass"
                with m.Elif(self.i.valid & self.i_live):
                    m.next = "Drop"
            with m.State("Pass"):
                m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
                with m.If(self.i.valid & self.o.ready & self.i.payload.last_in_frame):
                    m.next = "Settle"
            with m.State("Drop"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid & self.i.payload.last_in_frame):
                    m.next = "Settle"
            with m.State("Settle"):
                m.d.comb += [
                    self.i_ticket.ready.eq(~passed | (whole & (~keeps | tickets.w_rdy))),
                    tickets.w_en.eq(self.i_ticket.valid & keeps & whole),
                ]
                with m.If(self.i_ticket.valid & self.i_ticket.ready):
                    m.d.sync += skipped.eq(Mux(keeps, 0, ticket.frames_skipped))
                    m.next = "Decide"
        return m
