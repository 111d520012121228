"""The loops of a convolution: groups of output channels, taps, chunks of input channels, tile after tile."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import Epilogue

from .countdown import Countdown
from .descriptor import LAYER_WORD
from .places import added, named, place

LOOPS = ("groups", "kernel_rows", "kernel_columns", "chunks")
"""The loops for a tile, from the outermost on."""


def point_step(c: Configuration) -> data.StructLayout:
    """What one clock reads, for all pixels of the tile: the distance from each pixel's own place, row and column.

    And what becomes of the group: ``out_off`` and ``out_sub`` say where its channels lie in the output pixel.
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
            "ends": 1,
            "out_off": place(c),
            "out_sub": 5,
        }
    )


class PointWalk(wiring.Component):
    """One step a clock; holds back the last step of a group until ``i_paced``.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_layer : LAYER, in
        Steady while it runs.
    i_rests, i_next_layer : unsigned(1), LAYER, in
        No step of its own is under way: when one begins, or another behind this one, ``i_next_layer`` is what
        ``i_layer`` is a clock later.
    i_run : unsigned(1), in
        A tile is there.
    i_ends : unsigned(1), in
        It is the step's last.
    i_paced, i_fetchable : unsigned(1), in
        A group may end; parameters may be fetched.
    o_valid : unsigned(1), out
    o : point_step, out
        In the clock of ``o_valid``.
    o_take : unsigned(1), out
        The tile's last clock.
    o_holds : unsigned(1), out
        Waits for ``i_paced`` or ``i_fetchable``.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_layer": In(LAYER_WORD),
                "i_rests": In(1),
                "i_next_layer": In(LAYER_WORD),
                "i_run": In(1),
                "i_ends": In(1),
                "i_paced": In(1),
                "i_fetchable": In(1),
                "o_valid": Out(1),
                "o": Out(point_step(c)),
                "o_take": Out(1),
                "o_holds": Out(1),
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
        allowed = (~last | self.i_paced) & (~begins | self.i_fetchable)
        group_done = Signal()
        m.d.comb += [
            self.o_valid.eq(self.i_run & allowed),
            self.o_holds.eq(self.i_run & ~allowed),
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
            self.o.ends.eq(group.last & self.i_ends),
            self.o.out_off.eq(out_off),
            self.o.out_sub.eq(out_sub),
            group_done.eq(self.o_valid & Mux(has_operand, operand, last)),
            self.o_take.eq(group_done & group.last),
        ]

        next_word = Signal(place(c))
        next_tap = Signal(place(c))
        next_row = Signal(place(c))
        m.d.comb += [
            next_word.eq(added(c, off, named(c, layer, "in_plane"))),
            next_tap.eq(added(c, off_tap, named(c, layer, "in_tap"))),
            next_row.eq(added(c, off_row, named(c, layer, "in_tap_row"))),
        ]
        with m.If(self.o_valid & ~operand):
            chunk.step()
            m.d.sync += last_tap.eq(last_chunk & last_kx & last_ky)
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
                m.d.sync += [parameter.eq(0), weight.eq(0), out_sub.eq(0), out_off.eq(0)]
        with m.If(self.i_rests | (self.o_take & self.i_ends)):
            for name, loop in loops.items():
                loop.begin(self.i_next_layer[name])
            m.d.sync += last_tap.eq(Cat(self.i_next_layer[name] == 1 for name in LOOPS[1:]).all())
        return m
