"""Turns pixels into the payload of image line packets: a line header, then MIPI RAW10 bytes in 64-bit words."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import LINE_HEADER, PACKET_WORD, PIXELS_PER_CLOCK, RAW_BEAT
from ocellus.settings import FrameFormat

from ..layouts import struct

BEAT = struct(RAW_BEAT)
WORD = struct(PACKET_WORD)

RAW10 = data.StructLayout({"high": data.ArrayLayout(8, PIXELS_PER_CLOCK), "low": data.ArrayLayout(2, PIXELS_PER_CLOCK)})
"""Four pixels as MIPI CSI-2 sends them (RAW10, five bytes): the upper eight bits of each, then all the lower two."""

WORD_BYTES = 8
BEAT_BYTES = 5


class ImagePacker(wiring.Component):
    """A 40 to 64 bit gearbox with a header word before each line.

    A beat a clock in; a line whose bytes do not fill its last word costs one clock more. Stalls at ``o`` stand it
    still. The header leaves in the clock in which the line's first beat is taken, because five bytes fill no word.

    Parameters
    ----------
    frame : FrameFormat
        For the number of pixels that the line header states.

    Attributes
    ----------
    i : stream(RAW_BEAT), in
        Pixels.
    i_frame_counter : 32, in
        Read with the first beat of a frame.
    o : stream(PACKET_WORD), out
        Payload words; ``last`` with a line's last, filled with zeros.
    """

    i: In(stream.Signature(BEAT))
    i_frame_counter: In(32)
    o: Out(stream.Signature(WORD))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """Bytes gather in ``gathered``; whole words move to the output register."""
        m = Module()
        out = Signal(WORD)
        full = Signal()
        m.d.comb += [self.o.payload.eq(out), self.o.valid.eq(full)]
        with m.If(self.o.ready):
            m.d.sync += full.eq(0)
        free = ~full | self.o.ready

        # Line and frame, for the header.
        line_starts = Signal(init=1)
        frame_starts = Signal(init=1)
        line = Signal(16)
        frame_counter = Signal(32)
        header = Signal(struct(LINE_HEADER))
        m.d.comb += [
            header.frame_counter.eq(frame_counter),
            header.line.eq(line),
            header.pixels.eq(self._frame.width),
        ]
        with m.If(frame_starts):
            m.d.comb += header.frame_counter.eq(self.i_frame_counter)

        # The gearbox: up to seven bytes wait, five come.
        packed = Signal(RAW10)
        for k in range(PIXELS_PER_CLOCK):
            pixel = self.i.payload.pixel[k]
            m.d.comb += [packed.high[k].eq(pixel[2:]), packed.low[k].eq(pixel[:2])]
        gathered = Signal(8 * (WORD_BYTES - 1))
        count = Signal(range(WORD_BYTES))
        total = Signal(range(WORD_BYTES + BEAT_BYTES))
        joined = Signal(data.StructLayout({"word": 64, "rest": 8 * (BEAT_BYTES - 1)}))
        m.d.comb += [
            joined.eq(gathered | (packed.as_value() << count.shift_left(3))),
            total.eq(count + BEAT_BYTES),
        ]

        def begin_line() -> list:
            return [gathered.eq(0), count.eq(0), line_starts.eq(1)]

        with m.FSM():
            with m.State("GATHER"):
                m.d.comb += self.i.ready.eq(free)
                with m.If(self.i.valid & free):
                    m.d.sync += line_starts.eq(0)
                    with m.If(line_starts):
                        m.d.sync += [
                            out.data.eq(header),
                            out.last.eq(0),
                            full.eq(1),
                            gathered.eq(packed),
                            count.eq(BEAT_BYTES),
                            frame_counter.eq(header.frame_counter),
                            frame_starts.eq(0),
                        ]
                    with m.Elif(total >= WORD_BYTES):
                        m.d.sync += [
                            out.data.eq(joined.word),
                            out.last.eq(0),
                            full.eq(1),
                            gathered.eq(joined.rest),
                            count.eq(total - WORD_BYTES),
                        ]
                    with m.Else():
                        m.d.sync += [gathered.eq(joined.word), count.eq(total)]

                    with m.If(self.i.payload.last_in_line):
                        m.d.sync += line.eq(line + 1)
                        with m.If(self.i.payload.last_in_frame):
                            m.d.sync += [line.eq(0), frame_starts.eq(1)]
                        with m.If(~line_starts & (total <= WORD_BYTES)):
                            m.d.sync += [out.data.eq(joined.word), out.last.eq(1), full.eq(1), *begin_line()]
                        with m.Else():
                            m.next = "FLUSH"
            with m.State("FLUSH"), m.If(free):
                m.d.sync += [out.data.eq(gathered), out.last.eq(1), full.eq(1), *begin_line()]
                m.next = "GATHER"
        return m
