"""Frame and line timing: which four pixels of the frame this clock belongs to."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.settings import FrameFormat


class Timing(wiring.Component):
    """Walks the frame format, blanking included, four pixels a clock.

    With ``i_enable`` set a frame begins in the next clock, and the next one right behind it; a frame once begun is
    finished. The clock stands still while ``i_advance`` is low. What the outputs are made of is known a clock ahead.

    Parameters
    ----------
    frame : FrameFormat

    Attributes
    ----------
    i_enable : in
    i_advance : in
        This clock counts.
    o_active : out
        The clock carries pixels; the marks below are set in such clocks alone.
    o_first_in_line, o_last_in_line, o_first_in_frame, o_last_in_frame : out
        Position of the clock in the active part.
    o_last_line : out
        The clock lies in the frame's last active line.
    """

    i_enable: In(1)
    i_advance: In(1)
    o_active: Out(1)
    o_first_in_line: Out(1)
    o_last_in_line: Out(1)
    o_first_in_frame: Out(1)
    o_last_in_frame: Out(1)
    o_last_line: Out(1)

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """Two counters, and what they stand at in flip-flops."""
        m = Module()
        frame = self._frame
        running = Signal()
        column = Signal(range(frame.clocks_per_line))
        line = Signal(range(frame.v_total))
        first_column, last_column, in_columns = Signal(init=1), Signal(), Signal(init=1)
        first_line, last_line, in_lines = Signal(init=1), Signal(), Signal(init=1)

        with m.If(~running):
            m.d.sync += running.eq(self.i_enable)
        with m.Elif(self.i_advance):
            m.d.sync += [
                column.eq(column + 1),
                first_column.eq(0),
                last_column.eq(column == frame.words_per_line - 2),
            ]
            with m.If(last_column):
                m.d.sync += in_columns.eq(0)
            with m.If(column == frame.clocks_per_line - 1):
                m.d.sync += [
                    column.eq(0),
                    first_column.eq(1),
                    in_columns.eq(1),
                    line.eq(line + 1),
                    first_line.eq(0),
                    last_line.eq(line == frame.height - 2),
                ]
                with m.If(last_line):
                    m.d.sync += in_lines.eq(0)
                with m.If(line == frame.v_total - 1):
                    m.d.sync += [line.eq(0), first_line.eq(1), in_lines.eq(1), running.eq(self.i_enable)]

        m.d.comb += [
            self.o_active.eq(running & in_columns & in_lines),
            self.o_first_in_line.eq(running & first_column & in_lines),
            self.o_last_in_line.eq(running & last_column & in_lines),
            self.o_first_in_frame.eq(running & first_column & first_line),
            self.o_last_line.eq(running & in_columns & last_line),
            self.o_last_in_frame.eq(running & last_column & last_line),
        ]
        return m
