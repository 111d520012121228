"""Hands the output tensor out, byte by byte."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .countdown import Countdown
from .descriptor import HEADER, TENSOR
from .elastic import Elastic
from .places import added, further, named, place
from .words import LOOK, flow, word

AHEAD = 4
"""Words that are read ahead of the one that is sent."""


class Outlet(wiring.Component):
    """A byte a clock, as long as words hold three bytes or more; stalls at ``o`` hold it.

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
        The last byte was taken a clock ago.
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
        """Some words are read while one is sent: rows, columns, channels."""
        m = Module()
        c = self._c
        # Of a word: how many of its bytes count, and whether they are the tensor's last.
        tag = data.StructLayout({"bytes": range(c.word + 1), "ends": 1})
        header = self.i_header
        at_row, at_pixel, at = Signal(place(c)), Signal(place(c)), Signal(place(c))
        rows, columns = Countdown(m, 16, "rows"), Countdown(m, 16, "columns")  # still to be read, these included
        channels, last_word = Signal(16), Signal()
        reads, may_look = Signal(), Signal()
        delivers = Signal()  # since the last reset: a word that was asked for in front of it is nobody's

        # Words that were asked for, those of them that have come, and the one that is sent.
        m.submodules.tags = tags = fifo.SyncFIFO(width=tag.size, depth=AHEAD)
        m.submodules.words = words = memory.Memory(shape=8 * c.word, depth=AHEAD, init=[])
        write, read = words.write_port(), words.read_port(domain="comb")
        first, behind = Signal(range(2 * AHEAD)), Signal(range(2 * AHEAD))  # as many as tags at most lie between
        held, held_bytes, held_ends = Signal(8 * c.word, reset_less=True), Signal(tag["bytes"].shape), Signal()
        empty, one = Signal(init=1), Signal()  # bytes that are held: none, the last one

        looks, looked = Signal(), Signal()  # looked: a clock ago, when ``at`` is still the same
        moves, will_move = Signal(), Signal()  # the next word takes its place behind them
        pixel_ends, row_ends, all_ends = Signal(), Signal(), Signal()  # with what was looked at two clocks ago
        asked, next_tag = Signal(tag), data.View(tag, tags.r_data)
        m.d.comb += [
            looks.eq(reads & may_look & tags.w_rdy),
            self.o_look.valid.eq(looked),
            self.o_look.payload.base.eq(at.bank),
            self.o_look.payload.line.eq(at.line),
            asked.bytes.eq(Mux(last_word, channels, c.word)),
            asked.ends.eq(last_word & columns.last & rows.last),
            tags.w_data.eq(asked),
            tags.w_en.eq(looks),
            tags.r_en.eq(moves),
            write.addr.eq(behind),
            read.addr.eq(first),
        ]
        m.d.sync += [
            write.data.eq(self.i_seen.payload),
            write.en.eq(self.i_seen.valid & delivers),
            behind.eq(behind + write.en),
            first.eq(first + moves),
        ]
        m.d.sync += may_look.eq(~looks & ~looked)  # where to look next is known three clocks later

        def begin_pixel() -> None:
            m.d.sync += [channels.eq(header.output_channels), last_word.eq(header.output_channels <= c.word)]

        with m.If(self.i_start):
            begin = named(c, header, "output")
            rows.begin(header.output_rows)
            columns.begin(header.output_columns)
            begin_pixel()
            m.d.sync += [
                reads.eq(1), delivers.eq(1), at_row.eq(begin), at_pixel.eq(begin), at.eq(begin),
            ]  # fmt: skip
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
        m.submodules.leaving = leaving = Elastic(TENSOR)
        wiring.connect(m, leaving.o, wiring.flipped(self.o))
        byte = leaving.i
        sent = byte.valid & byte.ready
        m.d.comb += [
            byte.valid.eq(~empty),
            byte.payload.value.eq(held[:8]),
            byte.payload.last.eq(one & held_ends),
        ]
        # Whether a word moves is a register: it is decided a clock before.
        will_be_one = Mux(sent, held_bytes == 2, one)
        m.d.comb += will_move.eq((first != behind) & ~moves & (Mux(sent, one, empty) | (will_be_one & leaving.o_room)))
        m.d.sync += moves.eq(will_move)
        m.d.sync += self.o_done.eq(self.o.valid & self.o.ready & self.o.payload.last)
        with m.If(sent):
            m.d.sync += [held.eq(Cat(held[8:], Const(0, 8))), held_bytes.eq(held_bytes - 1)]
            m.d.sync += [empty.eq(one), one.eq(held_bytes == 2)]
        with m.If(moves):
            m.d.sync += [held.eq(read.data), held_bytes.eq(next_tag.bytes), held_ends.eq(next_tag.ends)]
            m.d.sync += [empty.eq(0), one.eq(next_tag.bytes == 1)]
        return m
