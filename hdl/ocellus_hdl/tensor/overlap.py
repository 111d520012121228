"""Walks the overlaps of input and output pixels along one axis."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Overlap(wiring.Component):
    """Input pixels ``i_out`` long and output pixels ``i_in`` long lie side by side; each step is one overlap.

    A step is as long as what is left of the shorter one, and takes one clock. The walk begins anew after the step that
    ends the axis's last input pixel.

    Parameters
    ----------
    in_bits, out_bits : int
        Width of ``i_in`` and of ``i_out``, the ratio in lowest terms: ``i_in`` input pixels make ``i_out`` output
        pixels.

    Attributes
    ----------
    i_in, i_out : in
        Steady from the clock before a walk on.
    i_step : in
        The step is taken in this clock.
    i_last : in
        The input pixel is the axis's last.
    o_length : out
        Length of the step, 1 to the smaller of ``i_in`` and ``i_out``.
    o_begins_out, o_ends_out, o_ends_in : out
        The step is an output pixel's first, an output pixel's last, an input pixel's last.
    """

    i_in: Signal
    i_out: Signal
    i_step: Signal
    i_last: Signal
    o_length: Signal
    o_begins_out: Signal
    o_ends_out: Signal
    o_ends_in: Signal

    def __init__(self, in_bits: int, out_bits: int):
        super().__init__(
            {
                "i_in": In(in_bits),
                "i_out": In(out_bits),
                "i_step": In(1),
                "i_last": In(1),
                "o_length": Out(min(in_bits, out_bits)),
                "o_begins_out": Out(1),
                "o_ends_out": Out(1),
                "o_ends_in": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """What is left of both pixels; whole ones while no walk is under way, for the settings may have changed."""
        m = Module()
        left_in = Signal.like(self.i_out)
        left_out = Signal.like(self.i_in)
        walking = Signal()
        ended = Signal(init=1)
        m.d.comb += [
            self.o_ends_in.eq(left_in <= left_out),
            self.o_ends_out.eq(left_in >= left_out),
            self.o_begins_out.eq(ended),
            self.o_length.eq(Mux(self.o_ends_in, left_in, left_out)),
        ]
        with m.If(self.i_step):
            m.d.sync += [
                left_in.eq(Mux(self.o_ends_in, self.i_out, left_in - left_out)),
                left_out.eq(Mux(self.o_ends_out, self.i_in, left_out - left_in)),
                ended.eq(self.o_ends_out),
                walking.eq(~(self.i_last & self.o_ends_in)),
            ]
        with m.Elif(~walking):
            m.d.sync += [left_in.eq(self.i_out), left_out.eq(self.i_in)]
        return m
