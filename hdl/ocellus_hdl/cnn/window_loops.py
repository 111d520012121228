"""Which loops of a depthwise layer end: channel words, rows, windows of a row, taps of a window."""

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import SIDE, Configuration
from ocellus.program_formats import Epilogue

from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD

ENDS = data.StructLayout({"pixel": 1, "row": 1, "word": 1, "step": 1})
"""What a command ends: a place of windows; and, each with all before it, a row of them, a channel word, the step."""


class WindowLoops(wiring.Component):
    """A command in each clock of ``i_move``; what it ends has been a register since the command before.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer, i_step : LAYER, STEP, in
        Steady while it runs.
    i_begin, i_next_layer, i_next_step : unsigned(1), LAYER, STEP, in
        That step may begin with the next clock. It has been the same for a clock at least.
    i_move : unsigned(1), in
    o_ends : ENDS, out
    o_loop : unsigned(5), out
        Where the next command goes, one bit of them: to the next tap, the next row of taps, the next window, the next
        row, the next channel word.
    o_loop_out : unsigned(3), out
        The same for the results: to the next window, if anywhere; the next row; the next channel word.
    o_taps, o_tap_row : unsigned(1), out
        Taps of this window follow; and the row of taps ends.
    o_operand : unsigned(1), out
        The command reads second operands.
    o_first, o_last : unsigned(1), out
        Of the window's taps.
    o_fetch : unsigned(1), out
        The first of a channel word.
    o_pop, o_over : unsigned(1), out
        The last tap of a channel word; of the step.
    o_exists : one bit a window, out
        It lies in the row.
    o_edge : unsigned(1), out
        The row's first place of windows.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_step": In(STEP_WORD),
                "i_begin": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_step": In(STEP_WORD),
                "i_move": In(1),
                "o_ends": Out(ENDS),
                "o_loop": Out(5),
                "o_loop_out": Out(3),
                "o_taps": Out(1),
                "o_tap_row": Out(1),
                "o_operand": Out(1),
                "o_first": Out(1),
                "o_last": Out(1),
                "o_fetch": Out(1),
                "o_pop": Out(1),
                "o_over": Out(1),
                "o_exists": Out(c.windows),
                "o_edge": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The flags behind a command are those in front of it, or what a loop begins with where one ends."""
        m = Module()
        c = self._c
        layer, ends = self.i_layer, self.o_ends

        loops = (("words", 16), ("rows", 12), ("down", 8), ("across", 8))
        words, rows, down, across = (Countdown(m, bits, name) for name, bits in loops)
        left = Signal(12)  # windows of the row, these included
        last_place, second_last_place = Signal(), Signal()
        last_tap = Signal()  # across.last & down.last
        # Of every window, and of every row: it takes one command; one place, at most two.
        single, one_place, two_places = Signal(), Signal(), Signal()
        chained = layer.tile == c.windows if c.chains else Const(1)
        m.d.comb += [
            self.o_last.eq(last_tap & ~self.o_operand),
            self.o_taps.eq(~last_tap & ~self.o_operand),
            self.o_tap_row.eq(across.last),
            self.o_pop.eq(self.o_last & last_place & rows.last),
            self.o_over.eq(self.o_pop & words.last),
            *(
                self.o_exists[i].eq(Mux(chained, left > i, (left >= i) & (layer.tile >= i) if i else 0))
                for i in range(c.windows)
            ),
        ]

        has_operand = layer.epilogue >= Epilogue.ADD
        after_last_down = Mux(across.last, down.last_after(layer.kernel_rows), down.last)
        after_last_tap = Signal()
        m.d.comb += after_last_tap.eq(across.last_after(layer.kernel_columns) & after_last_down)
        after_tap_row = Mux(self.o_taps, across.last_after(layer.kernel_columns), across.last)

        def set_ends(pixel: ValueLike, place: ValueLike, row: ValueLike, word: ValueLike, tap_row: ValueLike) -> None:
            """Behind this: a command that ends a place; the last place, row, word; a command that ends taps' row."""
            pixel, place, row, word, tap_row = map(Value.cast, (pixel, place, row, word, tap_row))
            m.d.sync += [
                ends.pixel.eq(pixel),
                ends.row.eq(pixel & place),
                ends.word.eq(pixel & place & row),
                ends.step.eq(pixel & place & row & word),
                self.o_loop.eq(
                    Cat(~pixel & ~tap_row, ~pixel & tap_row, pixel & ~place, pixel & place & ~row, pixel & place & row)
                ),
                self.o_loop_out.eq(Cat(~(pixel & place), pixel & place & ~row, pixel & place & row)),
            ]

        def begin_window(of: data.View) -> None:
            across.begin(of.kernel_columns)
            down.begin(of.kernel_rows)
            m.d.sync += [
                last_tap.eq((of.kernel_columns == 1) & (of.kernel_rows == 1)),
                self.o_operand.eq(0),
                self.o_first.eq(1),
            ]

        def begin_row(of: data.View, one: ValueLike, two: ValueLike) -> None:
            m.d.sync += [left.eq(of.out_columns), last_place.eq(one), second_last_place.eq(two), self.o_edge.eq(1)]

        with m.If(self.i_move):
            set_ends(
                Mux(ends.pixel, single, Mux(has_operand, self.o_last, after_last_tap)),
                Mux(ends.row, one_place, Mux(ends.pixel, second_last_place, last_place)),
                Mux(ends.word, rows.last_after(self.i_step.rows), Mux(ends.row, rows.left == 2, rows.last)),
                Mux(ends.word, words.left == 2, words.last),
                Mux(ends.pixel, layer.kernel_columns == 1, after_tap_row),
            )
            m.d.sync += [self.o_first.eq(0), self.o_fetch.eq(0)]
            with m.If(self.o_taps):
                across.step()
                m.d.sync += last_tap.eq(after_last_tap)
                with m.If(across.last):
                    across.begin(layer.kernel_columns)
                    down.step()
            with m.If(self.o_last):
                m.d.sync += self.o_operand.eq(has_operand)
            with m.If(ends.pixel):
                begin_window(layer)
                m.d.sync += [
                    left.eq(left - layer.tile),
                    self.o_edge.eq(0),
                    last_place.eq(second_last_place),
                    second_last_place.eq(by_tile(c, layer.tile, lambda n: left <= 3 * n)),
                ]
            with m.If(ends.row):
                rows.step()
                begin_row(layer, one_place, two_places)
            with m.If(ends.word):
                rows.begin(self.i_step.rows)
                words.step()
                m.d.sync += self.o_fetch.eq(1)

        # What the next step begins with.
        following = self.i_next_layer
        of_single, of_one, of_two, of_row, of_word, of_tap_row = (
            Signal(name=f"begins_{n}") for n in ("single", "one", "two", "row", "word", "tap_row")
        )
        m.d.sync += [
            of_single.eq(
                (following.kernel_columns == 1) & (following.kernel_rows == 1) & (following.epilogue < Epilogue.ADD)
            ),
            of_one.eq(following.out_columns <= following.tile),
            of_two.eq(following.out_columns <= Cat(0, following.tile)),
            of_row.eq(self.i_next_step.rows == 1),
            of_word.eq(following.groups == 1),
            of_tap_row.eq(following.kernel_columns == 1),
        ]
        with m.If(self.i_begin):
            rows.begin(self.i_next_step.rows)
            words.begin(following.groups)
            begin_window(following)
            begin_row(following, of_one, of_two)
            set_ends(of_single, of_one, of_row, of_word, of_tap_row)
            m.d.sync += [single.eq(of_single), one_place.eq(of_one), two_places.eq(of_two), self.o_fetch.eq(1)]
        return m


def by_tile(c: Configuration, tile: Value, value: Callable[[int], ValueLike]) -> Value:
    """``value(tile)`` for as many windows a clock as a layer may have."""
    tiles = sorted({1, c.windows, *(c.side_by_side(stride) for stride in range(1, SIDE + 1))})
    chosen = Value.cast(value(tiles[0]))
    for n in tiles[1:]:
        chosen = Mux(tile == n, Value.cast(value(n)), chosen)
    return chosen
