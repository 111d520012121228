"""The door for records: closed in the mode that wants pictures alone."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PACKET_WORD, Mode

from ..layouts import struct

WORD = struct(PACKET_WORD)


class RecordGate(wiring.Component):
    """Passes a record, or swallows it when the mode at its first word was ``IMAGE``.

    One word a clock; a record's first word waits one clock for the decision, which stands to the record's end.

    Attributes
    ----------
    i : stream(PACKET_WORD), in
        Records.
    i_mode : 2, in
        :class:`~ocellus.formats.Mode`.
    o : stream(PACKET_WORD), out
        The records that leave.
    """

    i: In(stream.Signature(WORD))
    i_mode: In(2)
    o: Out(stream.Signature(WORD))

    def elaborate(self, platform: object) -> Module:
        """Two flags: decided, and open."""
        m = Module()
        decided = Signal()
        is_open = Signal()

        m.d.comb += self.o.payload.eq(self.i.payload)
        with m.If(decided):
            m.d.comb += [self.o.valid.eq(self.i.valid & is_open), self.i.ready.eq(self.o.ready | ~is_open)]
            with m.If(self.i.valid & self.i.ready & self.i.payload.last):
                m.d.sync += decided.eq(0)
        with m.Else():
            m.d.sync += [decided.eq(self.i.valid), is_open.eq(self.i_mode != Mode.IMAGE)]
        return m
