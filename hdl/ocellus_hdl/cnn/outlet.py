"""Hands the output tensor out, byte by byte."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .countdown import Countdown
from .descriptor import HEADER, TENSOR
from .places import added, further, named, place
from .words import LOOK, flow, word


class Outlet(wiring.Component):
    """``word`` bytes in ``word`` clocks, or in the memory's latency and 2 where that is more; stalls at ``o`` hold it.

    The memory's latency is three clocks at least.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_start : unsigned(1), in
        Begin, for one clock.
    i_header : IMAGE_HEADER, in
    o_look : flow(LOOK), out
    i_seen : flow(word), in
        The answer.
    o : stream(TENSOR_BYTE), out
    o_done : unsigned(1), out
        The last byte is being taken.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_start": In(1),
                "i_header": In(HEADER),
                "o_look": Out(flow(LOOK)),
                "i_seen": In(flow(word(c))),
                "o": Out(stream.Signature(TENSOR)),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One word is sent while the next is read: rows, columns, channels."""
        m = Module()
        c = self._c
        header = self.i_header
        at_row, at_pixel, at = Signal(place(c)), Signal(place(c)), Signal(place(c))
        rows, columns = Countdown(m, 16, "rows"), Countdown(m, 16, "columns")  # still to be read, these included
        channels, last_word = Signal(16), Signal()
        reads, waits = Signal(), Signal()

        # The word that was read, and the one that is sent: how many bytes of it, and whether it is the tensor's last.
        kept = Signal(8 * c.word)
        held = Signal(8 * c.word)
        kept_bytes, held_bytes = Signal(range(c.word + 1)), Signal(range(c.word + 1))
        kept_ends, held_ends = Signal(), Signal()
        here = Signal()
        empty, one = Signal(init=1), Signal()  # bytes that are held: none, the last one

        looks, looked, moves = Signal(), Signal(), Signal()  # looked: a clock ago
        pixel_ends, row_ends, all_ends = Signal(), Signal(), Signal()  # with what was looked at two clocks ago
        m.d.comb += [
            looks.eq(reads & ~waits & ~here),
            self.o_look.valid.eq(looks),
            self.o_look.payload.base.eq(at.bank),
            self.o_look.payload.line.eq(at.line),
        ]

        def begin_pixel() -> None:
            m.d.sync += [channels.eq(header.output_channels), last_word.eq(header.output_channels <= c.word)]

        with m.If(self.i_start):
            begin = named(c, header, "output")
            rows.begin(header.output_rows)
            columns.begin(header.output_columns)
            begin_pixel()
            m.d.sync += [
                reads.eq(1), at_row.eq(begin), at_pixel.eq(begin), at.eq(begin),
            ]  # fmt: skip
        with m.If(looks):
            m.d.sync += [
                waits.eq(1),
                kept_bytes.eq(Mux(last_word, channels, c.word)),
                kept_ends.eq(last_word & columns.last & rows.last),
            ]
        m.d.sync += [
            looked.eq(looks),
            pixel_ends.eq(looked & last_word),
            row_ends.eq(looked & last_word & columns.last),
            all_ends.eq(looked & last_word & columns.last & rows.last),
        ]
        with m.If(looked):
            m.d.sync += [
                channels.eq(channels - c.word),
                last_word.eq(channels <= 2 * c.word),
                at.eq(added(c, at, named(c, header, "output_plane"))),
            ]
        with m.If(pixel_ends):
            pixel = further(c, at_pixel, 1)
            begin_pixel()
            columns.step()
            m.d.sync += [at_pixel.eq(pixel), at.eq(pixel)]
        with m.If(row_ends):
            row = added(c, at_row, named(c, header, "output_row"))
            columns.begin(header.output_columns)
            rows.step()
            m.d.sync += [at_row.eq(row), at_pixel.eq(row), at.eq(row)]
        with m.If(all_ends):
            m.d.sync += reads.eq(0)
        with m.If(self.i_seen.valid & waits):
            m.d.sync += [kept.eq(self.i_seen.payload), waits.eq(0), here.eq(1)]

        sent = self.o.valid & self.o.ready
        m.d.comb += [
            self.o.valid.eq(~empty),
            self.o.payload.value.eq(held[:8]),
            self.o.payload.last.eq(one & held_ends),
            self.o_done.eq(sent & self.o.payload.last),
            moves.eq(here & (empty | (self.o.ready & one))),
        ]
        with m.If(sent):
            m.d.sync += [held.eq(Cat(held[8:], Const(0, 8))), held_bytes.eq(held_bytes - 1)]
            m.d.sync += [empty.eq(one), one.eq(held_bytes == 2)]
        with m.If(moves):
            m.d.sync += [held.eq(kept), held_bytes.eq(kept_bytes), held_ends.eq(kept_ends), here.eq(0)]
            m.d.sync += [empty.eq(0), one.eq(kept_bytes == 1)]
        return m
