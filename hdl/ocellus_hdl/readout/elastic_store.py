"""Two lines of room between the timing, which may not wait, and the stream, which may."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ocellus.formats import RAW_BEAT, RAW_WORD
from ocellus.settings import FrameFormat

from ..layouts import struct


class ElasticStore(wiring.Component):
    """Keeps the words of kept lines, remembers where lines are missing, and fills them with zeros on the way out.

    One word a clock in and out, a clock between two lines out, two clocks of latency. A missing line takes no room:
    each kept line leaves behind it, in a short queue, how many lines were missing before it. So a missing line leaves
    when the next line is kept, or with the frame's end.

    Parameters
    ----------
    frame : FrameFormat
        Two lines of it fit, rounded up to a power of two words.

    Attributes
    ----------
    i : stream(RAW_WORD), in
        The words of the kept lines.
    i_begin, i_keep, i_last : in
        A line begins, with the clock of its first word; it is kept; it is the frame's last.
    o_room : out
        There is room for a whole line.
    o_ready : out
        A line may begin: the queue has room. It always has while a line begins with ``o_room`` set.
    o : stream(RAW_BEAT), out
        ``frame.height`` lines, whatever was kept.
    """

    i: In(stream.Signature(struct(RAW_WORD)))
    i_begin: In(1)
    i_keep: In(1)
    i_last: In(1)
    o_room: Out(1)
    o_ready: Out(1)
    o: Out(stream.Signature(struct(RAW_BEAT)))

    LINES = 8
    """Kept lines that may wait: a store of two lines, rounded up to a power of two, holds less than four."""

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """A queue of words, a queue of kept lines, and the walk over the lines that leave."""
        m = Module()
        frame = self._frame
        depth = 1 << ceil_log2(2 * frame.words_per_line)
        # The word that waits at the output is not in the memory.
        m.submodules.words = words = fifo.SyncFIFOBuffered(width=struct(RAW_WORD).size, depth=depth + 1)
        m.submodules.lines = lines = fifo.SyncFIFO(width=frame.height.bit_length(), depth=self.LINES)

        missing = Signal(range(frame.height + 1))
        all_begun = Signal()
        m.d.comb += [
            words.w_data.eq(self.i.payload),
            words.w_en.eq(self.i.valid),
            self.i.ready.eq(words.w_rdy),
            lines.w_data.eq(missing),
            lines.w_en.eq(self.i_begin & self.i_keep),
            self.o_ready.eq(lines.w_rdy),
            self.o_room.eq((words.r_level <= depth - frame.words_per_line) & lines.w_rdy),
        ]
        with m.If(self.i_begin):
            m.d.sync += [missing.eq(Mux(self.i_keep, 0, missing + 1)), all_begun.eq(self.i_last)]

        column = Signal(range(frame.words_per_line))
        line = Signal(range(frame.height))
        filled = Signal(range(frame.height + 1))
        kept = Signal()
        zeros = Signal()
        beat = self.o.payload
        m.d.comb += [
            self.o.valid.eq(zeros | (kept & words.r_rdy)),
            beat.last_in_line.eq(column == frame.words_per_line - 1),
            beat.last_in_frame.eq(beat.last_in_line & (line == frame.height - 1)),
            words.r_en.eq(kept & self.o.ready),
        ]
        # What the line that leaves is, from the clock before its first beat on to its last beat.
        kept_next = lines.r_rdy & (lines.r_data == filled)
        m.d.sync += [kept.eq(kept_next), zeros.eq(Mux(lines.r_rdy, ~kept_next, all_begun))]
        with m.If(kept):
            m.d.comb += beat.as_value()[: words.width].eq(words.r_data)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += column.eq(column + 1)
            with m.If(beat.last_in_line):
                m.d.comb += lines.r_en.eq(kept)
                m.d.sync += [column.eq(0), line.eq(line + 1), filled.eq(Mux(kept, 0, filled + 1))]
                m.d.sync += [kept.eq(0), zeros.eq(0)]
            with m.If(beat.last_in_frame):
                m.d.sync += [line.eq(0), filled.eq(0), missing.eq(0), all_begun.eq(0)]
        return m
