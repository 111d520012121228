"""The loops of a convolution: tile after tile, groups of output channels, taps, chunks of input channels."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ocellus.configurations import Configuration
from ocellus.program_formats import Epilogue

from .countdown import Countdown
from .descriptor import LAYER_WORD
from .places import added, named, place

LOOPS = ("groups", "kernel_rows", "kernel_columns", "chunks")
"""The loops for a tile, from the outermost on."""


def point_step(c: Configuration) -> data.StructLayout:
    """What one clock reads, for all pixels of the tile: the distance from each pixel's own place, row and column.

    And what becomes of the group: ``out_off`` and ``out_sub`` say where its channels lie in the output pixel. ``take``:
    nothing of the tile comes behind it.
    """
    return data.StructLayout(
        {
            "off": place(c),
            "tap_row": 14,
            "tap_column": 14,
            "sub": 5,
            "weight": 24,
            "operand": 1,
            "first": 1,
            "last": 1,
            "fetch": 1,
            "parameter": 16,
            "take": 1,
            "ends": 1,
            "out_off": place(c),
            "out_sub": 5,
        }
    )


def tile_bits(c: Configuration) -> int:
    """Of a number of tiles: each of its pixels has a word."""
    return ceil_log2(c.lines * c.banks + 1)


class PointWalk(wiring.Component):
    """One step in each clock of ``i_move``; of tiles it knows the number alone.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer : LAYER, in
        Steady while it runs.
    i_rests, i_next_layer, i_next_tiles : unsigned(1), LAYER, unsigned, in
        No step of its own is under way: when one begins, or another behind this one, ``i_next_layer`` is what
        ``i_layer`` is a clock later, and was the same a clock before, and ``i_next_tiles`` its step's number of tiles.
    i_move : unsigned(1), in
        A step is made.
    o : point_step, out
        In the clock of ``i_move``.
    o_finishes : unsigned(1), out
        If one is made it is the last.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_rests": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_next_tiles": In(tile_bits(c)),
                "i_move": In(1),
                "o": Out(point_step(c)),
                "o_finishes": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Counters that roll over in turn; every distance is a running sum."""
        m = Module()
        c = self._c
        layer = self.i_layer
        pieces = c.word // c.inputs
        out_pieces = c.word // c.outputs

        loops = {name: Countdown(m, len(layer[name]), name) for name in LOOPS}
        group, ky, kx, chunk = loops.values()
        tiles = Countdown(m, tile_bits(c), "tiles")
        sub, out_sub = Signal(range(max(pieces, 2))), Signal(range(max(out_pieces, 2)))
        off, off_tap, off_row = Signal(place(c)), Signal(place(c)), Signal(place(c))
        out_off = Signal(place(c))
        tap_row, tap_column = Signal(14), Signal(14)
        weight = Signal(24)  # counts from the layer's base
        parameter = Signal(16)
        operand = Signal()  # the group's last tap is done, its second operands are to be read
        begins = Signal(init=1)  # no step of the group has been made

        has_operand = layer.epilogue >= Epilogue.ADD
        last, last_tap = Signal(), Signal()  # a register: the last turn of the three inner loops
        m.d.comb += last.eq(last_tap & ~operand)
        ends_kx = chunk.last & kx.last
        last_chunk = chunk.last_after(layer.chunks)
        last_kx = Mux(chunk.last, kx.last_after(layer.kernel_columns), kx.last)
        last_ky = Mux(ends_kx, ky.last_after(layer.kernel_rows), ky.last)
        # Whether this step is the last of its group, its tile, its step: registers.
        ends_group, ends_tile, ends_step = (Signal(name=f"ends_{n}") for n in ("group", "tile", "step"))
        single, group_done = Signal(), Signal()  # single: every step is the last of a group
        m.d.comb += [
            self.o.off.eq(off),
            self.o.tap_row.eq(tap_row),
            self.o.tap_column.eq(tap_column),
            self.o.sub.eq(Mux(operand, out_sub, sub)),
            self.o.weight.eq(layer.weight_base + weight),
            self.o.operand.eq(operand),
            self.o.first.eq(begins),
            self.o.last.eq(last),
            self.o.fetch.eq(begins),
            self.o.parameter.eq(layer.parameter_base + parameter),
            self.o.take.eq(ends_tile),
            self.o.ends.eq(last & group.last & tiles.last),
            self.o.out_off.eq(out_off),
            self.o.out_sub.eq(out_sub),
            group_done.eq(self.i_move & ends_group),
            self.o_finishes.eq(ends_step),
        ]

        next_last_tap = Signal()
        m.d.comb += next_last_tap.eq(last_chunk & last_kx & last_ky)
        next_ends_group = Mux(ends_group, single, Mux(has_operand, last, next_last_tap))
        next_last_group = Mux(ends_group, group.last_after(layer.groups), group.last)
        next_last_tile = Mux(ends_tile, tiles.left == 2, tiles.last)
        with m.If(self.i_move):
            m.d.sync += [
                ends_group.eq(next_ends_group),
                ends_tile.eq(next_ends_group & next_last_group),
                ends_step.eq(next_ends_group & next_last_group & next_last_tile),
            ]

        next_word = Signal(place(c))
        next_tap = Signal(place(c))
        next_row = Signal(place(c))
        m.d.comb += [
            next_word.eq(added(c, off, named(c, layer, "in_plane"))),
            next_tap.eq(added(c, off_tap, named(c, layer, "in_tap"))),
            next_row.eq(added(c, off_row, named(c, layer, "in_tap_row"))),
        ]
        with m.If(self.i_move & ~operand):
            chunk.step()
            m.d.sync += last_tap.eq(next_last_tap)
            m.d.sync += [weight.eq(weight + 1), begins.eq(0), sub.eq(sub + 1)]
            with m.If(chunk.last):
                chunk.begin(layer.chunks)
                kx.step()
                m.d.sync += [sub.eq(0), tap_column.eq(tap_column + layer.tap_columns)]
                m.d.sync += [off.eq(next_tap), off_tap.eq(next_tap)]
                with m.If(kx.last):
                    kx.begin(layer.kernel_columns)
                    ky.step()
                    m.d.sync += [tap_column.eq(0), tap_row.eq(tap_row + layer.tap_rows)]
                    m.d.sync += [off.eq(next_row), off_tap.eq(next_row), off_row.eq(next_row)]
                    with m.If(ky.last):
                        ky.begin(layer.kernel_rows)
                        m.d.sync += [tap_row.eq(0), off.eq(0), off_tap.eq(0), off_row.eq(0)]
                        m.d.sync += operand.eq(has_operand)
            with m.Elif(sub == pieces - 1):
                m.d.sync += [sub.eq(0), off.eq(next_word)]
        with m.If(group_done):
            group.step()
            m.d.sync += [
                operand.eq(0),
                begins.eq(1),
                parameter.eq(parameter + -(-c.outputs // c.parameter_lanes)),
                out_sub.eq(out_sub + 1),
            ]
            with m.If(out_sub == out_pieces - 1):
                m.d.sync += [out_sub.eq(0), out_off.eq(added(c, out_off, named(c, layer, "out_plane")))]
            with m.If(group.last):
                group.begin(layer.groups)
                tiles.step()
                m.d.sync += [parameter.eq(0), weight.eq(0), out_sub.eq(0), out_off.eq(0)]
        # What the next step begins with; it has stood still for a clock at least.
        following = self.i_next_layer
        begins_tap, begins_single, begins_group, begins_tile = (
            Signal(name=f"begins_{n}") for n in ("tap", "single", "group", "tile")
        )
        one_tap = Cat(following[name] == 1 for name in LOOPS[1:]).all()
        m.d.sync += [
            begins_tap.eq(one_tap),
            begins_single.eq(one_tap & (following.epilogue < Epilogue.ADD)),
            begins_group.eq(following.groups == 1),
            begins_tile.eq(self.i_next_tiles == 1),
        ]
        with m.If(self.i_rests | (self.i_move & self.o_finishes)):
            tiles.begin(self.i_next_tiles)
            m.d.sync += [
                last_tap.eq(begins_tap), single.eq(begins_single), ends_group.eq(begins_single),
                ends_tile.eq(begins_single & begins_group), ends_step.eq(begins_single & begins_group & begins_tile),
            ]  # fmt: skip
            for name, loop in loops.items():
                loop.begin(self.i_next_layer[name])
        return m
