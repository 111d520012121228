"""Turns the steps of a program into commands for the datapath: one clock, one command."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue, LayerOp

from .cells import passing
from .descriptor import LAYER_WORD, STEP_WORD
from .places import added, multiple, named, place
from .point import PointWalk
from .pump import Pump
from .window import WindowWalk
from .words import command, flow

ROWS = 3
"""Rows of taps that a window has."""

GROUP = data.StructLayout(
    {
        "op": LayerOp,
        "operand": 1,
        "sub": 5,
        "weight": 24,
        "first": 1,
        "last": 1,
        "fetch": 1,
        "parameter": 16,
        "release": 1,
        "pop": 1,
        "ends": 1,
        "out_sub": 5,
    }
)
"""What passes through the address stages as it is."""


class Walk(wiring.Component):
    """One command a clock; a step follows the one before without a free clock when it is ready in time.

    A step begins when it is allowed to (``i_go``), when its first tile is cut (POINT), and when no group with an
    epilogue is under way, unless it belongs to the same layer.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_prepared : unsigned(1), in
        ``i_next_layer`` and ``i_next_step`` hold the next step, until ``o_takes``; the step a clock before already.
    i_next_layer, i_next_step : LAYER, STEP, in
    i_go : unsigned(1), in
        The step may begin in the next clock; it may from then on.
    o_takes : unsigned(1), out
        It began with this clock: the next may be prepared.
    i_set : unsigned(1), in
        One more set of weights is in the store.
    i_combining : unsigned(1), in
        A group with an epilogue is under way.
    o : flow(command), out
    o_layer : LAYER, out
        Of the step under way.
    o_number : unsigned(8), out
        Layer of the step under way, or of the one that waits to begin.
    o_walks : unsigned(1), out
        A step is under way.
    o_busy, o_weights, o_requantiser, o_input : unsigned(1), out
        How this clock was spent: a command was made; one waits for weights; for the requantiser; no step may begin.
    """

    LATENCY = 3

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_prepared": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_step": In(STEP_WORD),
                "i_go": In(1),
                "o_takes": Out(1),
                "i_set": In(1),
                "i_combining": In(1),
                "o": Out(flow(command(c))),
                "o_layer": Out(LAYER_WORD),
                "o_number": Out(8),
                "o_walks": Out(1),
                "o_busy": Out(1),
                "o_weights": Out(1),
                "o_requantiser": Out(1),
                "o_input": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Two walks that take turns, and three stages that turn their places into lines and banks."""
        m = Module()
        c = self._c
        m.submodules.pump = pump = Pump(c)
        m.submodules.point = point = PointWalk(c)
        m.submodules.window = window = WindowWalk(c)

        # While no step is under way, and in the last clock of one, these follow what comes next.
        layer, step = Signal(LAYER_WORD), Signal(STEP_WORD)
        number, walks, pumped = Signal(8), Signal(), Signal()
        is_point = Signal()  # of the layer
        next_is_point = self.i_next_layer.op == LayerOp.POINT

        # The order of steps. What a group with an epilogue does begins to show in ``i_combining`` when its command has
        # passed the stages and the datapath has counted it. ``ready`` is a register, since it is known late in a clock
        # that a step ends.
        finishes, ready, takes, same_layer = Signal(), Signal(), Signal(), Signal()
        passing_by = Signal(self.LATENCY + 1)
        has_epilogue = layer.epilogue != Epilogue.PLAIN
        combines = self.i_combining | passing_by.any()
        pumps = self.i_prepared & next_is_point & ~pumped & pump.o_rests
        m.d.sync += [
            same_layer.eq(number == self.i_next_step.layer),
            passing_by.eq((passing_by << 1) | (walks & has_epilogue)),
            ready.eq(
                self.i_prepared & self.i_go & (pumped | pumps | ~next_is_point) & (~combines | same_layer)
                & ~takes & ~self.o_takes
            ),
            self.o_takes.eq(takes),
        ]  # fmt: skip
        m.d.comb += [
            finishes.eq(walks & Mux(is_point, point.o_take & pump.o.ends, window.o_finishes)),
            takes.eq(ready & (~walks | finishes)),
            pump.i_layer.eq(self.i_next_layer),
            pump.i_step.eq(self.i_next_step),
            pump.i_start.eq(pumps),
            pump.i_take.eq(point.o_take),
            point.i_layer.eq(layer),
            point.i_rests.eq(~walks | ~is_point),
            point.i_next_layer.eq(self.i_next_layer),
            point.i_run.eq(walks & is_point & pump.o_valid),
            point.i_ends.eq(pump.o.ends),
            window.i_layer.eq(layer),
            window.i_step.eq(step),
            window.i_next_layer.eq(self.i_next_layer),
            window.i_next_step.eq(self.i_next_step),
            window.i_start.eq(takes & ~next_is_point),
            window.i_set.eq(self.i_set),
            self.o_layer.eq(layer),
            self.o_number.eq(Mux(walks | ~self.i_prepared, number, self.i_next_step.layer)),
            self.o_walks.eq(walks),
        ]  # fmt: skip
        with m.If(pump.i_start):
            m.d.sync += pumped.eq(1)
        with m.If(~walks | finishes):
            m.d.sync += [walks.eq(ready), layer.eq(self.i_next_layer), step.eq(self.i_next_step)]
            m.d.sync += is_point.eq(next_is_point)
            with m.If(ready):
                m.d.sync += number.eq(self.i_next_step.layer)
        with m.If(self.o_takes):
            m.d.sync += pumped.eq(0)

        # How often groups may end, and parameters be fetched.
        valid = point.o_valid | window.o_valid
        last = Mux(is_point, point.o.last, window.o.last)
        fetch = Mux(is_point, point.o.fetch, window.o.fetch)
        words = Mux(is_point, -(-c.outputs // c.parameter_lanes), -(-c.word // c.parameter_lanes))
        for name, begins, clocks in (("paced", valid & last, layer.pace), ("fetchable", valid & fetch, words)):
            left, free = Signal(8, name=f"until_{name}"), Signal(name=name, init=1)
            with m.If(begins):
                m.d.sync += [left.eq(clocks - 1), free.eq(clocks <= 1)]
            with m.Elif(~free):
                m.d.sync += [left.eq(left - 1), free.eq(left == 1)]
            m.d.comb += [getattr(walk, f"i_{name}").eq(free) for walk in (point, window)]
        m.d.comb += [
            self.o_busy.eq(valid),
            self.o_weights.eq(window.o_starves),
            self.o_requantiser.eq(point.o_holds | window.o_holds),
            self.o_input.eq(~(self.o_busy | self.o_weights | self.o_requantiser)),
        ]

        self._stages(m, platform, layer, step, valid, is_point, pump.o, point, window)
        return m

    def _stages(
        self, m: Module, platform: object, layer: data.View, step: data.View, valid: Value, is_point: Value,
        tile: data.View, point: PointWalk, window: WindowWalk,
    ) -> None:  # fmt: skip
        c = self._c
        lines = exact_log2(c.lines)
        w = window.o

        group = Signal(GROUP)
        m.d.comb += [
            group.op.eq(layer.op),
            group.operand.eq(Mux(is_point, point.o.operand, w.operand)),
            group.sub.eq(point.o.sub),
            group.weight.eq(Mux(is_point, point.o.weight, w.set)),
            group.first.eq(Mux(is_point, point.o.first, w.first)),
            group.last.eq(Mux(is_point, point.o.last, w.last)),
            group.fetch.eq(Mux(is_point, point.o.fetch, w.fetch)),
            group.parameter.eq(Mux(is_point, point.o.parameter, w.parameter)),
            group.release.eq(~is_point & w.release),
            group.pop.eq(Mux(is_point, point.o.last, w.pop)),
            group.ends.eq(Mux(is_point, point.o.last & point.o.ends, w.ends)),
            group.out_sub.eq(point.o.out_sub),
        ]

        # Sums: of each pixel's place and what all have in common.
        valids, groups, layers, wraps, numbers = [valid], [group], [layer], [step.in_wrap], [step.layer]
        for n in range(1, self.LATENCY + 1):
            valids.append(Signal(name=f"valid_{n}"))
            groups.append(Signal(GROUP, name=f"group_{n}"))
            layers.append(Signal(LAYER_WORD, name=f"layer_{n}"))
            wraps.append(Signal.like(step.in_wrap, name=f"wrap_{n}"))
            numbers.append(Signal(8, name=f"number_{n}"))
            m.d.sync += valids[n].eq(valids[n - 1])
            with m.If(passing(platform, valids[n - 1])):
                m.d.sync += [
                    groups[n].eq(groups[n - 1]), layers[n].eq(layers[n - 1]), wraps[n].eq(wraps[n - 1]),
                    numbers[n].eq(numbers[n - 1]),
                ]  # fmt: skip

        base = Signal(place(c))
        row_1, column_1 = Signal(signed(14)), Signal(signed(14))
        lane_lines, lane_rows, lane_columns = [], [], []
        outs = [Signal(place(c), name=f"out_{i}") for i in range(PIXELS)]
        exists_1 = Signal(PIXELS)
        with m.If(passing(platform, valid)):
            m.d.sync += base.eq(
                Mux(is_point, added(c, tile.pixels[0].place, point.o.off).as_value(), w.place.as_value())
            )
            m.d.sync += [row_1.eq(w.row), column_1.eq(w.column)]
        for i in range(PIXELS):
            pixel = tile.pixels[i]
            line = Signal(lines, name=f"lane_line_{i}")
            row, column = Signal(signed(14), name=f"lane_row_{i}"), Signal(signed(14), name=f"lane_column_{i}")
            with m.If(passing(platform, valid & is_point)):
                m.d.sync += [
                    line.eq(added(c, pixel.place, point.o.off).line),
                    row.eq(pixel.row + point.o.tap_row),
                    column.eq(pixel.column + point.o.tap_column),
                ]
            if i < c.windows:
                beside = added(c, w.out, multiple(c, named(c, layer, "out_pixel"), i)) if i else w.out
                exists = (w.left > i) & ((layer.tile == PIXELS) if i else 1)
            else:
                beside, exists = w.out, 0
            with m.If(passing(platform, valid)):
                m.d.sync += [
                    outs[i].eq(Mux(is_point, added(c, pixel.out, point.o.out_off).as_value(), beside.as_value())),
                    exists_1[i].eq(Mux(is_point, tile.exists[i], exists)),
                ]
            lane_lines.append(line)
            lane_rows.append(row)
            lane_columns.append(column)
        row_lines = [Signal(lines, name=f"row_line_{r}") for r in range(ROWS)]
        with m.If(passing(platform, valid & ~is_point)):
            m.d.sync += [
                row_lines[0].eq(w.place.line),
                row_lines[1].eq(w.place.line + named(c, layer, "in_pitch").line),
                row_lines[2].eq(w.place.line + named(c, layer, "in_pitch_2").line),
            ]

        # Rings and borders.
        settings, wrap = layers[1], wraps[1]

        def brought_down(line: Value, row: Value) -> Value:
            return (line - Mux(row >= wrap, settings.in_ring_lines, 0))[:lines]

        def within(at: Value, size: Value) -> Value:
            return (at >= 0) & (at < size)

        lines_2 = [Signal(lines, name=f"line_2_{i}") for i in range(PIXELS)]
        inside_2 = Signal(PIXELS)
        row_lines_2 = [Signal(lines, name=f"row_line_2_{r}") for r in range(ROWS)]
        rows_inside, columns_inside = Signal(ROWS), Signal(c.columns)
        bank_2 = Signal.like(base.bank)
        outs_2 = [Signal(place(c), name=f"out_2_{i}") for i in range(PIXELS)]
        exists_2 = Signal(PIXELS)
        operand = groups[1].operand
        with m.If(passing(platform, valids[1])):
            m.d.sync += [bank_2.eq(Mux(operand, outs[0].bank, base.bank)), exists_2.eq(exists_1)]
            for i in range(PIXELS):
                inside = within(lane_rows[i], settings.in_rows) & within(lane_columns[i], settings.in_columns)
                m.d.sync += [
                    outs_2[i].eq(outs[i]),
                    inside_2[i].eq(operand | (inside & exists_1[i])),
                    lines_2[i].eq(
                        Mux(operand, outs[i].line + settings.operand_lines, brought_down(lane_lines[i], lane_rows[i]))
                    ),
                ]
            for r in range(ROWS):
                m.d.sync += [
                    row_lines_2[r].eq(brought_down(row_lines[r], row_1 + r)),
                    rows_inside[r].eq(within(row_1 + r, settings.in_rows)),
                ]
            m.d.sync += [columns_inside[t].eq(within(column_1 + t, settings.in_columns)) for t in range(c.columns)]

        # Slots: a word of each bank.
        settings, tag = layers[2], groups[2]
        out = self.o.payload
        by_lane = (tag.op == LayerOp.POINT) | tag.operand
        spread = Mux(tag.operand, settings.out_spread, settings.spread)
        m.d.comb += self.o.valid.eq(valids[3])
        for slot in range(c.banks):
            u, t = divmod(slot, c.columns)
            carry = bank_2 >= c.banks - slot if slot else 0
            r = (settings.swapped, ROWS - u, u)
            row_line = Mux(r[0], row_lines_2[r[1]], row_lines_2[r[2]]) if u else row_lines_2[0]
            row_inside = Mux(r[0], rows_inside[r[1]], rows_inside[r[2]]) if u else rows_inside[0]
            near, far = _lane(c, slot, 1), _lane(c, slot, 2)
            lane_line = Mux(spread == 2, 0 if far is None else lines_2[far], 0 if near is None else lines_2[near])
            lane_inside = Mux(spread == 2, 0 if far is None else inside_2[far], 0 if near is None else inside_2[near])
            line = Mux(by_lane, lane_line, row_line + carry)
            inside = Mux(by_lane, lane_inside, row_inside & columns_inside[t])
            with m.If(passing(platform, valids[2])):
                m.d.sync += [out.line[slot].eq(line), out.inside[slot].eq(inside)]
        with m.If(passing(platform, valids[2])):
            m.d.sync += [
                out.op.eq(tag.op), out.base.eq(bank_2), out.fill.eq(settings.fill), out.spread.eq(spread),
                out.sub.eq(tag.sub), out.operand.eq(tag.operand), out.weight.eq(tag.weight),
                out.release.eq(tag.release), out.first.eq(tag.first), out.last.eq(tag.last),
                out.release_count.eq(settings.word_sets),
                out.fetch.eq(tag.fetch), out.parameter.eq(tag.parameter), out.pop.eq(tag.pop),
                out.pixels.eq(exists_2), out.out_sub.eq(tag.out_sub),
                out.zero_point.eq(settings.zero_point), out.minimum.eq(settings.minimum),
                out.maximum.eq(settings.maximum), out.epilogue.eq(settings.epilogue), out.layer.eq(numbers[2]),
                out.ends.eq(tag.ends),
                *(out.out_line[i].eq(outs_2[i].line) for i in range(PIXELS)),
                *(out.out_bank[i].eq(outs_2[i].bank) for i in range(PIXELS)),
            ]  # fmt: skip


def _lane(c: Configuration, slot: int, spread: int) -> int | None:
    """The pixel of a tile that reads from ``slot`` when pixels lie ``spread`` words apart."""
    return next((i for i in range(PIXELS) if spread * i % c.banks == slot), None)
