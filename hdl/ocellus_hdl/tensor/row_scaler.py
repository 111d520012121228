"""The horizontal pass: area sums along a row."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import RGB_PIXEL, TENSOR_SETTINGS

from ..layouts import struct
from ..pipeline import delayed
from .overlap import Overlap
from .words import LEVEL_BITS, ROW_PIXEL, ROW_SUM_BITS


class RowScaler(wiring.Component):
    """``sum[c] = sum over x of level[c] * ox(x, j)`` for each output column j of a row.

    One overlap a clock, so a row takes ``crop_w + out_w - gcd(crop_w, out_w)`` clocks; three clocks of latency, three
    multipliers. Stands still while ``o`` waits.

    Attributes
    ----------
    i : stream(RGB_PIXEL), in
        The window, line after line.
    o : stream(ROW_PIXEL), out
        The same lines, ``out_w`` columns each.
    i_settings : TENSOR_SETTINGS, in
        ``x_in`` and ``x_out``.
    """

    i: In(stream.Signature(struct(RGB_PIXEL)))
    o: Out(stream.Signature(ROW_PIXEL))
    i_settings: In(struct(TENSOR_SETTINGS))

    def elaborate(self, platform: object) -> Module:
        """Three rows of registers: step, products, sums."""
        m = Module()
        settings = self.i_settings
        m.submodules.overlap = overlap = Overlap(len(settings.x_in), len(settings.x_out))
        advance = Signal()
        pixel = self.i.payload
        m.d.comb += [
            advance.eq(~self.o.valid | self.o.ready),
            overlap.i_in.eq(settings.x_in),
            overlap.i_out.eq(settings.x_out),
            overlap.i_step.eq(self.i.valid & advance),
            overlap.i_last.eq(pixel.last_in_line),
            self.i.ready.eq(advance & overlap.o_ends_in),
        ]

        length = delayed(m, advance, overlap.o_length, 1)
        begins = delayed(m, advance, overlap.o_begins_out, 2)
        counts = delayed(m, advance, self.i.valid, 2)
        for channel, level in enumerate((pixel.red, pixel.green, pixel.blue)):
            product = Signal(LEVEL_BITS + len(overlap.o_length), name=f"product_{channel}")
            total = Signal(ROW_SUM_BITS, name=f"total_{channel}")
            with m.If(advance):
                m.d.sync += product.eq(delayed(m, advance, level, 1) * length)
            with m.If(advance & counts):
                m.d.sync += total.eq(Mux(begins, 0, total) + product)
            m.d.comb += self.o.payload.sum[channel].eq(total)

        ends = overlap.o_ends_in
        m.d.comb += [
            self.o.valid.eq(delayed(m, advance, self.i.valid & overlap.o_ends_out, 3)),
            self.o.payload.last_in_line.eq(delayed(m, advance, pixel.last_in_line & ends, 3)),
            self.o.payload.last_in_frame.eq(delayed(m, advance, pixel.last_in_frame & ends, 3)),
        ]
        return m
