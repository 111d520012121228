"""Chooses what the multipliers and the second operand's queue take out of the slots."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import LayerOp

from .cells import choice_of_four, copies, passing
from .words import flow, slots

WINDOW_TAPS = PIXELS
SPREADS = 2 * PIXELS
"""Copies of what chooses between convolution and windows: each pixel's multipliers have two."""
PARTS = 2
"""Copies of a convolution's operands: each is for a part of the weights."""
SIDE = 3
"""Taps in a row of a window."""


def array_step(c: Configuration) -> data.StructLayout:
    """What of a command the array needs; the names are those of :func:`~.words.command`."""
    sub = range(max(2, c.word // min(c.inputs, c.outputs)))
    return data.StructLayout({"op": 2, "spread": 2, "sub": sub, "operand": 1, "first": 1, "last": 1})


def second_operands(c: Configuration) -> data.ArrayLayout:
    """Bytes of a group's second operands: ``pixel*outputs + output`` for a POINT, else ``window*word + channel``."""
    return data.ArrayLayout(signed(8), max(PIXELS * c.outputs, c.lanes))


def points(c: Configuration) -> data.ArrayLayout:
    """A convolution's operands, :data:`PARTS` times the same: ``[part][pixel][input]``."""
    return data.ArrayLayout(data.ArrayLayout(data.ArrayLayout(signed(8), c.inputs), PIXELS), PARTS)


def slot_of(c: Configuration, tap: int, window: int, spread: int) -> int:
    """The slot of a window's tap."""
    row, column = divmod(tap, SIDE)
    return c.columns * row + spread * window + column


class SpreadChoice:
    """Chooses bytes of windows' taps for ``spread`` 1 to 3, and something else for 0.

    Parameters
    ----------
    m, platform
        Where the logic goes.
    c : Configuration
    words : slots
    spread : unsigned(2)
    """

    def __init__(self, m: Module, platform: object, c: Configuration, words: Any, spread: Value):
        self._m, self._platform, self._c = m, platform, c
        self._words, self._spread = words, spread
        self.is_window = spread.any()

    def __call__(self, tap: int, window: int, channel: int, otherwise: Any, name: str) -> Value:
        """The byte of the tap, or ``otherwise``."""
        at = [self._words[slot_of(self._c, tap, window, s)][channel] for s in (1, 2, 3)]
        if window == 0:
            return Mux(self.is_window, at[0], otherwise)
        return choice_of_four(self._m, self._platform, (otherwise, *at), self._spread, name)


class Operands(wiring.Component):
    """A step a clock; one clock of latency, two for second operands.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(array_step), in
    i_slots : slots, in
    o_point : points, out
    o_window : slots, out
        As they came.
    o_spread : array of unsigned(2), out
        0 for a POINT, which takes ``o_point``; else how far apart windows lie in ``o_window``. All the same.
    o_operands : flow(second_operands), out
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(array_step(c))),
                "i_slots": In(slots(c)),
                "o_point": Out(points(c)),
                "o_window": Out(slots(c)),
                "o_spread": Out(data.ArrayLayout(2, SPREADS)),
                "o_operands": Out(flow(second_operands(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The pixels' pieces of their words; a clock later the second operands, if it was these."""
        m = Module()
        c = self._c
        step = self.i.payload
        is_point = step.op == LayerOp.POINT
        operand = Signal()
        m.d.sync += operand.eq(self.i.valid & step.operand)
        m.d.sync += self.o_operands.valid.eq(operand)
        with m.If(passing(platform, self.i.valid)):
            m.d.sync += self.o_window.eq(self.i_slots)
        spreads = copies(m, platform, Mux(is_point, 0, step.spread), SPREADS + 1, "spread")
        m.d.comb += [self.o_spread[k].eq(spreads[k]) for k in range(SPREADS)]

        pieces = self._pieces(m, platform, c.inputs, passing(platform, self.i.valid & is_point))
        m.d.comb += [self.o_point[part][i].eq(pieces[i][part]) for part in range(PARTS) for i in range(PIXELS)]
        seconds = pieces
        if c.outputs != c.inputs:
            enable = passing(platform, self.i.valid & is_point & step.operand)
            seconds = self._pieces(m, platform, c.outputs, enable)

        chosen = SpreadChoice(m, platform, c, self.o_window, spreads[SPREADS])
        with m.If(operand):
            for n in range(len(self.o_operands.payload)):
                i, o = divmod(n, c.outputs)
                j, g = divmod(n, c.word)
                byte: Any = seconds[i][0][8 * o : 8 * o + 8] if i < PIXELS else 0
                if j < c.windows:
                    byte = chosen(0, j, g, byte, f"second_{n}")
                m.d.sync += self.o_operands.payload[n].eq(byte)
        return m

    def _pieces(self, m: Module, platform: object, size: int, enable: Value) -> list[list[Value]]:
        """Piece ``sub`` of ``size`` bytes of each pixel's word, registered; the copies of it."""
        c = self._c
        step = self.i.payload
        pieces = []
        for i in range(PIXELS):
            near, far = self.i_slots[i].as_value(), self.i_slots[2 * i % c.banks].as_value()
            words = [
                Mux(step.spread[1], far[at : at + 8 * size], near[at : at + 8 * size])
                for at in range(0, 8 * c.word, 8 * size)
            ]
            if len(words) == 2:
                choice = Cat(step.spread[1], step.sub[0])
                parts = [word[at : at + 8 * size] for at in (0, 8 * size) for word in (near, far)]
                words = [choice_of_four(m, platform, parts, choice, f"chosen_{size}_{i}")]
            for k in range((len(words) - 1).bit_length()):
                words = [Mux(step.sub[k], high, low) for low, high in zip(words[::2], words[1::2], strict=True)]
            with m.If(enable):
                pieces.append(copies(m, platform, words[0], PARTS, f"piece_{size}_{i}"))
        return pieces
