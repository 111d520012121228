"""Turns a peak and its box channels into an object in full-frame pixels."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import METADATA_SETTINGS

from ..layouts import struct
from .multiplier import Multiplier
from .peak_finder import PEAK
from .top_list import SIGHTING

FRACTION_BITS = 8
AXIS = data.StructLayout(
    {"origin": 13, "half_cell": 20, "step": 20, "frame": 13, "cell": 8, "offset": signed(8), "size": signed(8)}
)
"""What places an object along one axis."""

SPAN = data.StructLayout({"centre": 16, "start": 16, "length": 16})
"""Where it lies along that axis."""


class BoxPlacer(wiring.Component):
    """docs/metadata.md, *Place and size*: exact sums, one after the other.

    Some 90 clocks an object; ``i`` waits meanwhile. Ends pass unchanged.

    Attributes
    ----------
    i : stream(PEAK), in
    i_settings : METADATA_SETTINGS, in
    o : stream(SIGHTING), out
    """

    i: In(stream.Signature(PEAK))
    i_settings: In(struct(METADATA_SETTINGS))
    o: Out(stream.Signature(SIGHTING))

    def elaborate(self, platform: object) -> Module:
        """First x, then y, through one multiplier and one clamp."""
        m = Module()
        settings = self.i_settings
        m.submodules.multiplier = multiplier = Multiplier()

        peak = Signal(PEAK)
        is_y = Signal()
        span = Signal(data.ArrayLayout(SPAN, 2))
        axis = Signal(AXIS)
        for y, name in enumerate("xy"):
            with m.If(is_y == y):
                m.d.comb += [
                    axis.origin.eq(settings[f"origin_{name}"]),
                    axis.half_cell.eq(settings[f"half_cell_{name}"]),
                    axis.step.eq(settings[f"step_{name}"]),
                    axis.frame.eq(settings[f"frame_{'wh'[y]}"]),
                    axis.cell.eq((peak.column, peak.row)[y]),
                    axis.offset.eq(peak.box[y]),
                    axis.size.eq(peak.box[2 + y]),
                ]

        found = self.o.payload.object
        m.d.comb += [
            found.class_index.eq(peak.class_index),
            found.score.eq(peak.score),
            found.centre_x.eq(span[0].centre),
            found.left.eq(span[0].start),
            found.width.eq(span[0].length),
            found.centre_y.eq(span[1].centre),
            found.top.eq(span[1].start),
            found.height.eq(span[1].length),
            self.o.payload.end.eq(peak.end),
            self.o.payload.overflow.eq(peak.overflow),
        ]

        # All with 8 fraction bits: 13 + 8 bits of origin, 29 bits of a product, and a sign.
        centre = Signal(signed(32))
        half = Signal(28)
        edge = Signal(signed(33))
        pixel = Signal(signed(25))
        last = Signal(13)
        clamped = Signal(16)  # what ``edge`` was a clock ago
        rounding = 1 << FRACTION_BITS - 1
        m.d.comb += pixel.eq(edge >> FRACTION_BITS)
        m.d.sync += [
            last.eq(axis.frame - 1),
            clamped.eq(Mux(pixel < 0, 0, Mux(pixel > last, last, pixel))),
        ]
        product = multiplier.o.payload
        offset = axis.offset - settings.zero_point
        size = axis.size - settings.zero_point

        def multiply(count, length) -> None:
            """For as long as a state lasts: until the product comes nothing else is taken."""
            m.d.comb += [
                multiplier.i.payload.count.eq(count),
                multiplier.i.payload.length.eq(length),
                multiplier.i.valid.eq(1),
                multiplier.o.ready.eq(1),
            ]

        here = span[is_y]
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [peak.eq(self.i.payload), is_y.eq(0)]
                with m.If(self.i.valid):
                    m.next = "PLACE_CELL"
                    with m.If(self.i.payload.end):
                        m.next = "GIVE"
            with m.State("PLACE_CELL"):
                multiply((axis.cell << 1) + 1, axis.half_cell)
                with m.If(multiplier.o.valid):
                    m.d.sync += centre.eq((axis.origin << FRACTION_BITS) + product)
                    m.next = "ADD_OFFSET"
            with m.State("ADD_OFFSET"):
                multiply(offset, axis.step)
                with m.If(multiplier.o.valid):
                    m.d.sync += centre.eq(centre + product)
                    m.next = "SCALE_SIZE"
            with m.State("SCALE_SIZE"):
                multiply(Mux(size < 0, 0, size), axis.step)
                with m.If(multiplier.o.valid):
                    m.d.sync += [half.eq(product >> 1), edge.eq(centre + rounding)]
                    m.next = "CLAMP_CENTRE"
            with m.State("CLAMP_CENTRE"):
                m.d.sync += edge.eq(centre - half + rounding)
                m.next = "CLAMP_START"
            with m.State("CLAMP_START"):
                m.d.sync += [here.centre.eq(clamped), edge.eq(centre + half + rounding)]
                m.next = "CLAMP_END"
            with m.State("CLAMP_END"):
                m.d.sync += here.start.eq(clamped)
                m.next = "MEASURE"
            with m.State("MEASURE"):
                m.d.sync += [here.length.eq(clamped - here.start), is_y.eq(1)]
                m.next = "PLACE_CELL"
                with m.If(is_y):
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "TAKE"
        return m
