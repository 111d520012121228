"""Frame and line timing: which four pixels of the frame this clock belongs to."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.settings import FrameFormat


class Timing(wiring.Component):
    """Walks the frame format, blanking included, four pixels a clock.

    With ``i_enable`` set a frame begins in the next clock, and the next one right behind it; a frame once begun is
    finished. The clock stands still while ``i_advance`` is low. All outputs come from registers.

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
        """Two counters."""
        m = Module()
        frame = self._frame
        running = Signal()
        column = Signal(range(frame.clocks_per_line))
        line = Signal(range(frame.v_total))

        with m.If(~running):
            m.d.sync += running.eq(self.i_enable)
        with m.Elif(self.i_advance):
            m.d.sync += column.eq(column + 1)
            with m.If(column == frame.clocks_per_line - 1):
                m.d.sync += [column.eq(0), line.eq(line + 1)]
                with m.If(line == frame.v_total - 1):
                    m.d.sync += [line.eq(0), running.eq(self.i_enable)]

        m.d.comb += [
            self.o_active.eq(running & (column < frame.words_per_line) & (line < frame.height)),
            self.o_first_in_line.eq(self.o_active & (column == 0)),
            self.o_last_in_line.eq(self.o_active & (column == frame.words_per_line - 1)),
            self.o_first_in_frame.eq(self.o_first_in_line & (line == 0)),
            self.o_last_line.eq(self.o_active & (line == frame.height - 1)),
            self.o_last_in_frame.eq(self.o_last_in_line & self.o_last_line),
        ]
        return m
