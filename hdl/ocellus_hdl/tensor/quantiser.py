"""From area sums to int8: scale, offset, round, limit."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import TENSOR_BYTE, TENSOR_SETTINGS
from ocellus.settings import FrameFormat

from ..layouts import struct
from ..pipeline import delayed, pipeline
from ..skid_buffer import SkidBuffer
from .words import area_sum

ROWS = 8
"""Rows of registers before the byte's own."""
SUM_PART_BITS = 16
MULTIPLIER_PART_BITS = 12
"""Both factors are cut so that each part product fits one 18x18 multiplier."""
OFFSET_BITS = TENSOR_SETTINGS.field("offset").bits
CEILING = 1 << OFFSET_BITS
"""No offset brings a scaled sum of this size, or a larger one, below the largest int8."""


class Quantiser(wiring.Component):
    """``p = (sum * multiplier[c]) >> shift``, ``value = clamp((p + offset[c] + 128) >> 8, -128, 127)``.

    One sum a clock, nine clocks of latency, four multipliers for all channels. Stands still while ``o`` waits;
    ``i.ready`` is a register.

    Parameters
    ----------
    frame : FrameFormat
        Sizes the sums.

    Attributes
    ----------
    i : stream(area_sum(frame)), in
    o : stream(TENSOR_BYTE), out
    i_settings : TENSOR_SETTINGS, in
        ``multiplier``, ``shift`` and ``offset``.
    """

    i: stream.Interface
    o: stream.Interface
    i_settings: data.View

    def __init__(self, frame: FrameFormat):
        self._sum = area_sum(frame)
        super().__init__(
            {
                "i": In(stream.Signature(self._sum)),
                "o": Out(stream.Signature(struct(TENSOR_BYTE))),
                "i_settings": In(struct(TENSOR_SETTINGS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Nine rows of registers, no more than one sum, shift step or comparison between two of them."""
        m = Module()
        settings = self.i_settings
        m.submodules.skid_buffer = skid_buffer = SkidBuffer(struct(TENSOR_BYTE))
        connect(m, skid_buffer.o, flipped(self.o))
        advance = pipeline(m, self.i, skid_buffer.i, ROWS, stiff=True)

        total = Signal.like(self.i.payload.sum)
        multiplier = Signal.like(settings.multiplier[0])
        product_bits = len(total) + len(multiplier)
        low_low = Signal(SUM_PART_BITS + MULTIPLIER_PART_BITS)
        low_high = Signal.like(low_low)
        high_low = Signal.like(low_low)
        high_high = Signal.like(low_low)
        low = Signal(SUM_PART_BITS + len(multiplier))
        high = Signal(SUM_PART_BITS + len(multiplier))
        product = Signal(product_bits)
        coarse = Signal(product_bits)
        fine = Signal(product_bits)
        limited = Signal(range(CEILING + 1))
        rounded = Signal(signed(OFFSET_BITS + 2))
        offset = Signal.like(settings.offset[0])
        value = rounded >> 8

        sum_low, sum_high = total[:SUM_PART_BITS], total[SUM_PART_BITS:]
        multiplier_low, multiplier_high = multiplier[:MULTIPLIER_PART_BITS], multiplier[MULTIPLIER_PART_BITS:]
        with m.If(advance):
            m.d.sync += [
                total.eq(self.i.payload.sum),
                multiplier.eq(settings.multiplier[self.i.payload.channel]),
                low_low.eq(sum_low * multiplier_low),
                low_high.eq(sum_low * multiplier_high),
                high_low.eq(sum_high * multiplier_low),
                high_high.eq(sum_high * multiplier_high),
                low.eq(low_low + (low_high << MULTIPLIER_PART_BITS)),
                high.eq(high_low + (high_high << MULTIPLIER_PART_BITS)),
                product.eq(low + (high << SUM_PART_BITS)),
                coarse.eq(product >> (settings.shift[3:] << 3)),
                fine.eq(coarse >> settings.shift[:3]),
                limited.eq(Mux(fine >= CEILING, CEILING, fine)),
                offset.eq(settings.offset[delayed(m, advance, self.i.payload.channel, 6)]),
                rounded.eq(limited + offset + 128),
            ]
        m.d.comb += [
            skid_buffer.i.payload.value.eq(Mux(value < -128, -128, Mux(value > 127, 127, value))),
            skid_buffer.i.payload.last.eq(delayed(m, advance, self.i.payload.last, ROWS)),
        ]
        return m
