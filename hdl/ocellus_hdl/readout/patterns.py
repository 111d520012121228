"""The test patterns, four pixels a clock."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import PIXELS_PER_CLOCK, RAW_BITS, RAW_WORD, READOUT_SETTINGS, Pattern
from ocellus.settings import FrameFormat

from ..layouts import struct
from .line import Line
from .line_tables import FRAME_BITS

WHITE = (1 << RAW_BITS) - 1
BARS = 8
NOISE_BITS = 9
NOISE_FEEDBACK = (8, 4)
"""The bits of the state whose exclusive or comes in: x^9 + x^5 + 1."""


def noise_masks() -> tuple[list[int], list[int]]:
    """Return which bits of the PN9 state make each bit of the next word, and each bit of the state after it.

    The register is linear, so both are exclusive ors of state bits: a mask for each of the 40 bits in the order in
    which they leave, and a mask for each of the 9 state bits.
    """
    state = [1 << bit for bit in range(NOISE_BITS)]
    leaving = []
    for _ in range(PIXELS_PER_CLOCK * RAW_BITS):
        leaving.append(state[NOISE_BITS - 1])
        first, second = NOISE_FEEDBACK
        state = [state[first] ^ state[second], *state[:-1]]
    return leaving, state


class Patterns(wiring.Component):
    """The word of a test pattern at the place where the readout is; docs/readout.md has the table.

    ``o`` belongs to the word that ``i_step`` steps over, and is the frame's first again after its last. The line's
    words take some clocks to come when it has been selected.

    Parameters
    ----------
    frame : FrameFormat
        Its width sizes the bars, and all of it the line.

    Attributes
    ----------
    i_settings : READOUT_SETTINGS, in
        ``pattern`` and ``solid``.
    i_step : in
        The word is used in this clock.
    i_last_in_line, i_last_in_frame : in
        It is the line's, the frame's last.
    o_ready : out
        A frame may begin: ``o`` is its first word.
    o : RAW_WORD, out
    """

    i_settings: In(struct(READOUT_SETTINGS))
    i_step: In(1)
    i_last_in_line: In(1)
    i_last_in_frame: In(1)
    o_ready: Out(1)
    o: Out(struct(RAW_WORD))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame
        self._bar_words = frame.width // (BARS * PIXELS_PER_CLOCK)

    def elaborate(self, platform: object) -> Module:
        """Every pattern keeps its own state; the setting picks one."""
        m = Module()
        ramp = self._ramp(m)
        bars = self._bars(m)
        noise = self._noise(m)
        m.submodules.line = line = Line(self._frame)
        # Frames are counted whatever they show, as readout counts them.
        frame = Signal(FRAME_BITS)
        with m.If(self.i_step & self.i_last_in_frame):
            m.d.sync += frame.eq(frame + 1)
        m.d.comb += [
            line.i_enable.eq(self.i_settings.pattern == Pattern.LINE),
            line.i_step.eq(self.i_step),
            line.i_last.eq(self.i_last_in_frame),
            line.i_frame.eq(frame),
            self.o_ready.eq(line.o_ready | ~line.i_enable),
        ]
        drawn = ((Pattern.RAMP, ramp), (Pattern.BARS, bars), (Pattern.PN9, noise), (Pattern.LINE, line.o.pixel))
        for index in range(PIXELS_PER_CLOCK):
            with m.Switch(self.i_settings.pattern):
                for pattern, pixels in drawn:
                    with m.Case(pattern):
                        m.d.comb += self.o.pixel[index].eq(pixels[index])
                with m.Default():
                    m.d.comb += self.o.pixel[index].eq(self.i_settings.solid)
        return m

    def _ramp(self, m: Module) -> list[Value]:
        level = Signal(RAW_BITS)
        with m.If(self.i_step):
            m.d.sync += level.eq(Mux(self.i_last_in_line, 0, level + PIXELS_PER_CLOCK))
        return [level | index for index in range(PIXELS_PER_CLOCK)]

    def _bars(self, m: Module) -> list[Value]:
        # Pictures of less than 32 pixels have bars of no width: all of their width is the rest, the last bar.
        first_bar = 0 if self._bar_words else BARS - 1
        bar = Signal(range(BARS), init=first_bar)
        word = Signal(range(max(self._bar_words, 2)))
        odd_line = Signal()
        with m.If(self.i_step):
            m.d.sync += word.eq(word + 1)
            with m.If(word == self._bar_words - 1):
                m.d.sync += [word.eq(0), bar.eq(Mux(bar == BARS - 1, bar, bar + 1))]
            with m.If(self.i_last_in_line):
                m.d.sync += [word.eq(0), bar.eq(first_bar), odd_line.eq(~odd_line & ~self.i_last_in_frame)]

        # White, yellow, cyan, green, magenta, red, blue, black: the bar's number counts the missing colours
        # in the order of their share of the luma, blue first.
        blue, red, green = (~bar[bit] for bit in range(3))
        even_line = (red, green)
        sites = [Mux(odd_line, odd, even) for even, odd in zip(even_line, (green, blue), strict=True)]
        return [Mux(sites[index % 2], WHITE, 0) for index in range(PIXELS_PER_CLOCK)]

    def _noise(self, m: Module) -> list[Value]:
        seed = (1 << NOISE_BITS) - 1
        state = Signal(NOISE_BITS, init=seed)
        leaving, following = noise_masks()
        with m.If(self.i_step):
            m.d.sync += state.eq(Mux(self.i_last_in_frame, seed, Cat((state & mask).xor() for mask in following)))
        bits = [(state & mask).xor() for mask in leaving]
        # The first bit to leave is a pixel's most significant.
        return [Cat(reversed(bits[at : at + RAW_BITS])) for at in range(0, len(bits), RAW_BITS)]
