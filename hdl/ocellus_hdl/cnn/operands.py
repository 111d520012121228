"""Chooses what the multipliers and the second operand's queue take out of the slots."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, SIDE, Configuration
from ocellus.program_formats import LayerOp

from .cells import choice_of_four, copies
from .words import flow, slots, word

WINDOW_TAPS = PIXELS
SPREADS = 2 * PIXELS
"""Copies of what chooses between convolution and windows: each pixel's multipliers have two."""


def array_step(c: Configuration) -> data.StructLayout:
    """What of a command the array needs; the names are those of :func:`~.words.command`."""
    sub = range(max(2, c.word // min(c.inputs, c.outputs)))
    return data.StructLayout(
        {"op": 2, "spread": 2, "edge": 1, "inner": 1, "sub": sub, "operand": 1, "first": 1, "last": 1}
    )


def piece(c: Configuration) -> data.StructLayout:
    """Which piece of the slots' words a convolution's pixels take, and whether they lie two slots apart."""
    return data.StructLayout({"far": 1, "sub": array_step(c)["sub"].shape})


VIEW = data.StructLayout({"looks": 1, "edge": 1})
"""Whether a step is one of windows, not of second operands; they are at the edge."""


def second_operands(c: Configuration) -> data.ArrayLayout:
    """Bytes of a group's second operands: ``pixel*outputs + output`` for a POINT, else ``window*word + channel``."""
    return data.ArrayLayout(signed(8), max(PIXELS * c.outputs, c.lanes))


def points(c: Configuration) -> data.ArrayLayout:
    """A convolution's operands, ``[pixel][input]``."""
    return data.ArrayLayout(data.ArrayLayout(signed(8), c.inputs), PIXELS)


def seen(c: Configuration) -> data.StructLayout:
    """What windows see: ``slots`` as they were read, ``before`` each row's column in front of them."""
    return data.StructLayout({"slots": slots(c), "before": data.ArrayLayout(word(c), SIDE)})


def spread_bits(c: Configuration) -> int:
    """Bits that tell how far apart windows lie; one where a window's taps lie in the same slots whatever it is."""
    return 1 if c.side_by_side(2) == 1 else 2


class TapChoice:
    """Chooses bytes of windows' taps for ``spread`` 1 to 3, and something else for 0.

    Parameters
    ----------
    m, platform
        Where the logic goes.
    c : Configuration
    given : seen
    spread : unsigned(spread_bits(c))
    """

    def __init__(self, m: Module, platform: object, c: Configuration, given: Any, spread: Value):
        self._m, self._platform, self._c = m, platform, c
        self._given, self._spread = given, spread
        self.is_window = spread.any()

    def __call__(self, tap: int, window: int, channel: int, otherwise: Any, name: str) -> Value:
        """The byte of the tap, or ``otherwise``."""
        c, given = self._c, self._given
        row, column = divmod(tap, SIDE)
        first = int(c.chains)  # the first of those that lie in the slots
        if window < first:
            at = given.slots[c.columns * row + column - 1] if column else given.before[row]
            return Mux(self.is_window, at[channel], otherwise)
        beside = window - first
        fits = [spread for spread in range(1, SIDE + 1) if beside < c.side_by_side(spread)]
        at = [given.slots[c.columns * row + spread * beside + column][channel] for spread in fits]
        if len({beside * spread for spread in fits}) == 1:
            return Mux(self.is_window, at[0], otherwise)
        at += at[-1:] * (SIDE - len(at))
        return choice_of_four(self._m, self._platform, (otherwise, *at), self._spread, name)


class Operands(wiring.Component):
    """A step a clock; its operands come with its words, second operands a clock later.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(array_step), in
        The step whose words come in the next clock.
    i_fill : signed(8), in
        With it: what is in front of windows at the edge.
    i_piece : piece, in
        Of the step that comes in the next clock.
    i_view : VIEW, in
        Likewise.
    i_soon, i_slots : slots, in
        A step's words, with it and in the clock after.
    o_point : points, out
    o_window : seen, out
    o_spread : array of unsigned(spread_bits), out
        0 for a POINT, which takes ``o_point``; else how far apart windows lie in ``o_window``. All the same.
    o_operands : flow(second_operands), out
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(array_step(c))),
                "i_fill": In(signed(8)),
                "i_piece": In(piece(c)),
                "i_view": In(VIEW),
                "i_soon": In(slots(c)),
                "i_slots": In(slots(c)),
                "o_point": Out(points(c)),
                "o_window": Out(seen(c)),
                "o_spread": Out(data.ArrayLayout(spread_bits(c), SPREADS)),
                "o_operands": Out(flow(second_operands(c))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Registers of what chooses, and of what windows see again; the choice of the pixels' pieces."""
        m = Module()
        c = self._c
        coming = self.i.payload
        is_point = coming.op == LayerOp.POINT
        spread = Mux(is_point, 0, coming.spread) if spread_bits(c) > 1 else ~is_point
        spreads = copies(m, platform, spread, SPREADS, "spread")
        m.d.comb += [
            *(self.o_spread[k].eq(spreads[k]) for k in range(SPREADS)),
            self.o_window.slots.eq(self.i_slots),
        ]

        if c.chains:
            looks = Signal()
            before = Signal(data.ArrayLayout(word(c), SIDE))
            m.d.sync += looks.eq(self.i_view.looks)
            m.d.comb += self.o_window.before.eq(before)
            # Channels lie far apart: what is kept of each is decided a clock ahead, in registers of its own.
            begins = self.i_view.looks & self.i_view.edge
            keeping = copies(m, platform, Cat(looks | begins, begins, coming.inner), c.word, "keeping")
            for g, (keeps, at_edge, inner) in enumerate(keeping):
                with m.If(keeps):
                    for row in range(SIDE):
                        at_two, last_but_one = c.columns * row + SIDE - 1, c.columns * (row + 1) - 2
                        kept = Mux(inner, self.i_slots[at_two][g], self.i_slots[last_but_one][g])
                        m.d.sync += before[row][g].eq(Mux(at_edge, self.i_fill, kept))

        of_point, operand = Signal(), Signal()
        m.d.sync += [of_point.eq(is_point), operand.eq(self.i.valid & coming.operand)]
        # To the multipliers it is a long way: the pixels' pieces are chosen in front of the slots' registers.
        choices = copies(m, platform, self.i_piece.as_value(), PIXELS, "choice")
        pieces = self._pieces(m, platform, c.inputs, choices)
        m.d.comb += [self.o_point[i].eq(pieces[i]) for i in range(PIXELS)]

        # Second operands.
        seconds = pieces if c.outputs == c.inputs else self._pieces(m, platform, c.outputs, choices)
        m.d.sync += self.o_operands.valid.eq(operand)
        with m.If(operand):
            for n in range(len(self.o_operands.payload)):
                i, o = divmod(n, c.outputs)
                j, g = divmod(n, c.word)
                byte: Any = seconds[i][8 * o : 8 * o + 8] if i < PIXELS else 0
                if j < c.windows:
                    byte = Mux(of_point, byte, self.i_slots[j][g])
                m.d.sync += self.o_operands.payload[n].eq(byte)
        return m

    def _pieces(self, m: Module, platform: object, size: int, choices: list[Value]) -> list[Value]:
        """Piece ``sub`` of ``size`` bytes of each pixel's word, in a register; a pixel's choice is a :func:`piece`."""
        c = self._c
        pieces = []
        for i in range(PIXELS):
            is_far, sub = choices[i][0], choices[i][1:]
            near, far = self.i_soon[i].as_value(), self.i_soon[2 * i % c.banks].as_value()
            words = [
                Mux(is_far, far[at : at + 8 * size], near[at : at + 8 * size]) for at in range(0, 8 * c.word, 8 * size)
            ]
            if len(words) == 2:
                parts = [word[at : at + 8 * size] for at in (0, 8 * size) for word in (near, far)]
                words = [choice_of_four(m, platform, parts, Cat(is_far, sub[0]), f"chosen_{size}_{i}")]
            for k in range((len(words) - 1).bit_length()):
                words = [Mux(sub[k], high, low) for low, high in zip(words[::2], words[1::2], strict=True)]
            taken = Signal(8 * size, name=f"piece_{size}_{i}")
            m.d.sync += taken.eq(words[0])
            pieces.append(taken)
        return pieces
