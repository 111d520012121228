"""Places in the activation memory: which bank, and which line of it."""

from amaranth.hdl import Cat, Mux, Value
from amaranth.lib import data

from ocellus.engine import Configuration
from ocellus.program_formats import BANK_BITS, LINE_BITS

PLACE = data.StructLayout({"line": LINE_BITS, "bank": BANK_BITS})
"""Word ``line * banks + bank``, or a distance in words; lines count modulo ``2^14``."""


def named(view: data.View, name: str) -> data.View:
    """The place that a descriptor holds as the fields ``name_line`` and ``name_bank``, which lie side by side."""
    low = view.shape()[f"{name}_line"].offset
    return data.View(PLACE, view.as_value()[low : low + PLACE.size])


def added(c: Configuration, place: data.View, distance: data.View) -> data.View:
    """``place + distance`` ."""
    banks = place.bank + distance.bank
    over = banks >= c.banks
    bank = Mux(over, banks - c.banks, banks)[:BANK_BITS]
    line = (place.line + distance.line + over)[:LINE_BITS]
    return _joined(line, bank)


def further(c: Configuration, place: data.View, words: Value | int) -> data.View:
    """``place`` plus fewer words than there are banks."""
    banks = place.bank + words
    over = banks >= c.banks
    bank = Mux(over, banks - c.banks, banks)[:BANK_BITS]
    return _joined((place.line + over)[:LINE_BITS], bank)


def lowered(place: data.View, lines: Value, when: Value) -> data.View:
    """``place``, ``lines`` lines lower where ``when`` is set."""
    line = (place.line - Mux(when, lines, 0))[:LINE_BITS]
    return _joined(line, place.bank)


def _joined(line: Value, bank: Value) -> data.View:
    return data.View(PLACE, Cat(line, bank))
