"""Hands a complete group of sums to the requantiser's lanes, beat by beat."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .array import DONE, point_sums, window_sums
from .cells import choice_of_four, copies, passing
from .words import flow

BEAT = data.StructLayout({"point": 1, "number": 2, "last": 1})
"""Beat ``number`` of a group; the ``last`` one of it."""

LANES = 2
"""Lanes that share the bits that choose for them."""


class Drain(wiring.Component):
    """A beat a clock, from the clock after the group's on; no backpressure.

    A convolution takes ``beats`` clocks, in each ``beat_pixels`` pixels: lane ``j*outputs + o``. Windows take one: lane
    ``j*word + c``. The next group is complete when this one has left.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_soon : flow(DONE), in
        A group, a clock before its sums are complete.
    i_point : point_sums, in
    i_window : window_sums, in
    o_take : unsigned(1), out
        The beat that leaves a clock later is the first of its group: the parameters that are ready are its own.
    o : flow(BEAT), out
    o_windows : array of unsigned(1), out
        Whether a beat of windows is in ``o``: for the lanes, and for who waits for them.
    o_value : array of sums, out
        One a lane, with ``o``.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_soon": In(flow(DONE)),
                "i_point": In(point_sums(c)),
                "i_window": In(window_sums(c)),
                "o_take": Out(1),
                "o": Out(flow(BEAT)),
                "o_windows": Out(data.ArrayLayout(1, 2)),
                "o_value": Out(data.ArrayLayout(signed(32), c.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A counter, and a choice of beats and windows in front of one row of registers."""
        m = Module()
        c = self._c
        # It lies far from the array: a register of its own says that a group is complete.
        (complete,) = copies(m, platform, Cat(self.i_soon.valid, self.i_soon.payload.point), 1, "complete")
        comes, is_point = complete
        m.d.comb += self.o_take.eq(comes)

        # 0 in a group's first clock.
        number = Signal(2)
        follows = number != 0
        drains_point = (comes & is_point) | follows
        is_last = Mux(follows, number == c.beats - 1, ~is_point | (c.beats == 1))
        following = Signal(2)
        m.d.comb += following.eq(Mux(comes | follows, Mux(is_last, 0, number + 1), number))
        m.d.sync += self.o.valid.eq(comes | follows)
        with m.If(comes | follows):
            m.d.sync += [
                number.eq(following),
                self.o.payload.point.eq(drains_point),
                self.o.payload.number.eq(number),
                self.o.payload.last.eq(is_last),
            ]

        soon_windows = Signal()
        m.d.sync += soon_windows.eq(self.i_soon.valid & ~self.i_soon.payload.point)
        m.d.comb += self.o_windows.eq(Cat(copies(m, platform, soon_windows, len(self.o_windows), "windows")))

        values: list[Any] = [self.i_point[i][o] for i in range(c.beats * c.beat_pixels) for o in range(c.outputs)]
        size = c.beat_pixels * c.outputs
        # Windows, or a beat of the convolution: decided a clock earlier.
        soon_point = Signal()
        m.d.comb += soon_point.eq((self.i_soon.valid & self.i_soon.payload.point) | (following != 0))
        choices = copies(m, platform, Mux(soon_point, following + 1, 0)[:2], -(-size // LANES), "choice")
        for n in range(c.lanes):
            window = self.i_window[n // c.word][n % c.word]
            if n >= size:
                with m.If(passing(platform, comes & ~drains_point)):
                    m.d.sync += self.o_value[n].eq(window)
                continue
            beats = [values[n + size * k] for k in range(c.beats)]
            beats += beats[-1:] * (3 - len(beats))
            chosen = choice_of_four(m, platform, (window, *beats), choices[n // LANES], f"chosen_{n}")
            with m.If(passing(platform, comes | follows)):
                m.d.sync += self.o_value[n].eq(chosen)
        return m
