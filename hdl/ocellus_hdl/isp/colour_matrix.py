"""The 3x3 matrix from the sensor's colours to the picture's."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import ISP_SETTINGS

from ..layouts import struct
from ..pipeline import delayed, pipeline
from .words import BALANCED, BALANCED_BITS, CHANNELS, LINEAR, LINEAR_BITS

COEFFICIENT_BITS = ISP_SETTINGS.field("matrix").bits
FRACTION_BITS = 10
"""8 of the coefficients and 2 of the balanced colours."""


class ColourMatrix(wiring.Component):
    """``linear = clamp((k[0] * R + k[1] * G + k[2] * B + 512) >> 10, 0, 1023)`` with three coefficients a channel.

    The shift is arithmetic. Nine multipliers, one pixel a clock, three clocks of latency. Stands still while
    ``o.ready`` is low, which must not wait for ``o.valid``.

    Attributes
    ----------
    i : stream(BALANCED), in
    o : stream(LINEAR), out
    i_settings : ISP_SETTINGS, in
        ``matrix`` row by row, signed, 8 fraction bits; row 0 makes red.
    """

    i: In(stream.Signature(BALANCED))
    o: Out(stream.Signature(LINEAR))
    i_settings: In(struct(ISP_SETTINGS))

    def elaborate(self, platform: object) -> Module:
        """Three rows of registers: products, sums, limits."""
        m = Module()
        advance = pipeline(m, self.i, self.o, 3, stiff=True)

        for row in range(CHANNELS):
            products = []
            for column in range(CHANNELS):
                product = Signal(signed(BALANCED_BITS + COEFFICIENT_BITS), name=f"product_{row}{column}")
                coefficient = self.i_settings.matrix[CHANNELS * row + column]
                with m.If(advance):
                    m.d.sync += product.eq(coefficient * self.i.payload.colour[column])
                products.append(product)
            total = Signal(signed(BALANCED_BITS + COEFFICIENT_BITS + 2), name=f"total_{row}")
            value = total >> FRACTION_BITS
            limit = (1 << LINEAR_BITS) - 1
            with m.If(advance):
                m.d.sync += [
                    total.eq((products[0] + products[1]) + (products[2] + (1 << FRACTION_BITS - 1))),
                    self.o.payload.colour[row].eq(Mux(value < 0, 0, Mux(value > limit, limit, value))),
                ]

        m.d.comb += [
            self.o.payload.last_in_line.eq(delayed(m, advance, self.i.payload.last_in_line, 3)),
            self.o.payload.last_in_frame.eq(delayed(m, advance, self.i.payload.last_in_frame, 3)),
        ]
        return m
