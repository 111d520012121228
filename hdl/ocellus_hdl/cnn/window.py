"""The loops of a depthwise layer: channel word after channel word, row after row, some neighbouring windows a clock."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue

from .cells import one_of
from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .places import bank_added, joined, lowered, multiple, named, place


def window_step(c: Configuration) -> data.StructLayout:
    """What one clock reads: place, row and column of the first window's first tap.

    ``exists[j]``: window ``j`` lies in the row. ``weighs``: from this one on, the sets of another group are used.
    """
    return data.StructLayout(
        {
            "place": place(c),
            "row": signed(14),
            "column": signed(14),
            "set": 16,
            "operand": 1,
            "first": 1,
            "last": 1,
            "fetch": 1,
            "weighs": 1,
            "parameter": 16,
            "release": 1,
            "pop": 1,
            "ends": 1,
            "out": place(c),
            "exists": c.windows,
        }
    )


class WindowWalk(wiring.Component):
    """One step in each clock of ``i_move``.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer, i_step : LAYER, STEP, in
        Steady while it runs.
    i_rests, i_next_layer, i_next_step : unsigned(1), LAYER, STEP, in
        No step of its own is under way: when one begins, or another behind this one, these are what ``i_layer`` and
        ``i_step`` are a clock later, and were the same a clock before.
    i_move : unsigned(1), in
        A step is made.
    o : window_step, out
        In the clock of ``i_move``.
    o_finishes : unsigned(1), out
        If one is made it is the last.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_step": In(STEP_WORD),
                "i_rests": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_step": In(STEP_WORD),
                "i_move": In(1),
                "o": Out(window_step(c)),
                "o_finishes": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Counters that roll over in turn; every place is a sum of two registers."""
        m = Module()
        c = self._c
        layer, step = self.i_layer, self.i_step

        loops = (("words", 16), ("rows", 12), ("py", 8), ("px", 8), ("until_wrap", 16))
        words, rows, py, px, until_wrap = (Countdown(m, bits, name) for name, bits in loops)
        left, last_window = Signal(12), Signal()
        # Where each loop's present turn began.
        here = Signal(place(c))
        at_word, at_row, at_window, at_pass_row = (
            Signal(place(c), name=f"at_{n}") for n in ("word", "row", "window", "py")
        )
        out_word, out_row, out = (Signal(place(c), name=f"out_{n}") for n in ("word", "row", "window"))
        row, row_0 = Signal(signed(14)), Signal(signed(14))
        column, column_0 = Signal(signed(14)), Signal(signed(14))
        number, parameter = Signal(16), Signal(16)
        operand = Signal()
        begins_pixel, begins_word = Signal(init=1), Signal(init=1)

        has_operand = layer.epilogue >= Epilogue.ADD
        width = Signal(range(c.windows + 1))  # windows a clock
        side_by_side = layer.tile == PIXELS
        m.d.comb += width.eq(Mux(side_by_side, c.windows, 1))
        last_pass = Signal()  # px.last & py.last
        last, pixel_done, row_done, word_done = Signal(), Signal(), Signal(), Signal()
        # Which loops a step of this clock ends, of itself and of all that are inside: registers.
        ends_pixel, ends_row, ends_word, ends_step = (
            Signal(name=f"ends_{n}") for n in ("pixel", "row", "word", "step")
        )
        single = Signal()  # every step ends a pixel
        one_window, two_windows, second_last_window = Signal(), Signal(), Signal()  # at most so many in a row; left

        m.d.comb += [
            last.eq(last_pass & ~operand),
            pixel_done.eq(self.i_move & ends_pixel),
            row_done.eq(self.i_move & ends_row),
            word_done.eq(self.i_move & ends_word),
            self.o_finishes.eq(ends_step),
            self.o.place.eq(here),
            self.o.row.eq(row),
            self.o.column.eq(column),
            self.o.set.eq(Mux(layer.shared, 0, number)),
            self.o.operand.eq(operand),
            self.o.first.eq(begins_pixel),
            self.o.last.eq(last),
            self.o.fetch.eq(begins_word),
            self.o.weighs.eq(begins_word & (layer.word_sets != 0)),
            self.o.parameter.eq(layer.parameter_base + parameter),
            self.o.pop.eq(last & last_window & rows.last),
            self.o.release.eq(last & last_window & rows.last & (layer.word_sets != 0)),
            self.o.ends.eq(last & last_window & rows.last & words.last),
            self.o.out.eq(out),
            *(self.o.exists[i].eq((left > i) & (side_by_side if i else 1)) for i in range(c.windows)),
        ]

        # What a step adds again and again.
        out_windows, out_row_lowered, column_windows = Signal(place(c)), Signal(place(c)), Signal(12)
        out_row_distance = Signal(place(c))  # one of two: the ring's end comes before the next row, or not
        # From where the turn of the loop that advances began, its distance further.
        following, out_following = Signal(place(c)), Signal(place(c))
        # Which loop advances: of each five, and of the three that the output knows, one.
        loops_in, loops_out = Signal(5), Signal(3)

        def chosen(*of_loop: ValueLike) -> Value:
            return one_of(loops_in, of_loop)

        def chosen_out(*of_loop: ValueLike) -> Value:
            return one_of(loops_out, of_loop)

        def advancing(pixel: ValueLike, last_window: ValueLike, last_row: ValueLike, tap_row: ValueLike) -> list[Any]:
            """The choice behind a step that ends a pixel, of the row's last window, of the last row."""
            pixel, last_window, last_row, tap_row = map(Value.cast, (pixel, last_window, last_row, tap_row))
            row, word = pixel & last_window & ~last_row, pixel & last_window & last_row
            return [
                loops_in.eq(Cat(~pixel & ~tap_row, ~pixel & tap_row, pixel & ~last_window, row, word)),
                loops_out.eq(Cat(~(pixel & last_window), row, word)),
            ]

        # Banks are added before the choice, lines behind it: they wait for what the banks carry.
        for choose, into, began, distances in (
            (chosen, following, (here, at_pass_row, at_window, at_row, at_word),
             [named(c, layer, name) for name in ("in_tap", "in_tap_row", "in_pixel", "in_row", "in_plane")]),
            (chosen_out, out_following, (out, out_row, out_word),
             [out_windows, out_row_distance, named(c, layer, "out_plane")]),
        ):  # fmt: skip
            banks, carries = zip(*(bank_added(c, *pair) for pair in zip(began, distances, strict=True)), strict=True)
            lines = choose(*(start.line for start in began)) + choose(*(distance.line for distance in distances))
            m.d.comb += into.eq(joined(c, lines + choose(*carries), choose(*banks)))

        # What the flags will be behind this step.
        last_py = Mux(px.last, py.last_after(layer.kernel_rows), py.last)
        next_last_pass = Signal()
        m.d.comb += next_last_pass.eq(px.last_after(layer.kernel_columns) & last_py)
        next_ends_pixel = Mux(ends_pixel, single, Mux(has_operand, last, next_last_pass))
        next_last_window = Mux(ends_row, one_window, Mux(ends_pixel, second_last_window, last_window))
        next_last_row = Mux(ends_row, rows.last_after(step.rows), rows.last)
        next_last_word = Mux(ends_word, words.left == 2, words.last)
        advances = ~operand & ~last_pass
        next_px_last = Mux(
            ends_pixel, layer.kernel_columns == 1, Mux(advances, px.last_after(layer.kernel_columns), px.last)
        )
        with m.If(self.i_move):
            m.d.sync += [
                *advancing(next_ends_pixel, next_last_window, next_last_row, next_px_last),
                ends_pixel.eq(next_ends_pixel),
                ends_row.eq(next_ends_pixel & next_last_window),
                ends_word.eq(next_ends_pixel & next_last_window & next_last_row),
                ends_step.eq(next_ends_pixel & next_last_window & next_last_row & next_last_word),
            ]
            m.d.sync += [begins_pixel.eq(0), begins_word.eq(0)]
            with m.If(advances):
                m.d.sync += [here.eq(following), number.eq(number + 1)]
                px.step()
                m.d.sync += last_pass.eq(next_last_pass)
                m.d.sync += column.eq(column + layer.tap_columns)
                with m.If(px.last):
                    px.begin(layer.kernel_columns)
                    py.step()
                    m.d.sync += [
                        at_pass_row.eq(following),
                        column.eq(column_0), row.eq(row + layer.tap_rows),
                    ]  # fmt: skip
            with m.If(last):
                m.d.sync += operand.eq(has_operand)

        def begin_pixel(of: data.View) -> None:
            px.begin(of.kernel_columns)
            py.begin(of.kernel_rows)
            m.d.sync += last_pass.eq((of.kernel_columns == 1) & (of.kernel_rows == 1))

        def begin_row(of: data.View, one: ValueLike, two: ValueLike) -> None:
            m.d.sync += [left.eq(of.out_columns), last_window.eq(one), second_last_window.eq(two)]

        def set_row_distance(wraps: ValueLike, straight: data.View, down: data.View) -> None:
            m.d.sync += out_row_distance.eq(Mux(wraps, down.as_value(), straight.as_value()))

        with m.If(pixel_done):
            begin_pixel(layer)
            m.d.sync += [
                operand.eq(0), number.eq(0), begins_pixel.eq(1),
                here.eq(following), at_pass_row.eq(following), at_window.eq(following),
                row.eq(row_0), left.eq(left - width),
                last_window.eq(second_last_window),
                second_last_window.eq(Mux(side_by_side, left <= 3 * c.windows, left <= 3)),
                out.eq(out_following),
            ]  # fmt: skip
            next_column = column_0 + column_windows
            m.d.sync += [column.eq(next_column), column_0.eq(next_column)]
        with m.If(row_done):
            next_row = Signal(signed(14))
            m.d.comb += next_row.eq(row_0 + layer.stride_rows)
            rows.step()
            until_wrap.step()
            set_row_distance(until_wrap.left == 2, named(c, layer, "out_row"), out_row_lowered)
            begin_row(layer, one_window, two_windows)
            m.d.sync += [
                at_row.eq(following),
                row.eq(next_row), row_0.eq(next_row), column.eq(-layer.lead), column_0.eq(-layer.lead),
                out_row.eq(out_following),
            ]  # fmt: skip
        with m.If(word_done):
            rows.begin(step.rows)
            until_wrap.begin(step.out_wrap)
            set_row_distance(step.out_wrap == 1, named(c, layer, "out_row"), out_row_lowered)
            words.step()
            m.d.sync += [
                begins_word.eq(1), at_word.eq(following),
                parameter.eq(parameter + -(-c.word // c.parameter_lanes)),
                row.eq(step.first_row), row_0.eq(step.first_row),
                out_row.eq(out_following), out_word.eq(out_following),
            ]  # fmt: skip

        # The flags that a step begins with; it has stood still for a clock at least.
        following_layer, following_step = self.i_next_layer, self.i_next_step
        beside = following_layer.tile == PIXELS
        begins_single, begins_one, begins_two, begins_row, begins_group, begins_tap_row, begins_at_end = (
            Signal(name=f"begins_{n}") for n in ("single", "one", "two", "row", "group", "tap_row", "at_end")
        )
        m.d.sync += [
            begins_tap_row.eq(following_layer.kernel_columns == 1),
            begins_single.eq(
                (following_layer.kernel_columns == 1) & (following_layer.kernel_rows == 1)
                & (following_layer.epilogue < Epilogue.ADD)
            ),
            begins_one.eq(following_layer.out_columns <= Mux(beside, c.windows, 1)),
            begins_two.eq(following_layer.out_columns <= Mux(beside, 2 * c.windows, 2)),
            begins_row.eq(following_step.rows == 1),
            begins_group.eq(following_layer.groups == 1),
            begins_at_end.eq(following_step.out_wrap == 1),
        ]  # fmt: skip

        # It may begin in the next clock: whether it does is known too late to hang all this on it.
        with m.If(self.i_rests | (self.i_move & self.o_finishes)):
            step, layer = self.i_next_step, self.i_next_layer
            rows.begin(step.rows)
            until_wrap.begin(step.out_wrap)
            words.begin(layer.groups)
            begin_pixel(layer)
            begin_row(layer, begins_one, begins_two)
            m.d.sync += [
                *advancing(begins_single, begins_one, begins_row, begins_tap_row),
                single.eq(begins_single), one_window.eq(begins_one), two_windows.eq(begins_two),
                ends_pixel.eq(begins_single), ends_row.eq(begins_single & begins_one),
                ends_word.eq(begins_single & begins_one & begins_row),
                ends_step.eq(begins_single & begins_one & begins_row & begins_group),
            ]  # fmt: skip
            out_row_straight = named(c, layer, "out_row")
            down = lowered(c, out_row_straight, layer.out_ring_lines)
            set_row_distance(begins_at_end, out_row_straight, down)
            out_pixel, side_by_side = named(c, layer, "out_pixel"), layer.tile == PIXELS
            begin, begin_out = named(c, step, "in"), named(c, step, "out")
            m.d.sync += [
                begins_pixel.eq(1), begins_word.eq(1), operand.eq(0),
                parameter.eq(0), number.eq(0),
                out_windows.eq(Mux(side_by_side, multiple(c, out_pixel, c.windows).as_value(), out_pixel.as_value())),
                out_row_lowered.eq(down),
                column_windows.eq(Mux(side_by_side, layer.stride_columns * c.windows, layer.stride_columns)),
                row.eq(step.first_row), row_0.eq(step.first_row), column.eq(-layer.lead), column_0.eq(-layer.lead),
                *(p.eq(begin) for p in (here, at_word, at_row, at_window, at_pass_row)),
                *(p.eq(begin_out) for p in (out, out_row, out_word)),
            ]  # fmt: skip
        return m
