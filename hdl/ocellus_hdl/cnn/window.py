"""The loops of a depthwise layer: channel word after channel word, row after row, some neighbouring windows a clock."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue

from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .places import added, lowered, multiple, named, place


def window_step(c: Configuration) -> data.StructLayout:
    """What one clock reads: place, row and column of the first window's first tap.

    ``left`` counts the row's columns from this window on.
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
            "parameter": 16,
            "release": 1,
            "pop": 1,
            "ends": 1,
            "out": place(c),
            "left": 12,
        }
    )


class WindowWalk(wiring.Component):
    """One step a clock, from the clock after ``i_start`` on.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer, i_step : LAYER, STEP, in
        Steady while it runs.
    i_start : unsigned(1), in
    i_next_layer, i_next_step : LAYER, STEP, in
        What begins with ``i_start``.
    i_paced, i_fetchable : unsigned(1), in
        A group may end; parameters may be fetched.
    i_set : unsigned(1), in
        One more set of weights has been fetched.
    o_valid, o_holds, o_starves : unsigned(1), out
        A step is made; one is held back by ``i_paced`` or ``i_fetchable``; by missing weights.
    o : window_step, out
    o_finishes : unsigned(1), out
        This is the last.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_step": In(STEP_WORD),
                "i_start": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_step": In(STEP_WORD),
                "i_paced": In(1),
                "i_fetchable": In(1),
                "i_set": In(1),
                "o_valid": Out(1),
                "o_holds": Out(1),
                "o_starves": Out(1),
                "o": Out(window_step(c)),
                "o_finishes": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Counters that roll over in turn; every place is a sum of two registers."""
        m = Module()
        c = self._c
        layer, step = self.i_layer, self.i_step

        runs = Signal()
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
        ready_sets = Signal(8)

        has_operand = layer.epilogue >= Epilogue.ADD
        width = Signal(range(c.windows + 1))  # windows a clock
        side_by_side = layer.tile == PIXELS
        m.d.comb += width.eq(Mux(side_by_side, c.windows, 1))
        last_pass = Signal()  # a register: px.last & py.last
        last, pixel_done, row_done, word_done = Signal(), Signal(), Signal(), Signal()
        # Which loops a step of this clock ends: known before it is known whether one is made.
        ends_pixel = Mux(has_operand, operand, last_pass)
        ends_row = ends_pixel & last_window
        ends_word = ends_row & rows.last

        starves, enough = Signal(), Signal()
        m.d.comb += starves.eq(begins_word & ~enough)
        allowed = (~last | self.i_paced) & (~begins_word | self.i_fetchable)
        m.d.comb += [
            last.eq(last_pass & ~operand),
            self.o_valid.eq(runs & allowed & ~starves),
            self.o_starves.eq(runs & starves),
            self.o_holds.eq(runs & ~starves & ~allowed),
            pixel_done.eq(self.o_valid & ends_pixel),
            row_done.eq(self.o_valid & ends_row),
            word_done.eq(self.o_valid & ends_word),
            self.o_finishes.eq(word_done & words.last),
            self.o.place.eq(here),
            self.o.row.eq(row),
            self.o.column.eq(column),
            self.o.set.eq(Mux(layer.shared, 0, number)),
            self.o.operand.eq(operand),
            self.o.first.eq(begins_pixel),
            self.o.last.eq(last),
            self.o.fetch.eq(begins_word),
            self.o.parameter.eq(layer.parameter_base + parameter),
            self.o.pop.eq(last & last_window & rows.last),
            self.o.release.eq(last & last_window & rows.last & (layer.word_sets != 0)),
            self.o.ends.eq(last & last_window & rows.last & words.last),
            self.o.out.eq(out),
            self.o.left.eq(left),
        ]

        # Whether a word's sets are taken, and who wants the next ones, is known last.
        sets, sets_left = Signal.like(ready_sets), Signal.like(ready_sets)
        m.d.comb += [sets.eq(ready_sets + self.i_set), sets_left.eq(ready_sets + self.i_set - layer.word_sets)]
        takes, follows = self.o_valid & begins_word, ~runs | self.o_finishes
        m.d.sync += ready_sets.eq(Mux(takes, sets_left, sets))
        own, next_ = (Mux(takes, sets_left >= of.word_sets, sets >= of.word_sets) for of in (layer, self.i_next_layer))
        m.d.sync += enough.eq(Mux(follows, next_, own))

        # The loop that advances chooses among the sums of where its turn began and its distance.
        following = Signal(place(c))
        m.d.comb += following.eq(added(c, here, named(c, layer, "in_tap")))
        for ends, start, distance in (
            (px.last, at_pass_row, "in_tap_row"),
            (ends_pixel, at_window, "in_pixel"),
            (ends_row, at_row, "in_row"),
            (ends_word, at_word, "in_plane"),
        ):
            with m.If(ends):
                m.d.comb += following.eq(added(c, start, named(c, layer, distance)))

        with m.If(self.o_valid):
            m.d.sync += [begins_pixel.eq(0), begins_word.eq(0)]
            with m.If(~operand & ~(last_pass & has_operand)):
                m.d.sync += [here.eq(following), number.eq(number + 1)]
            with m.If(~operand & ~last_pass):
                px.step()
                last_py = Mux(px.last, py.last_after(layer.kernel_rows), py.last)
                m.d.sync += last_pass.eq(px.last_after(layer.kernel_columns) & last_py)
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

        def begin_row(of: data.View) -> None:
            columns = of.out_columns
            m.d.sync += [
                left.eq(columns), last_window.eq(Mux(of.tile == PIXELS, columns <= c.windows, columns == 1))
            ]  # fmt: skip

        # What a step adds again and again.
        out_windows, out_row_lowered, column_windows = Signal(place(c)), Signal(place(c)), Signal(12)

        with m.If(pixel_done):
            begin_pixel(layer)
            m.d.sync += [
                operand.eq(0), number.eq(0), begins_pixel.eq(1),
                here.eq(following), at_pass_row.eq(following), at_window.eq(following),
                row.eq(row_0), left.eq(left - width),
                last_window.eq(Mux(side_by_side, left <= 2 * c.windows, left <= 2)),
                out.eq(added(c, out, out_windows)),
            ]  # fmt: skip
            next_column = column_0 + column_windows
            m.d.sync += [column.eq(next_column), column_0.eq(next_column)]
        with m.If(row_done):
            out_row_distance = Signal(place(c))
            m.d.comb += out_row_distance.eq(
                Mux(until_wrap.last, out_row_lowered.as_value(), named(c, layer, "out_row").as_value())
            )
            next_out, next_row = Signal(place(c)), Signal(signed(14))
            m.d.comb += [
                next_out.eq(added(c, out_row, out_row_distance)),
                next_row.eq(row_0 + layer.stride_rows),
            ]
            rows.step()
            until_wrap.step()
            begin_row(layer)
            m.d.sync += [
                at_row.eq(following),
                row.eq(next_row), row_0.eq(next_row), column.eq(-layer.lead), column_0.eq(-layer.lead),
                out.eq(next_out), out_row.eq(next_out),
            ]  # fmt: skip
        with m.If(word_done):
            next_word_out = Signal(place(c))
            m.d.comb += next_word_out.eq(added(c, out_word, named(c, layer, "out_plane")))
            rows.begin(step.rows)
            until_wrap.begin(step.out_wrap)
            words.step()
            m.d.sync += [
                begins_word.eq(1), at_word.eq(following),
                parameter.eq(parameter + -(-c.word // c.parameter_lanes)),
                row.eq(step.first_row), row_0.eq(step.first_row),
                out.eq(next_word_out), out_row.eq(next_word_out), out_word.eq(next_word_out),
            ]  # fmt: skip
            with m.If(words.last):
                m.d.sync += runs.eq(0)
        with m.If(self.i_start):
            m.d.sync += runs.eq(1)

        # It may begin in the next clock: whether it does is known too late to hang all this on it.
        with m.If(~runs | self.o_finishes):
            step, layer = self.i_next_step, self.i_next_layer
            rows.begin(step.rows)
            until_wrap.begin(step.out_wrap)
            words.begin(layer.groups)
            begin_pixel(layer)
            begin_row(layer)
            out_pixel, side_by_side = named(c, layer, "out_pixel"), layer.tile == PIXELS
            begin, begin_out = named(c, step, "in"), named(c, step, "out")
            m.d.sync += [
                begins_pixel.eq(1), begins_word.eq(1), operand.eq(0),
                parameter.eq(0), number.eq(0),
                out_windows.eq(Mux(side_by_side, multiple(c, out_pixel, c.windows).as_value(), out_pixel.as_value())),
                out_row_lowered.eq(lowered(c, named(c, layer, "out_row"), layer.out_ring_lines)),
                column_windows.eq(Mux(side_by_side, layer.stride_columns * c.windows, layer.stride_columns)),
                row.eq(step.first_row), row_0.eq(step.first_row), column.eq(-layer.lead), column_0.eq(-layer.lead),
                *(p.eq(begin) for p in (here, at_word, at_row, at_window, at_pass_row)),
                *(p.eq(begin_out) for p in (out, out_row, out_word)),
            ]  # fmt: skip
        return m
