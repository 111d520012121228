"""Places in the activation memory: which bank, and which line of it."""

from amaranth.hdl import Cat, Const, Mux, Value
from amaranth.lib import data
from amaranth.utils import ceil_log2

from ocellus.configurations import Configuration


def place(c: Configuration) -> data.StructLayout:
    """Word ``line * banks + bank``, or a distance in words; lines count modulo the memory's, a power of two."""
    return data.StructLayout({"line": ceil_log2(c.lines), "bank": ceil_log2(c.banks)})


def named(c: Configuration, view: data.View, name: str) -> data.View:
    """The place that a descriptor holds as the fields ``name_line`` and ``name_bank``."""
    return joined(c, view[f"{name}_line"], view[f"{name}_bank"])


def added(c: Configuration, start: data.View, distance: data.View, short: Value | None = None) -> data.View:
    """``start + distance``; ``short`` as in :func:`bank_added`."""
    bank, over = bank_added(c, start, distance, short)
    return joined(c, start.line + distance.line + over, bank)


def short_of(c: Configuration, distance: data.View) -> Value:
    """What a bank that many further is short of, or beyond, the last."""
    return (distance.bank - c.banks).as_signed()


def bank_added(
    c: Configuration, start: data.View, distance: data.View, short: Value | None = None
) -> tuple[Value, Value]:
    """The bank of ``start + distance``, and the line that it carries; sooner, when ``short_of`` it is known already."""
    banks = start.bank + distance.bank
    if short is not None:
        beyond = (start.bank + short)[: len(start.bank) + 1].as_signed()
        return Mux(beyond < 0, banks[: len(start.bank)], beyond[: len(start.bank)]), beyond >= 0
    over = banks >= c.banks
    return Mux(over, banks - c.banks, banks)[: len(start.bank)], over


def multiple(c: Configuration, distance: data.View, times: int) -> data.View:
    """``times * distance``, ``times`` a few."""
    banks = distance.bank * times
    # Choices: synthesis would take a multiplier for the product of the turns and the banks.
    turns, rest = Const(0), banks
    for n in range(1, times):
        over = banks >= c.banks * n
        turns, rest = Mux(over, n, turns), Mux(over, banks - c.banks * n, rest)
    return joined(c, distance.line * times + turns, rest)


def further(c: Configuration, start: data.View, words: Value | int) -> data.View:
    """``start`` plus fewer words than there are banks."""
    banks = start.bank + words
    over = banks >= c.banks
    return joined(c, start.line + over, Mux(over, banks - c.banks, banks))


def lowered(c: Configuration, start: data.View, lines: Value) -> data.View:
    """``start``, ``lines`` lines lower."""
    return joined(c, start.line - lines, start.bank)


def joined(c: Configuration, line: Value, bank: Value) -> data.View:
    """A place of its parts, which may have bits too many."""
    shape = place(c)
    return data.View(shape, Cat(line[: shape["line"].width], bank[: shape["bank"].width]))
