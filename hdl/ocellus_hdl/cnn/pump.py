"""Cuts the output rows of a convolution's step into tiles of nine pixels, ahead of the walk that uses them."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ocellus.configurations import PIXELS, Configuration

from .cells import copies, one_of
from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .places import added, lowered, named, place, short_of

SIDE = 3
"""Pixels that are made in a clock."""


def pixel(c: Configuration) -> data.StructLayout:
    """An output pixel: input row and column of its first tap, the place of that tap, the place of the result."""
    return data.StructLayout({"row": signed(14), "column": signed(14), "place": place(c), "out": place(c)})


def tile(c: Configuration) -> data.StructLayout:
    """Up to nine pixels in raster order."""
    return data.StructLayout({"pixels": data.ArrayLayout(pixel(c), PIXELS), "exists": data.ArrayLayout(1, PIXELS)})


class Pump(wiring.Component):
    """Three pixels a clock, one where tiles are not of nine or rows are shorter than three; two tiles wait to be taken.

    A step begins with four clocks of preparation, and from its pixels to the tile is one more: the walk of the step
    before hides them.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer, i_step : LAYER, STEP, in
        Read in the clock of ``i_start`` alone.
    i_start : unsigned(1), in
        Begin with a step; while ``o_rests``.
    o_rests : unsigned(1), out
        All pixels of a step are made.
    o_valid : unsigned(1), out
        A tile is shown.
    o_more : unsigned(1), out
        There is a tile besides the one that is shown; where none is, there is one in the next clock.
    o : tile, out
        Steady until taken.
    i_take : unsigned(1), in
        Show the next one; while ``o_valid``.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_step": In(STEP_WORD),
                "i_start": In(1),
                "o_rests": Out(1),
                "o_valid": Out(1),
                "o_more": Out(1),
                "o": Out(tile(c)),
                "i_take": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Three pixels lie in one row, or in this row and the next: both are made, and the columns left choose."""
        m = Module()
        c = self._c
        layer = Signal(LAYER_WORD, reset_less=True)
        step = Signal(STEP_WORD, reset_less=True)
        with m.If(self.i_start):
            m.d.sync += [layer.eq(self.i_layer), step.eq(self.i_step)]

        # Distances of one, two and three pixels, in and out.
        in_pixels = [Signal(place(c), name=f"in_pixels_{n + 1}", reset_less=True) for n in range(SIDE)]
        out_pixels = [Signal(place(c), name=f"out_pixels_{n + 1}", reset_less=True) for n in range(SIDE)]
        shape = signed(ceil_log2(c.banks) + 1)
        in_short = [Signal(shape, name=f"in_short_{n + 1}", reset_less=True) for n in range(SIDE)]
        out_short = [Signal(shape, name=f"out_short_{n + 1}", reset_less=True) for n in range(SIDE)]

        def set_distances(n: int, in_distance: data.View, out_distance: data.View) -> None:
            m.d.sync += [
                in_pixels[n].eq(in_distance), in_short[n].eq(short_of(c, in_distance)),
                out_pixels[n].eq(out_distance), out_short[n].eq(short_of(c, out_distance)),
            ]  # fmt: skip

        # The pixel that comes next, and the first pixel of the row after it.
        row, column = Signal(signed(14)), Signal(signed(14))
        here, out = Signal(place(c)), Signal(place(c))
        next_place, next_out = Signal(place(c)), Signal(place(c))
        left = Signal(12)  # columns of this row still to come, this one included
        rows = Countdown(m, 12, "rows")
        over = Signal()  # tiles end with this row
        until_wrap = Countdown(m, 16, "until_wrap")  # rows from the next one to the output ring's end
        out_row_lowered = Signal(place(c))  # the distance of rows where it is reached
        out_row_distance = Signal(place(c))  # to the next one

        def set_row_distance(wraps: ValueLike) -> None:
            m.d.sync += out_row_distance.eq(
                Mux(wraps, out_row_lowered.as_value(), named(c, layer, "out_row").as_value())
            )

        def begin_next_row() -> None:
            rows.step()
            m.d.sync += over.eq(layer.cut | (rows.left == 2))
            until_wrap.step()
            set_row_distance(until_wrap.left == 2)
            m.d.sync += [
                row.eq(row + layer.stride_rows),
                next_place.eq(added(c, next_place, named(c, layer, "in_row"))),
                next_out.eq(added(c, next_out, out_row_distance)),
            ]

        # One pixel a clock; rows do not share the three of a clock.
        one_by_one, alone = Signal(), Signal()
        few = (layer.tile != PIXELS) | (layer.out_columns < SIDE)
        m.d.sync += [one_by_one.eq(few), alone.eq(few | layer.cut)]

        # What could be the next three pixels, and the one behind them.
        in_row = [here, *(added(c, here, *d) for d in zip(in_pixels, in_short, strict=True))]
        in_next = [next_place, *(added(c, next_place, in_pixels[n], in_short[n]) for n in range(SIDE - 1))]
        out_row = [out, *(added(c, out, *d) for d in zip(out_pixels, out_short, strict=True))]
        out_next = [next_out, *(added(c, next_out, out_pixels[n], out_short[n]) for n in range(SIDE - 1))]
        columns = [column, *(Signal(signed(14), name=f"column_{n + 1}") for n in range(SIDE))]
        strides = [0, *(Signal(10, name=f"stride_{n + 1}") for n in range(SIDE))]
        m.d.comb += [columns[n].eq(column + strides[n]) for n in range(1, SIDE + 1)]
        first_columns = [Signal(signed(14), name=f"first_column_{n}") for n in range(SIDE)]

        # A register: the clock in which one pixel or three are made is this row's last.
        ends_row, will_end_row = Signal(), Signal()
        m.d.comb += will_end_row.eq(ends_row)
        m.d.sync += ends_row.eq(will_end_row)
        # And, where three are made, so many columns behind the first; behind a later one.
        ends_behind = [Signal(name=f"ends_behind_{n}") for n in range(1, SIDE + 1)]
        ends_later = [Signal(name=f"ends_later_{n}", init=1) for n in range(SIDE)]
        columns_are = [Signal(name=f"columns_are_{n}") for n in range(2 * SIDE)]
        m.d.sync += [columns_are[n].eq(layer.out_columns == n) for n in range(2 * SIDE)]

        will_end_behind, will_end_later = Signal(SIDE), Signal(SIDE)
        m.d.comb += [will_end_behind.eq(Cat(ends_behind)), will_end_later.eq(Cat(ends_later))]
        m.d.sync += [Cat(ends_behind).eq(will_end_behind), Cat(ends_later).eq(will_end_later)]

        def set_ends(left_is: Callable[[int], Value]) -> None:
            ends = [left_is(n) for n in range(1, SIDE + 1)]
            m.d.comb += will_end_behind.eq(Cat(ends))
            m.d.comb += [will_end_later[n].eq(~Cat(ends[:n]).any()) for n in range(1, SIDE)]

        # Their copies choose rows and columns, places, and those of results: of the pixels that are made, and the one
        # behind them, which is the next row's first, one or three further in this row, or within the next row.
        will_choose = Cat(will_end_later[1:], will_end_behind[:-1])
        chooses = copies(m, platform, will_choose, 3, "chooses")
        will_lead = Cat(
            Mux(alone, will_end_row, will_end_behind[2]), one_by_one & ~will_end_row, ~one_by_one & ~will_end_row,
            ~alone & will_end_behind[1], ~alone & will_end_behind[0],
        )  # fmt: skip
        will_prepare, prepares = Signal(), Signal()  # or the step's first
        leads = copies(m, platform, Mux(will_prepare, 1 << len(will_lead), will_lead), 3, "leads")
        lead = Signal(signed(14))
        m.d.comb += lead.eq(-layer.lead)

        made: list[Value] = []
        for n in range(SIDE):

            def stays(by: Value, n: int = n) -> Value:
                return by[n - 1] if n else Const(1)

            def either(by: Value, of_row: ValueLike, of_next: Sequence[ValueLike], n: int = n) -> Value:
                """So many columns into the next row, or in this one."""
                chosen = [by[SIDE - 1 + n - behind - 1] for behind in range(n)]
                return one_of(Cat(stays(by, n), *chosen), [of_row, *of_next[:n]])

            pixel_n = Signal(pixel(c), name=f"pixel_{n}")
            m.d.comb += [
                pixel_n.row.eq(Mux(stays(chooses[0]), row, row + layer.stride_rows)),
                pixel_n.column.eq(either(chooses[0], columns[n], first_columns)),
                pixel_n.place.eq(either(chooses[1], in_row[n], in_next)),
                pixel_n.out.eq(either(chooses[2], out_row[n], out_next)),
            ]
            made.append(pixel_n.as_value())

        # Two tiles: while one is read the other is made. Pixels go into it a clock after they are made, if there is
        # room; that, and whether there is a tile, are registers.
        tiles = [Signal(tile(c), name=f"tile_{n}", reset_less=True) for n in range(2)]
        into, from_, from_next, another = Signal(), Signal(), Signal(), Signal()
        at = Signal(range(PIXELS))
        pieces = Countdown(m, 4, "pieces")  # clocks of this tile
        rests, makes, moves, will_make = Signal(init=1), Signal(), Signal(), Signal()
        begins, makes_last, ends = Signal(), Signal(), Signal()
        pends, will_pend, will_wait = Signal(), Signal(), Signal()  # made, and not yet in a tile; no room for it
        writes, completes, is_last = Signal(2), Signal(), Signal()
        m.d.sync += [
            makes.eq(will_make),
            moves.eq(will_make & ~(will_pend & will_wait)),
            pends.eq(will_pend),
            writes.eq(Mux(will_pend & ~will_wait, Mux(into ^ completes, 0b10, 0b01), 0)),
            into.eq(into ^ completes),
            another.eq(will_wait),
            self.o_valid.eq(self.o_more | (self.o_valid & ~self.i_take)),
        ]
        m.d.comb += [
            will_make.eq(begins | (makes & ~(makes_last & ends))),
            will_pend.eq(moves | (pends & another)),
            completes.eq(writes.any() & is_last),
            will_wait.eq((another | (completes & self.o_valid)) & ~self.i_take),
        ]
        m.d.comb += [from_next.eq(from_ ^ self.i_take), self.o_rests.eq(rests), self.o_more.eq(completes | another)]
        m.d.sync += from_.eq(from_next)
        # Which: much hangs on it, and what is read far from where results go.
        shows = copies(m, platform, from_next, 2 * PIXELS, "shows")
        for n in range(PIXELS):
            of_read, of_result = shows[2 * n : 2 * n + 2]
            zero, one, shown = tiles[0].pixels[n], tiles[1].pixels[n], self.o.pixels[n]
            m.d.comb += [shown[name].eq(Mux(of_read, one[name], zero[name])) for name in ("row", "column")]
            m.d.comb += [
                shown.place.eq(Mux(of_read, one.place.as_value(), zero.place.as_value())),
                shown.out.eq(Mux(of_result, one.out.as_value(), zero.out.as_value())),
                self.o.exists[n].eq(Mux(of_result, tiles[1].exists[n], tiles[0].exists[n])),
            ]
        put = [Signal(pixel(c), name=f"put_{n}", reset_less=True) for n in range(SIDE)]
        exist, is_first, places = Signal(SIDE), Signal(), Signal(PIXELS)
        with m.If(moves):
            m.d.sync += [put[n].eq(Mux(one_by_one, made[0], made[n])) for n in range(SIDE)]
            m.d.sync += [exist[n].eq(one_by_one | ends_later[n] | ~over) for n in range(SIDE)]
            m.d.sync += [places[n].eq(Mux(one_by_one, at == n, at == n - n % SIDE)) for n in range(PIXELS)]
            m.d.sync += [is_first.eq(at == 0), is_last.eq(makes_last)]
        for now, write in zip(tiles, writes, strict=True):
            with m.If(write & is_first):
                m.d.sync += now.exists.eq(0)
            for n in range(PIXELS):
                with m.If(write & places[n]):
                    m.d.sync += [now.pixels[n].eq(put[n % SIDE]), now.exists[n].eq(exist[n % SIDE])]

        last_row = rows.last

        def begin_row() -> None:
            m.d.sync += left.eq(layer.out_columns)
            m.d.comb += will_end_row.eq(layer.out_columns <= Mux(one_by_one, 1, SIDE))
            set_ends(lambda n: columns_are[n])

        def begin_tile() -> None:
            pieces.begin(Mux(one_by_one, layer.tile, PIXELS // SIDE))

        with m.FSM(name="pump"):
            with m.State("REST"), m.If(self.i_start):
                m.d.comb += will_prepare.eq(1)
                m.d.sync += rests.eq(0)
                m.next = "PREPARE"

            with m.State("PREPARE"):
                m.d.comb += prepares.eq(1)
                set_distances(0, named(c, layer, "in_pixel"), named(c, layer, "out_pixel"))
                rows.begin(step.rows)
                m.d.sync += over.eq(layer.cut | (step.rows == 1))
                until_wrap.begin(step.out_wrap)
                m.d.sync += [
                    row.eq(step.first_row),
                    next_place.eq(added(c, named(c, step, "in"), named(c, layer, "in_row"))),
                    next_out.eq(named(c, step, "out")),
                    out_row_lowered.eq(lowered(c, named(c, layer, "out_row"), layer.out_ring_lines)),
                    strides[1].eq(layer.stride_columns),
                    strides[2].eq(layer.stride_columns << 1),
                    first_columns[0].eq(lead),
                ]
                m.next = "DOUBLE"

            with m.State("DOUBLE"):
                set_distances(1, *(added(c, p[0], p[0]) for p in (in_pixels, out_pixels)))
                begin_tile()
                set_row_distance(until_wrap.last)
                begin_row()
                m.d.sync += [
                    strides[3].eq(strides[2] + strides[1]),
                    first_columns[1].eq(first_columns[0] + strides[1]),
                    first_columns[2].eq(first_columns[0] + strides[2]),
                ]
                m.next = "TREBLE"

            with m.State("TREBLE"):
                set_distances(2, *(added(c, p[1], p[0]) for p in (in_pixels, out_pixels)))
                until_wrap.step()
                set_row_distance(until_wrap.left == 2)
                m.d.sync += [
                    next_out.eq(added(c, next_out, out_row_distance)),
                ]
                m.d.comb += begins.eq(1)
                m.next = "REST"

        with m.If(moves | prepares):
            ahead = [columns[1], columns[SIDE]], [in_row[1], in_row[SIDE]], [out_row[1], out_row[SIDE]]
            m.d.sync += [
                column.eq(one_of(leads[0], [first_columns[0], *ahead[0], *first_columns[1:], lead])),
                here.eq(one_of(leads[1], [in_next[0], *ahead[1], *in_next[1:], named(c, step, "in")])),
                out.eq(one_of(leads[2], [out_next[0], *ahead[2], *out_next[1:], named(c, step, "out")])),
            ]
        m.d.comb += [makes_last.eq(moves & (pieces.last | (ends_row & over))), ends.eq(ends_row & last_row)]
        with m.If(makes_last & ends):
            m.d.sync += rests.eq(1)
        with m.If(moves):
            m.d.sync += at.eq(at + Mux(one_by_one, 1, SIDE))
            pieces.step()
            with m.If(makes_last):
                m.d.sync += at.eq(0)
                begin_tile()
            with m.If(ends_row):
                begin_next_row()
            from_here, from_next = left - SIDE, left + layer.out_columns - SIDE
            with m.If(ends_row & alone):
                begin_row()
            with m.Elif(one_by_one):
                m.d.sync += left.eq(left - 1)
                m.d.comb += will_end_row.eq(left == 2)
            with m.Else():
                m.d.sync += left.eq(Mux(ends_row, from_next, from_here))
                m.d.comb += will_end_row.eq(Mux(ends_row, from_next <= SIDE, left <= 2 * SIDE))

                def left_is(n: int) -> Value:
                    """In this row, or in the next, of which these have taken some."""
                    in_next = Cat(ends_behind[k] & columns_are[n + SIDE - 1 - k] for k in range(SIDE)).any()
                    return Mux(ends_row, in_next, left == n + SIDE)

                set_ends(left_is)
        return m
