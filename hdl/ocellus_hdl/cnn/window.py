"""The walk of a depthwise layer: channel word after channel word, row after row, some neighbouring windows a clock."""

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import one_of
from .countdown import Countdown
from .descriptor import LAYER_WORD, STEP_WORD
from .places import bank_added, joined, lowered, multiple, named, place
from .window_loops import WindowLoops, by_tile

DISTANCES = ("in_tap", "in_tap_row", "in_pixel", "in_row", "in_plane")
"""What leads from one turn of each loop to the next, from the innermost on."""


def window_step(c: Configuration) -> data.StructLayout:
    """What a command reads: the place, row and column that its first word has or would have.

    ``exists[j]``: window ``j`` lies in the row. ``edge``: it is the row's first, which none is in front of. ``weighs``:
    from this one on, the sets of another group are used.
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
            "edge": 1,
        }
    )


class WindowWalk(wiring.Component):
    """One command in each clock of ``i_move``.

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
        A command is made.
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
        """Every place is a sum of two registers, which the loop that advances chooses."""
        m = Module()
        c = self._c
        layer, step = self.i_layer, self.i_step
        m.submodules.loops = loops = WindowLoops(c)
        ends = loops.o_ends

        # It may begin with the next clock: whether it does is known too late to hang all this on it.
        begins = Signal()
        m.d.comb += [
            begins.eq(self.i_rests | (self.i_move & ends.step)),
            loops.i_layer.eq(layer),
            loops.i_step.eq(step),
            loops.i_begin.eq(begins),
            loops.i_next_layer.eq(self.i_next_layer),
            loops.i_next_step.eq(self.i_next_step),
            loops.i_move.eq(self.i_move),
        ]

        # The first tap that is read; where each loop's present turn began; likewise of the results.
        here = Signal(place(c))
        at_tap_row, at_window, at_row, at_word = (
            Signal(place(c), name=f"at_{n}") for n in ("tap_row", "window", "row", "word")
        )
        out, out_row, out_word = (Signal(place(c), name=f"out_{n}") for n in ("window", "row", "word"))
        row, row_0 = Signal(signed(14)), Signal(signed(14))
        column, column_0 = Signal(signed(14)), Signal(signed(14))
        number, parameter = Signal(16), Signal(16)
        m.d.comb += [
            self.o_finishes.eq(ends.step),
            self.o.place.eq(here),
            self.o.row.eq(row),
            self.o.column.eq(column),
            self.o.set.eq(Mux(layer.shared, 0, number)),
            self.o.operand.eq(loops.o_operand),
            self.o.first.eq(loops.o_first),
            self.o.last.eq(loops.o_last),
            self.o.fetch.eq(loops.o_fetch),
            self.o.weighs.eq(loops.o_fetch & (layer.word_sets != 0)),
            self.o.parameter.eq(layer.parameter_base + parameter),
            self.o.pop.eq(loops.o_pop),
            self.o.release.eq(loops.o_pop & (layer.word_sets != 0)),
            self.o.ends.eq(loops.o_over),
            self.o.out.eq(out),
            self.o.exists.eq(loops.o_exists),
            self.o.edge.eq(loops.o_edge),
        ]

        # From one place of windows to the next, and from one row of results to the next: lower where the ring ends.
        out_windows, column_windows = Signal(place(c)), Signal(12)
        out_row_distance, out_row_lowered = Signal(place(c)), Signal(place(c))
        until_wrap = Countdown(m, 16, "until_wrap")

        # Where the next command reads, and where its results go. Banks are added before the choice, lines behind it:
        # they wait for what the banks carry.
        following, out_following = Signal(place(c)), Signal(place(c))
        for loop, into, began, distances in (
            (loops.o_loop, following, (here, at_tap_row, at_window, at_row, at_word),
             [named(c, layer, name) for name in DISTANCES]),
            (loops.o_loop_out, out_following, (out, out_row, out_word),
             [out_windows, out_row_distance, named(c, layer, "out_plane")]),
        ):  # fmt: skip
            banks, carries = zip(*(bank_added(c, *pair) for pair in zip(began, distances, strict=True)), strict=True)
            starts, ways = [at.line for at in began], [distance.line for distance in distances]
            lines = one_of(loop, starts) + one_of(loop, ways) + one_of(loop, carries)
            m.d.comb += into.eq(joined(c, lines, one_of(loop, banks)))

        def set_row_distance(wraps: ValueLike, straight: data.View, down: Value | data.View) -> None:
            m.d.sync += out_row_distance.eq(Mux(wraps, Value.cast(down), straight.as_value()))

        with m.If(self.i_move & loops.o_taps):
            m.d.sync += [here.eq(following), number.eq(number + 1), column.eq(column + layer.tap_columns)]
            with m.If(loops.o_tap_row):
                m.d.sync += [at_tap_row.eq(following), column.eq(column_0), row.eq(row + layer.tap_rows)]
        with m.If(self.i_move & ends.pixel):
            next_column = column_0 + column_windows
            m.d.sync += [
                number.eq(0), here.eq(following), at_tap_row.eq(following), at_window.eq(following),
                out.eq(out_following), row.eq(row_0), column.eq(next_column), column_0.eq(next_column),
            ]  # fmt: skip
        with m.If(self.i_move & ends.row):
            next_row = Signal(signed(14))
            m.d.comb += next_row.eq(row_0 + layer.stride_rows)
            until_wrap.step()
            set_row_distance(until_wrap.left == 2, named(c, layer, "out_row"), out_row_lowered)
            m.d.sync += [
                at_row.eq(following), out_row.eq(out_following),
                row.eq(next_row), row_0.eq(next_row), column.eq(-layer.lead), column_0.eq(-layer.lead),
            ]  # fmt: skip
        with m.If(self.i_move & ends.word):
            until_wrap.begin(step.out_wrap)
            set_row_distance(step.out_wrap == 1, named(c, layer, "out_row"), out_row_lowered)
            m.d.sync += [
                at_word.eq(following), out_row.eq(out_following), out_word.eq(out_following),
                parameter.eq(parameter + -(-c.word // c.parameter_lanes)),
                row.eq(step.first_row), row_0.eq(step.first_row),
            ]  # fmt: skip

        wraps_at_once = Signal()
        m.d.sync += wraps_at_once.eq(self.i_next_step.out_wrap == 1)
        with m.If(begins):
            next_layer, next_step = self.i_next_layer, self.i_next_step
            out_pixel, straight = named(c, next_layer, "out_pixel"), named(c, next_layer, "out_row")
            down = lowered(c, straight, next_layer.out_ring_lines)
            until_wrap.begin(next_step.out_wrap)
            set_row_distance(wraps_at_once, straight, down)
            m.d.sync += [
                parameter.eq(0), number.eq(0), out_row_lowered.eq(down),
                out_windows.eq(by_tile(c, next_layer.tile, lambda n: multiple(c, out_pixel, n))),
                column_windows.eq(by_tile(c, next_layer.tile, lambda n: next_layer.stride_columns * n)),
                row.eq(next_step.first_row), row_0.eq(next_step.first_row),
                column.eq(-next_layer.lead), column_0.eq(-next_layer.lead),
                *(at.eq(named(c, next_step, "in")) for at in (here, at_tap_row, at_window, at_row, at_word)),
                *(at.eq(named(c, next_step, "out")) for at in (out, out_row, out_word)),
            ]  # fmt: skip
        return m
