"""The image processor: four RAW pixels a clock in, one RGB pixel a clock out."""

from collections.abc import Sequence

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import ISP_SETTINGS, RAW_BEAT, RGB_PIXEL
from ocellus.settings import FrameFormat

from ..layouts import struct
from .colour_matrix import ColourMatrix
from .gamma import Gamma
from .halver import Halver
from .quads import Quads
from .white_balance import WhiteBalance
from .words import GAMMA_WRITE


class Isp(wiring.Component):
    """Black level, white balance, one pixel for each 2x2 quad, colour matrix, gamma; docs/isp.md has the arithmetic.

    Takes four RAW pixels a clock with no stall at ``o``: of two lines, the second comes out over two line times.
    Eleven clocks from a quad's last pixel to its RGB pixel. Stalls at ``o`` stand the stage still, nothing is lost.

    Parameters
    ----------
    frame : FrameFormat
        Sizes the line store and the store of half a line.
    gamma : three tables, or nothing
        What the gamma tables hold from power-on.

    Attributes
    ----------
    i : stream(RAW_BEAT), in
    o : stream(RGB_PIXEL), out
    i_settings : ISP_SETTINGS, in
        Changed between frames alone.
    i_gamma : stream(GAMMA_WRITE), in
        Write port of the gamma tables, always accepted.
    """

    i: In(stream.Signature(struct(RAW_BEAT)))
    o: Out(stream.Signature(struct(RGB_PIXEL)))
    i_settings: In(struct(ISP_SETTINGS))
    i_gamma: In(stream.Signature(GAMMA_WRITE))

    def __init__(self, frame: FrameFormat, gamma: Sequence[Sequence[int]] = ()):
        super().__init__()
        self._frame = frame
        self._gamma = gamma

    def elaborate(self, platform: object) -> Module:
        """Chain the parts in the order the pixels flow."""
        m = Module()
        m.submodules.quads = quads = Quads(self._frame)
        m.submodules.halver = halver = Halver(self._frame)
        m.submodules.white_balance = white_balance = WhiteBalance()
        m.submodules.colour_matrix = colour_matrix = ColourMatrix()
        m.submodules.gamma = gamma = Gamma(self._gamma)

        connect(m, flipped(self.i), quads.i)
        connect(m, quads.o, halver.i)
        connect(m, halver.o, white_balance.i)
        connect(m, white_balance.o, colour_matrix.i)
        connect(m, colour_matrix.o, gamma.i)
        connect(m, gamma.o, flipped(self.o))
        connect(m, flipped(self.i_gamma), gamma.i_table)
        m.d.comb += [
            white_balance.i_settings.eq(self.i_settings),
            colour_matrix.i_settings.eq(self.i_settings),
        ]
        return m
