"""The words that pass between the parts of the engine."""

from typing import Any

from amaranth.hdl import Module, ShapeLike, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import BANK_BITS, LAYER, LINE_BITS, PARAMETER

from ..layouts import struct
from .cells import passing

ADDRESS_BITS = 24
"""Of a word in the weight memory."""

SETS = 16
"""Sets of window weights that the ring store holds; the most passes that a window may have."""

ENTRY = struct(PARAMETER)

SECOND = data.StructLayout(
    {
        name: struct(LAYER)[name].shape
        for name in (
            *("multiplier_1", "multiplier_2", "multiplier_3", "shift_1", "shift_2", "shift_3"),
            *("zero_point_1", "zero_point_2", "zero_point_3", "minimum_3", "maximum_3", "subtract", "table"),
        )
    }
)
"""What an epilogue needs to know of its layer."""

PAIR = 2
"""Channels whose bytes of a word share a block RAM, which has registers of its own for what leads there."""
HALVES = 2
"""Of a word: every other pair. Their block RAMs lie in two rows."""

WINDOWS_REQUEST = data.StructLayout({"address": ADDRESS_BITS, "sets": 16, "word_sets": range(SETS + 1)})
"""Fetch ``sets`` sets of ``window_words`` weight words from ``address`` on, ``word_sets`` for each group."""

LOOK = data.StructLayout({"base": BANK_BITS, "line": LINE_BITS})
"""The place of one word of the activation memory."""


class Section(enum.Enum, shape=2):
    """The memory that a word of the image belongs to."""

    WEIGHTS = 0
    PARAMETERS = 1
    TABLES = 2


LOAD = data.StructLayout({"section": Section, "address": ADDRESS_BITS, "part": 8, "data": 32})
"""A 32-bit word on its way to a memory: ``part`` of the word at ``address``.

Weights have ``inputs * outputs / 4`` parts a word; parameters three a lane (bias, multiplier, shift), lane 0 first;
tables one, ``address`` counting four bytes.
"""


def flow(shape: ShapeLike) -> wiring.Signature:
    """A stream whose taker is always ready: ``payload`` counts in the clocks in which ``valid`` is set."""
    return wiring.Signature({"valid": Out(1), "payload": Out(shape)})


def half_of(channel: int) -> int:
    """Which half of a word has its byte of this channel."""
    return channel // PAIR % HALVES


def own_loads(m: Module, platform: object, load: Any, section: Section) -> Any:
    """Those words of ``load``, a flow, that are the section's, a clock later: its memories may lie far away."""
    own = Signal(data.StructLayout({"valid": 1, "payload": LOAD}), name="own_load")
    mine = load.valid & (load.payload.section == section)
    m.d.sync += own.valid.eq(mine)
    with m.If(passing(platform, mine)):
        m.d.sync += own.payload.eq(load.payload)
    return own


def beat_pixels(c: Configuration) -> int:
    """Pixels whose results leave the requantiser in one clock, at most."""
    return max(c.beat_pixels, c.windows)


def entry_count(c: Configuration) -> int:
    """Entries in a set of parameters."""
    return max(c.word, c.outputs)


def tag(c: Configuration) -> dict[str, ShapeLike]:
    """What a group of results carries with it to the requantiser and the writer.

    ``pixels[j]``: pixel or window j exists; ``out_line[j]``, ``out_bank[j]``: the place of its word. ``out_sub``: which
    ``outputs`` bytes of the word, for POINT. ``ends``: nothing of the step comes behind this group.
    """
    return {
        "pixels": data.ArrayLayout(1, PIXELS),
        "out_line": data.ArrayLayout(LINE_BITS, PIXELS),
        "out_bank": data.ArrayLayout(BANK_BITS, PIXELS),
        "out_sub": range(max(2, c.word // c.outputs)),
        "zero_point": signed(8),
        "minimum": signed(8),
        "maximum": signed(8),
        "epilogue": 2,
        "layer": 8,
        "ends": 1,
    }


def command(c: Configuration) -> data.StructLayout:
    """One clock's work of the memory and the array.

    ``op``: LayerOp. ``base``: bank of slot 0. ``line[j]``: line of slot j. ``inside[j]``: slot j lies inside the
    picture; else its bytes read ``fill``.

    ``spread``: POINT takes pixel i from slot ``spread*i`` modulo the banks (1 or 2), piece ``sub`` of ``inputs`` bytes;
    WINDOW and MAXIMUM take tap (u, t) of window j from slot ``X*u + spread*(j-1) + t`` (1 to 3), where there is but
    one window from ``X*u + t``. Of several, window 0 is that in front of window 1: its column 0 is column X-2 of the
    windows' read before, column 2 if that was ``inner``, or ``fill`` where this one is at the ``edge``.

    ``operand``: this read fetches the second operands and multiplies nothing. POINT: pixel i from slot ``spread*i``
    modulo the banks, piece ``sub`` of ``outputs`` bytes; WINDOW: pixel j from slot j, the whole word.

    ``weight``: POINT: address of the weight word. WINDOW: which set behind the head of the window store.
    ``release``: this command is the last that uses the ``release_count`` sets at the head.

    ``first``, ``last``: bounds of a group. With an ADD or MULTIPLY epilogue the operand command follows at once
    behind ``last``. The tag (:func:`tag`) counts with ``last``.

    ``fetch``: read the parameters of a new group from ``parameter`` on, for this group and those up to ``pop``, no
    later than with the ``last`` of its first group. ``pop``: with ``last``, no other group uses them.
    """
    return data.StructLayout(
        {
            "op": 2,
            "base": BANK_BITS,
            "line": data.ArrayLayout(LINE_BITS, c.banks),
            "inside": data.ArrayLayout(1, c.banks),
            "fill": signed(8),
            "spread": 2,
            "edge": 1,
            "inner": 1,
            "sub": range(max(2, c.word // min(c.inputs, c.outputs))),
            "operand": 1,
            "weight": ADDRESS_BITS,
            "release": 1,
            "release_count": range(SETS + 1),
            "first": 1,
            "last": 1,
            "fetch": 1,
            "parameter": 16,
            "pop": 1,
            **tag(c),
        }
    )


def word(c: Configuration) -> data.ArrayLayout:
    """A word of the activation memory."""
    return data.ArrayLayout(signed(8), c.word)


def slots(c: Configuration) -> data.ArrayLayout:
    """What a read delivers: word j from slot j."""
    return data.ArrayLayout(word(c), c.banks)


def incoming(c: Configuration) -> data.StructLayout:
    """A word of the input tensor and its place."""
    return data.StructLayout({"bank": BANK_BITS, "line": LINE_BITS, "data": word(c)})


def tapped(c: Configuration) -> data.StructLayout:
    """A beat of results as the co-simulation sees it.

    ``value[j*outputs + o]`` for POINT, ``value[j*word + channel]`` otherwise. ``epilogue`` with ``second`` = 0: the
    first pass of a layer with an epilogue, not written; else the bytes that are written.
    """
    n = beat_pixels(c)
    return data.StructLayout(
        {
            "layer": 8,
            "op": 2,
            "epilogue": 1,
            "second": 1,
            "pixels": data.ArrayLayout(1, n),
            "line": data.ArrayLayout(LINE_BITS, n),
            "bank": data.ArrayLayout(BANK_BITS, n),
            "sub": tag(c)["out_sub"],
            "value": data.ArrayLayout(signed(8), c.lanes),
        }
    )
