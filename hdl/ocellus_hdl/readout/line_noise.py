"""The noise of the production line: 32 bits of a shift register a clock, eight for each of four pixels."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PIXELS_PER_CLOCK

BITS = 31
TAPS = (18, 31)
"""A bit is the exclusive or of those 18 and 31 before it: x^31 + x^13 + 1."""
SEED = 0x5A3C_96E1
A_PIXEL = 8
BLACK = 56
"""Level of a pixel without light and noise."""


class LineNoise(wiring.Component):
    """Black level and noise of four pixels, 56 to 73: 56 and the sum of two numbers of three bits and one of two.

    One word a step, two steps after ``i_first``; nothing moves without ``i_step``.

    Attributes
    ----------
    i_step : in
    i_first : in
        The step after this one begins a frame.
    i_frame : 16, in
        That frame's number.
    o : 4 x 7, out
    """

    i_step: In(1)
    i_first: In(1)
    i_frame: In(16)
    o: Out(7).array(PIXELS_PER_CLOCK)

    def elaborate(self, platform: object) -> Module:
        """All bits of a word at once, and those that the next word begins with."""
        m = Module()
        state = Signal(BITS)
        bits: list[Value] = list(state)
        word = A_PIXEL * PIXELS_PER_CLOCK
        while len(bits) < word + BITS:
            bits.append(bits[-TAPS[0]] ^ bits[-TAPS[1]])
        seed = Cat(self.i_frame, self.i_frame)[:BITS] ^ SEED
        with m.If(self.i_step):
            m.d.sync += state.eq(Mux(self.i_first, seed, Cat(bits[word:])))
            for index in range(PIXELS_PER_CLOCK):
                byte = Cat(bits[A_PIXEL * index : A_PIXEL * (index + 1)])
                m.d.sync += self.o[index].eq(BLACK + (byte[:3] + byte[3:6] + byte[6:]))
        return m
