"""From places to lines and banks: what a command of a walk reads, slot by slot, and where its results go."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import LayerOp

from .cells import passing
from .descriptor import LAYER_WORD
from .places import added, joined, multiple, named, place
from .pump import tile
from .words import command, flow

ROWS = 3
"""Rows of taps that a window has."""
SHARE = 3
"""Pixels that share a copy of what all add to their places."""

GROUP = data.StructLayout(
    {
        "op": LayerOp,
        "operand": 1,
        "edge": 1,
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
        "layer": 8,
    }
)
"""What passes through the address stages as it is."""

NEEDED = data.StructLayout(
    {
        name: LAYER_WORD[name].shape
        for name in (
            *("pace", "out_pixel_line", "out_pixel_bank"),
            *("in_pitch_line", "in_pitch_bank", "in_pitch_2_line", "in_pitch_2_bank"),
        )
    }
)
"""What a command that waits needs of its layer."""


def draft(c: Configuration) -> data.StructLayout:
    """A command of one of the walks, before lines and banks are made of it; what does not concern it is anything.

    ``place``, ``row``, ``column``: POINT: the distance from each pixel's own; else of the first window's first tap.
    ``out``: likewise, of the result. ``past``: ``row`` less the step's ``in_wrap``. ``exists[j]``: window ``j`` does.
    ``weight``: as in :func:`~.words.command`.

    ``begins``: the first of a step. ``combines``: of a layer with an epilogue. ``weighs``: from here on, the sets of
    another group of windows are used. ``take``: the last that needs this tile. The rest as in
    :func:`~.words.command`; ``layer`` is a number.
    """
    return data.StructLayout(
        {
            "op": LayerOp,
            "layer": 8,
            "begins": 1,
            "combines": 1,
            "weighs": 1,
            "take": 1,
            "place": place(c),
            "row": signed(14),
            "past": signed(17),
            "column": signed(14),
            "out": place(c),
            "exists": c.windows,
            "edge": 1,
            "sub": 5,
            "out_sub": 5,
            "operand": 1,
            "weight": 24,
            "first": 1,
            "last": 1,
            "fetch": 1,
            "parameter": 16,
            "release": 1,
            "pop": 1,
            "ends": 1,
        }
    )


class Addressing(wiring.Component):
    """A command a clock, :attr:`LATENCY` clocks later: sums of places, rings and borders, slots.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(draft), in
    i_point, i_bank, i_out_bank : arrays of unsigned(1), of banks, in
        Whether it is a POINT, the banks of its ``place`` and ``out``, for so many pixels each.
    i_tile : tile, in
        POINT: of this command.
    i_needed : NEEDED, in
        Of its layer.
    i_layer : LAYER, in
        The rest of the layer; with the first command of a step alone.
    o : flow(command), out
    """

    LATENCY = 3

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(draft(c))),
                "i_point": In(data.ArrayLayout(1, PIXELS // SHARE)),
                "i_bank": In(data.ArrayLayout(range(c.banks), PIXELS // SHARE)),
                "i_out_bank": In(data.ArrayLayout(range(c.banks), PIXELS // SHARE)),
                "i_tile": In(tile(c)),
                "i_needed": In(NEEDED),
                "i_layer": In(LAYER_WORD),
                "o": Out(flow(command(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Every stage adds or compares once."""
        m = Module()
        c = self._c
        lines = exact_log2(c.lines)
        leaves, elder, tile, needed = self.i.valid, self.i.payload, self.i_tile, self.i_needed
        is_point = self.i_point[0]

        group = Signal(GROUP)
        m.d.comb += [group[name].eq(elder[name]) for name in GROUP.members]

        # Sums: of each pixel's place and what all have in common. The step's first command takes its layer along.
        valids, groups, layers = [leaves], [group], [self.i_layer]
        for n in range(1, self.LATENCY + 1):
            valids.append(Signal(name=f"valid_{n}"))
            groups.append(Signal(GROUP, name=f"group_{n}"))
            layers.append(Signal(LAYER_WORD, name=f"layer_{n}"))
            m.d.sync += valids[n].eq(valids[n - 1])
            with m.If(passing(platform, valids[n - 1])):
                m.d.sync += groups[n].eq(groups[n - 1])
            with m.If(passing(platform, valids[n - 1]) if n > 1 else leaves & elder.begins):
                m.d.sync += layers[n].eq(layers[n - 1])

        base = Signal(place(c))
        rows_1 = [Signal(signed(14), name=f"row_1_{r}") for r in range(ROWS)]
        column_1 = Signal(signed(14))
        below_1 = Signal(ROWS)  # the rows that do not lie in the ring's second round
        lane_lines, lane_rows, lane_columns, lanes_below = [], [], [], Signal(PIXELS)
        near = [joined(c, elder.place.line, bank) for bank in self.i_bank]
        outs = [Signal(place(c), name=f"out_{i}") for i in range(PIXELS)]
        exists_1 = Signal(PIXELS)
        with m.If(passing(platform, leaves)):
            m.d.sync += base.eq(
                Mux(is_point, added(c, tile.pixels[0].place, near[0]).as_value(), elder.place.as_value())
            )
            m.d.sync += [*(row.eq(elder.row + r) for r, row in enumerate(rows_1)), column_1.eq(elder.column)]
            m.d.sync += [below_1[r].eq((elder.past + r) < 0) for r in range(ROWS)]
        for i in range(PIXELS):
            pixel, of_point = tile.pixels[i], self.i_point[i // SHARE]
            line = Signal(lines, name=f"lane_line_{i}")
            row, column = Signal(signed(14), name=f"lane_row_{i}"), Signal(signed(14), name=f"lane_column_{i}")
            with m.If(passing(platform, leaves & of_point)):
                m.d.sync += [
                    line.eq(added(c, pixel.place, near[i // SHARE]).line),
                    lanes_below[i].eq((pixel.row + elder.past) < 0),
                    row.eq(pixel.row + elder.row),
                    column.eq(pixel.column + elder.column),
                ]
            off = joined(c, elder.out.line, self.i_out_bank[i // SHARE])
            if i < c.windows:
                beside = added(c, off, multiple(c, named(c, needed, "out_pixel"), i)) if i else off
                exists = elder.exists[i]
            else:
                beside, exists = off, 0
            with m.If(passing(platform, leaves)):
                m.d.sync += [
                    outs[i].eq(Mux(of_point, added(c, pixel.out, off).as_value(), beside.as_value())),
                    exists_1[i].eq(Mux(of_point, tile.exists[i], exists)),
                ]
            lane_lines.append(line)
            lane_rows.append(row)
            lane_columns.append(column)
        row_lines = [Signal(lines, name=f"row_line_{r}") for r in range(ROWS)]
        with m.If(passing(platform, leaves & ~is_point)):
            m.d.sync += [
                row_lines[0].eq(elder.place.line),
                row_lines[1].eq(elder.place.line + named(c, needed, "in_pitch").line),
                row_lines[2].eq(elder.place.line + named(c, needed, "in_pitch_2").line),
            ]

        # Rings and borders.
        settings = layers[1]

        def brought_down(line: Value, below: Value) -> Value:
            return Mux(below, line, (line - settings.in_ring_lines)[:lines])

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
                        Mux(operand, outs[i].line + settings.operand_lines, brought_down(lane_lines[i], lanes_below[i]))
                    ),
                ]
            for r in range(ROWS):
                m.d.sync += [
                    row_lines_2[r].eq(brought_down(row_lines[r], below_1[r])),
                    rows_inside[r].eq(within(rows_1[r], settings.in_rows)),
                ]
            m.d.sync += [columns_inside[t].eq(within(column_1 + t, settings.in_columns)) for t in range(c.columns)]

        # Slots: a word of each bank.
        settings, tag = layers[2], groups[2]
        out = self.o.payload
        by_lane = (tag.op == LayerOp.POINT) | tag.operand
        spread = Mux(tag.operand, settings.out_spread, settings.spread)
        out_inner = settings.kernel_columns > 1
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
                out.edge.eq(tag.edge & ~out_inner), out.inner.eq(out_inner),
                out.sub.eq(tag.sub), out.operand.eq(tag.operand), out.weight.eq(tag.weight),
                out.release.eq(tag.release), out.first.eq(tag.first), out.last.eq(tag.last),
                out.release_count.eq(settings.word_sets),
                out.fetch.eq(tag.fetch), out.parameter.eq(tag.parameter), out.pop.eq(tag.pop),
                out.pixels.eq(exists_2), out.out_sub.eq(tag.out_sub),
                out.zero_point.eq(settings.zero_point), out.minimum.eq(settings.minimum),
                out.maximum.eq(settings.maximum), out.epilogue.eq(settings.epilogue), out.layer.eq(tag.layer),
                out.ends.eq(tag.ends),
                *(out.out_line[i].eq(outs_2[i].line) for i in range(PIXELS)),
                *(out.out_bank[i].eq(outs_2[i].bank) for i in range(PIXELS)),
            ]  # fmt: skip
        return m


def _lane(c: Configuration, slot: int, spread: int) -> int | None:
    """The pixel of a tile that reads from ``slot`` when pixels lie ``spread`` words apart."""
    return next((i for i in range(PIXELS) if spread * i % c.banks == slot), None)
