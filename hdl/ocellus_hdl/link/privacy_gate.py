"""The door for pictures: the one place through which pixels can leave the chip."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import RAW_BEAT, Mode

from ..layouts import struct

BEAT = struct(RAW_BEAT)


class PrivacyGate(wiring.Component):
    """Passes a frame's pixels when the mode at its first beat allowed pictures, swallows them otherwise.

    One beat a clock; the first beat of each frame waits one clock for the decision. A closed gate takes every beat
    at full rate, keeps ``o.valid`` low and ``o.payload`` at zero, so nothing behind it sees the frame. The decision
    stands until the frame's last beat: a change of ``i_mode`` in the middle of a frame shows with the next one.

    Attributes
    ----------
    i : stream(RAW_BEAT), in
        The readout's pixels.
    i_mode : 2, in
        :class:`~ocellus.formats.Mode`; anything but ``IMAGE`` and ``IMAGE_AND_METADATA`` keeps the gate closed.
    o : stream(RAW_BEAT), out
        The pixels that may leave.
    """

    i: In(stream.Signature(BEAT))
    i_mode: In(2)
    o: Out(stream.Signature(BEAT))

    def elaborate(self, platform: object) -> Module:
        """Two flags: decided, and open."""
        m = Module()
        decided = Signal()
        is_open = Signal()

        with m.If(decided & is_open):
            m.d.comb += [
                self.o.payload.eq(self.i.payload),
                self.o.valid.eq(self.i.valid),
                self.i.ready.eq(self.o.ready),
            ]
        with m.Elif(decided):
            m.d.comb += self.i.ready.eq(1)

        with m.If(~decided):
            # Deciding takes a clock of its own: were the mode to act at once, a change of it could withdraw a beat
            # that is already offered.
            m.d.sync += [
                decided.eq(self.i.valid),
                is_open.eq((self.i_mode == Mode.IMAGE) | (self.i_mode == Mode.IMAGE_AND_METADATA)),
            ]
        with m.Elif(self.i.valid & self.i.ready & self.i.payload.last_in_frame):
            m.d.sync += [decided.eq(0), is_open.eq(0)]
        return m
