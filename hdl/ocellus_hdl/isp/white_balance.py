"""Black level and white balance: a quad becomes red, green and blue."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import ISP_SETTINGS, RAW_BITS

from ..layouts import struct
from ..pipeline import delayed, pipeline
from .words import BALANCED, BALANCED_BITS, QUAD, QUAD_PIXEL

GAIN_BITS = ISP_SETTINGS.field("gain").bits
ROWS = 4


class WhiteBalance(wiring.Component):
    """``v = max(raw - black, 0)``, then each colour times its gain, rounded to 2 fraction bits and limited to 4095.

    Red and blue are ``(v * gain + 32) >> 6``; green is the mean of the quad's two,
    ``(v_Gr * gain_Gr + v_Gb * gain_Gb + 64) >> 7``. Four multipliers, one quad a clock, four clocks of latency.
    Stands still while ``o.ready`` is low, which must not wait for ``o.valid``.

    Attributes
    ----------
    i : stream(QUAD_PIXEL), in
    o : stream(BALANCED), out
    i_settings : ISP_SETTINGS, in
        ``black`` and ``gain`` in the order R, Gr, Gb, B.
    """

    i: In(stream.Signature(QUAD_PIXEL))
    o: Out(stream.Signature(BALANCED))
    i_settings: In(struct(ISP_SETTINGS))

    def elaborate(self, platform: object) -> Module:
        """Four rows of registers: as it came from the store, less black, times gain, rounded."""
        m = Module()
        advance = pipeline(m, self.i, self.o, ROWS, stiff=True)

        # A block RAM's output comes late in the clock: nothing but the choice of the quad goes before the first row.
        quad = delayed(m, advance, self.i.payload.quad, 1, QUAD)
        products = []
        for index, raw in enumerate((quad.red, quad.green_red, quad.green_blue, quad.blue)):
            above_black = Signal(RAW_BITS, name=f"above_black_{index}")
            product = Signal(RAW_BITS + GAIN_BITS, name=f"product_{index}")
            black = self.i_settings.black[index]
            with m.If(advance):
                m.d.sync += [
                    above_black.eq(Mux(raw > black, raw - black, 0)),
                    product.eq(above_black * self.i_settings.gain[index]),
                ]
            products.append(product)

        red, green_red, green_blue, blue = products
        rounded = ((red + 32) >> 6, (green_red + green_blue + 64) >> 7, (blue + 32) >> 6)
        limit = (1 << BALANCED_BITS) - 1
        for index, value in enumerate(rounded):
            with m.If(advance):
                m.d.sync += self.o.payload.colour[index].eq(Mux(value > limit, limit, value))

        m.d.comb += [
            self.o.payload.last_in_line.eq(delayed(m, advance, self.i.payload.last_in_line, ROWS)),
            self.o.payload.last_in_frame.eq(delayed(m, advance, self.i.payload.last_in_frame, ROWS)),
        ]
        return m
