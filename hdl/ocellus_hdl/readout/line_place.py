"""Where on the moving belt each word lies: the walk over words, lines and frames of the production line."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.settings import FrameFormat

from .line_tables import BELT_BITS, FRAME_BITS, MOVE_BITS, LineGeometry


class LinePlace(wiring.Component):
    """The place of one word after the other, frame after frame; every output comes from a register or two.

    Parameters
    ----------
    frame : FrameFormat

    Attributes
    ----------
    i_step : in
        The next word.
    i_restart : in
        Back to the first word of the frame ``i_frame``.
    i_frame : 16, in
    o_belt : 12, out
        Column of cells on the belt.
    o_row, o_edge : out
        Row of cells in the frame; rows to the nearer of its upper and lower edge.
    o_lower : out
        The row belongs to the lower lane.
    o_odd : out
        The line is an odd one.
    o_first, o_last : out
        The frame's first word, its last.
    o_frame : 16, out
        The frame's number.
    """

    def __init__(self, frame: FrameFormat):
        self._frame = frame
        self._geometry = LineGeometry(frame)
        rows = self._geometry.row_bits
        super().__init__(
            {
                "i_step": In(1), "i_restart": In(1), "i_frame": In(FRAME_BITS),
                "o_belt": Out(BELT_BITS), "o_row": Out(rows), "o_edge": Out(rows), "o_lower": Out(1), "o_odd": Out(1),
                "o_first": Out(1), "o_last": Out(1), "o_frame": Out(FRAME_BITS),
            }
        )  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        """Counters of words and lines, and both once more in cells."""
        m = Module()
        frame, geometry = self._frame, self._geometry
        column = Signal(range(frame.words_per_line))
        line = Signal(range(frame.height))
        last_word, last_line = Signal(), Signal()
        quarters = Signal(geometry.row_bits + 2)  # of a row of cells
        below = Signal.like(quarters)
        number = Signal(FRAME_BITS)
        m.d.comb += [
            last_word.eq(column == frame.words_per_line - 1),
            last_line.eq(line == frame.height - 1),
            below.eq(Mux(last_line, 0, quarters + (1 << geometry.shift))),
            number.eq(self.o_frame + last_line),
        ]
        with m.If(self.i_step):
            m.d.sync += [column.eq(column + 1), self.o_belt.eq(self.o_belt + (1 << geometry.shift))]
            with m.If(last_word):
                m.d.sync += [
                    column.eq(0),
                    line.eq(Mux(last_line, 0, line + 1)),
                    quarters.eq(below),
                    self.o_lower.eq(below[2:] >= geometry.second_lane),
                    self.o_frame.eq(number),
                    self.o_belt.eq(Cat(Const(0, MOVE_BITS), number)),
                ]
        with m.If(self.i_restart):
            m.d.sync += [
                column.eq(0),
                line.eq(0),
                quarters.eq(0),
                self.o_lower.eq(0),
                self.o_frame.eq(self.i_frame),
                self.o_belt.eq(Cat(Const(0, MOVE_BITS), self.i_frame)),
            ]
        m.d.comb += [
            self.o_row.eq(quarters[2:]),
            self.o_edge.eq(Mux(self.o_lower, geometry.cells - 1 - self.o_row, self.o_row)),
            self.o_odd.eq(line[0]),
            self.o_first.eq((column == 0) & (line == 0)),
            self.o_last.eq(last_word & last_line),
        ]
        return m
