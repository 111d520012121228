"""Cuts the output rows of a convolution's step into tiles of nine pixels, ahead of the walk that uses them."""

from amaranth.hdl import Module, Mux, Signal, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration

from .cells import copies
from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .places import added, lowered, named, place

SIDE = 3
"""Pixels that are made in a clock."""


def pixel(c: Configuration) -> data.StructLayout:
    """An output pixel: input row and column of its first tap, the place of that tap, the place of the result."""
    return data.StructLayout({"row": signed(14), "column": signed(14), "place": place(c), "out": place(c)})


def tile(c: Configuration) -> data.StructLayout:
    """Up to nine pixels in raster order."""
    return data.StructLayout({"pixels": data.ArrayLayout(pixel(c), PIXELS), "exists": data.ArrayLayout(1, PIXELS)})


class Pump(wiring.Component):
    """Three pixels a clock, one where tiles or rows are shorter than that; two tiles wait until they are taken.

    A step begins with four clocks of preparation, which the walk of the step before hides.

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
    o_valid : unsigned(1), out
    o_more : unsigned(1), out
        If the tile is taken there is another.
    o : tile, out
        Steady until taken.
    i_take : unsigned(1), in
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
        layer = Signal(LAYER_WORD)
        step = Signal(STEP_WORD)
        with m.If(self.i_start):
            m.d.sync += [layer.eq(self.i_layer), step.eq(self.i_step)]

        # Distances of one, two and three pixels, in and out.
        in_pixels = [Signal(place(c), name=f"in_pixels_{n + 1}") for n in range(SIDE)]
        out_pixels = [Signal(place(c), name=f"out_pixels_{n + 1}") for n in range(SIDE)]
        # The pixel that comes next, and the first pixel of the row after it.
        row, column = Signal(signed(14)), Signal(signed(14))
        here, out = Signal(place(c)), Signal(place(c))
        next_place, next_out = Signal(place(c)), Signal(place(c))
        left = Signal(12)  # columns of this row still to come, this one included
        rows = Countdown(m, 12, "rows")
        until_wrap = Countdown(m, 16, "until_wrap")  # rows from the next one to the output ring's end
        out_row_lowered = Signal(place(c))  # the distance of rows where it is reached
        out_row_distance = Signal(place(c))  # to the next one

        def set_row_distance(wraps: ValueLike) -> None:
            m.d.sync += out_row_distance.eq(
                Mux(wraps, out_row_lowered.as_value(), named(c, layer, "out_row").as_value())
            )

        def begin_next_row() -> None:
            rows.step()
            until_wrap.step()
            set_row_distance(until_wrap.left == 2)
            m.d.sync += [
                row.eq(row + layer.stride_rows),
                next_place.eq(added(c, next_place, named(c, layer, "in_row"))),
                next_out.eq(added(c, next_out, out_row_distance)),
            ]

        one_by_one = Signal()
        m.d.sync += one_by_one.eq((layer.tile != PIXELS) | (layer.out_columns < SIDE))

        # What could be the next three pixels, and the one behind them.
        in_row = [here, *(added(c, here, d) for d in in_pixels)]
        in_next = [next_place, *(added(c, next_place, d) for d in in_pixels[:2])]
        out_row = [out, *(added(c, out, d) for d in out_pixels)]
        out_next = [next_out, *(added(c, next_out, d) for d in out_pixels[:2])]
        columns = [column, *(Signal(signed(14), name=f"column_{n + 1}") for n in range(SIDE))]
        strides = [0, *(Signal(10, name=f"stride_{n + 1}") for n in range(SIDE))]
        m.d.comb += [columns[n].eq(column + strides[n]) for n in range(1, SIDE + 1)]
        first_columns = [Signal(signed(14), name=f"first_column_{n}") for n in range(SIDE)]

        # A register: the clock in which one pixel or three are made is this row's last.
        ends_row = Signal()
        candidates = []
        beyond = []
        for n in range(SIDE + 1):
            made = Signal(pixel(c), name=f"pixel_{n}")
            wraps = Signal(name=f"wraps_{n}")
            m.d.comb += [
                wraps.eq(ends_row & (left[:2] <= n)),
                made.row.eq(row),
                made.column.eq(columns[n]),
                made.place.eq(in_row[n]),
                made.out.eq(out_row[n]),
            ]
            for behind in range(n):  # columns into the next row
                with m.If(ends_row & (left[:2] == n - behind)):
                    m.d.comb += [
                        made.row.eq(row + layer.stride_rows),
                        made.column.eq(first_columns[behind]),
                        made.place.eq(in_next[behind]),
                        made.out.eq(out_next[behind]),
                    ]
            candidates.append(made)
            beyond.append(wraps)

        # Two tiles: while one is read the other is made. Whether there is room, and a tile, are registers.
        tiles = [Signal(tile(c), name=f"tile_{n}") for n in range(2)]
        into, from_, from_next, another = Signal(), Signal(), Signal(), Signal()
        at = Signal(range(PIXELS))
        rests, makes = Signal(init=1), Signal()
        completes = Signal()
        m.d.sync += [
            self.o_valid.eq(self.o_more | (self.o_valid & ~self.i_take)),
            another.eq((another | (completes & self.o_valid)) & ~self.i_take),
            into.eq(into ^ completes),
        ]
        m.d.comb += [from_next.eq(from_ ^ self.i_take), self.o_rests.eq(rests), self.o_more.eq(completes | another)]
        m.d.sync += from_.eq(from_next)
        shows = copies(m, platform, from_next, PIXELS, "shows")  # which: much hangs on it
        for n in range(PIXELS):
            m.d.comb += [
                self.o.pixels[n].eq(Mux(shows[n], tiles[1].pixels[n].as_value(), tiles[0].pixels[n].as_value())),
                self.o.exists[n].eq(Mux(shows[n], tiles[1].exists[n], tiles[0].exists[n])),
            ]

        last_row = rows.last
        over = layer.cut | last_row  # tiles end with this row

        def put(n: int, made: ValueLike, exists: ValueLike) -> None:
            for k in range(2):
                with m.If(into == k):
                    m.d.sync += [tiles[k].pixels[n].eq(made), tiles[k].exists[n].eq(exists)]

        def complete(ends: ValueLike) -> None:
            m.d.comb += completes.eq(1)
            m.d.sync += at.eq(0)
            with m.If(ends):
                m.d.sync += [rests.eq(1), makes.eq(0)]

        with m.FSM(name="pump"):
            with m.State("REST"), m.If(self.i_start):
                m.d.sync += rests.eq(0)
                m.next = "PREPARE"

            with m.State("PREPARE"):
                rows.begin(step.rows)
                until_wrap.begin(step.out_wrap)
                m.d.sync += [
                    row.eq(step.first_row),
                    column.eq(-layer.lead),
                    here.eq(named(c, step, "in")),
                    out.eq(named(c, step, "out")),
                    next_place.eq(added(c, named(c, step, "in"), named(c, layer, "in_row"))),
                    next_out.eq(named(c, step, "out")),
                    left.eq(layer.out_columns),
                    out_row_lowered.eq(lowered(c, named(c, layer, "out_row"), layer.out_ring_lines)),
                    in_pixels[0].eq(named(c, layer, "in_pixel")),
                    out_pixels[0].eq(named(c, layer, "out_pixel")),
                    strides[1].eq(layer.stride_columns),
                    strides[2].eq(layer.stride_columns << 1),
                    first_columns[0].eq(-layer.lead),
                ]
                m.next = "DOUBLE"

            with m.State("DOUBLE"):
                set_row_distance(until_wrap.last)
                m.d.sync += [
                    ends_row.eq(layer.out_columns <= Mux(one_by_one, 1, SIDE)),
                    in_pixels[1].eq(added(c, in_pixels[0], in_pixels[0])),
                    out_pixels[1].eq(added(c, out_pixels[0], out_pixels[0])),
                    strides[3].eq(strides[2] + strides[1]),
                    first_columns[1].eq(first_columns[0] + strides[1]),
                    first_columns[2].eq(first_columns[0] + strides[2]),
                ]
                m.next = "TREBLE"

            with m.State("TREBLE"):
                until_wrap.step()
                set_row_distance(until_wrap.left == 2)
                m.d.sync += [
                    next_out.eq(added(c, next_out, out_row_distance)),
                    in_pixels[2].eq(added(c, in_pixels[1], in_pixels[0])),
                    out_pixels[2].eq(added(c, out_pixels[1], out_pixels[0])),
                ]
                m.d.sync += makes.eq(1)
                m.next = "REST"

        with m.If(makes & ~another):
            with m.If(at == 0):
                for k in range(2):
                    with m.If(into == k):
                        m.d.sync += tiles[k].exists.eq(0)
            with m.If(one_by_one):
                for n in range(PIXELS):
                    with m.If(at == n):
                        put(n, candidates[0], 1)
                m.d.sync += at.eq(at + 1)
            with m.Else():
                for n in range(PIXELS):
                    with m.If(at == n - n % SIDE):
                        put(n, candidates[n % SIDE], ~beyond[n % SIDE] | ~over)
                m.d.sync += at.eq(at + SIDE)
            with m.If(ends_row):
                begin_next_row()
            with m.If(ends_row & (one_by_one | layer.cut)):
                m.d.sync += [
                    column.eq(first_columns[0]), here.eq(next_place), out.eq(next_out),
                    left.eq(layer.out_columns), ends_row.eq(layer.out_columns <= Mux(one_by_one, 1, SIDE)),
                ]  # fmt: skip
            with m.Elif(one_by_one):
                m.d.sync += [
                    column.eq(columns[1]), here.eq(in_row[1]), out.eq(out_row[1]),
                    left.eq(left - 1), ends_row.eq(left == 2),
                ]  # fmt: skip
            with m.Else():
                behind = candidates[SIDE]
                from_here, from_next = left - SIDE, left + layer.out_columns - SIDE
                m.d.sync += [
                    column.eq(behind.column), here.eq(behind.place), out.eq(behind.out),
                    left.eq(Mux(ends_row, from_next, from_here)),
                    ends_row.eq(Mux(ends_row, from_next <= SIDE, left <= 2 * SIDE)),
                ]  # fmt: skip
            with m.If((at == Mux(one_by_one, layer.tile - 1, PIXELS - SIDE)) | (ends_row & over)):
                complete(ends_row & last_row)
        return m
