"""The vertical pass: whole rows are added up, row by row."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import TENSOR_SETTINGS
from ocellus.settings import FrameFormat

from ..layouts import struct
from ..pipeline import delayed
from .overlap import Overlap
from .row_store import RowStore
from .words import CHANNELS, ROW_PIXEL, area_sum, row_sum_bits

ROWS = 5
"""Rows of registers between a walk's place and its sum."""
FACTOR_BITS = 18
"""Of a multiplier of the device."""


class ColumnScaler(wiring.Component):
    """``S[i, j] = sum over y of row[y, j] * oy(y, i)``, in row, column, channel order.

    Each overlap of an input row and an output row is one walk over the columns and channels, one sum a clock and six
    clocks between two walks. The sums stay in a memory until the walk that completes them, which sends them out
    instead. A row that reaches into the next output row is walked again. One multiplier; stands still while ``o``
    waits.

    Parameters
    ----------
    frame : FrameFormat
        Sizes the sums.
    max_width : int
        Sizes the memories; ``out_w`` is at most this.

    Attributes
    ----------
    i : stream(ROW_PIXEL), in
    o : stream(area_sum(frame)), out
    i_settings : TENSOR_SETTINGS, in
        ``out_w``, ``channels``, ``y_in`` and ``y_out``.
    """

    i: stream.Interface
    o: stream.Interface
    i_settings: data.View

    def __init__(self, frame: FrameFormat, max_width: int):
        self._sum = area_sum(frame)
        self._level_bits = row_sum_bits(frame)
        self._max_width = max_width
        super().__init__(
            {
                "i": In(stream.Signature(ROW_PIXEL)),
                "o": Out(stream.Signature(self._sum)),
                "i_settings": In(struct(TENSOR_SETTINGS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A walk's control, then five rows of registers: read, off the memory, pick the channel, multiply, add."""
        m = Module()
        settings = self.i_settings
        m.submodules.rows = rows = RowStore(self._max_width)
        m.submodules.overlap = overlap = Overlap(len(settings.y_in), len(settings.y_out))
        depth = self._max_width * CHANNELS
        m.submodules.sums = sums = memory.Memory(shape=self._sum["sum"].shape, depth=depth, init=[])
        read = sums.read_port()
        write = sums.write_port()
        connect(m, flipped(self.i), rows.i)

        advance = Signal()
        walking = Signal()
        column = Signal.like(settings.out_w)
        channel = Signal(range(CHANNELS))
        place = Signal(range(depth))
        last_channel = Signal()
        last_place = Signal()
        m.d.comb += [
            advance.eq(~self.o.valid | self.o.ready),
            last_channel.eq(channel == settings.channels - 1),
            last_place.eq(last_channel & (column == settings.out_w - 1)),
        ]

        # A walk begins when the sums of the one before are all written, for it reads them again.
        flowing = [walking]
        for _ in range(ROWS):
            flowing.append(delayed(m, advance, flowing[-1], 1))
        begin = Signal()
        length = Signal.like(overlap.o_length)
        begins_out = Signal()
        ends_out = Signal()
        ends_frame = Signal()
        m.d.comb += [
            begin.eq(rows.o_full & ~Cat(flowing).any()),
            overlap.i_in.eq(settings.y_in),
            overlap.i_out.eq(settings.y_out),
            overlap.i_last.eq(rows.o_last),
            overlap.i_step.eq(advance & walking & last_place),
            rows.i_column.eq(column),
            rows.i_read.eq(advance),
            rows.i_release.eq(overlap.i_step & overlap.o_ends_in),
            read.addr.eq(delayed(m, advance, place, 1)),
            read.en.eq(advance),
        ]
        with m.If(begin):
            m.d.sync += [
                walking.eq(1),
                length.eq(overlap.o_length),
                begins_out.eq(overlap.o_begins_out),
                ends_out.eq(overlap.o_ends_out),
                ends_frame.eq(overlap.o_ends_in & rows.o_last),
            ]
        with m.If(advance & walking):
            m.d.sync += [place.eq(place + 1), channel.eq(channel + 1)]
            with m.If(last_channel):
                m.d.sync += [channel.eq(0), column.eq(column + 1)]
            with m.If(last_place):
                m.d.sync += [place.eq(0), column.eq(0), walking.eq(0)]

        word = Signal.like(rows.o_sum)
        level = Signal(self._level_bits)
        lower = level[:FACTOR_BITS]
        product = Signal(len(lower) + len(length))
        before = Signal(self._sum["sum"].shape)
        # And what the level's bits above a factor's make, so that no sum follows the multiplier within a clock.
        begun = Signal(self._sum["sum"].shape)
        total = Signal(self._sum["sum"].shape)
        with m.If(advance):
            m.d.sync += [
                word.eq(rows.o_sum),
                level.eq(word[delayed(m, advance, channel, 2)]),
                before.eq(Mux(begins_out, 0, read.data)),
                product.eq(lower * length),
                begun.eq(before + sum(Mux(level[n], length << n, 0) for n in range(FACTOR_BITS, len(level)))),
                total.eq(begun + product),
            ]
        m.d.comb += [
            write.addr.eq(delayed(m, advance, place, ROWS)),
            write.data.eq(total),
            write.en.eq(flowing[ROWS] & ~ends_out),
            self.o.valid.eq(flowing[ROWS] & ends_out),
            self.o.payload.sum.eq(total),
            self.o.payload.channel.eq(delayed(m, advance, channel, ROWS)),
            self.o.payload.last.eq(ends_frame & delayed(m, advance, last_place, ROWS)),
        ]
        return m
