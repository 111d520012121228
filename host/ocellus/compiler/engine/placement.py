"""Where storages lie; a row lives from the step that writes it to the last that reads it, then others use its words."""

from collections.abc import Sequence
from dataclasses import dataclass

from .fitting import Life, first_fit, highest_word
from .geometry import Layout, Layouts
from .layers import Plan
from .layout import alike
from .schedule import Rows, Waits, reads

_Spans = dict[str, set[tuple[int, int]]]


@dataclass(frozen=True)
class Place:
    """A storage in memory.

    Attributes
    ----------
    base : int
        Number of its first word.
    pitch, plane : int
        Words from row to row, and from a pixel's word to its next.
    ring : int
        Rows after which the places begin again; all rows for a storage that is kept whole.
    """

    base: int
    pitch: int
    plane: int
    ring: int


def place(plan: Plan, steps: Sequence[Rows], waits: Sequence[Waits], layouts: Layouts, words: int) -> dict[str, Place]:
    """A place for every storage, within ``words`` if that is found.

    A row may take words whose last reader's step comes before the step that writes it: steps begin in order, and what
    a step writes, it writes after it has begun. The input has its words for itself, for the next may come early.
    """
    lives = _row_lives(plan, steps)
    rings = _rings(plan, lives, layouts, waits, _row_spans(plan, steps))
    blocks = {name: _blocks(plan, name, lives[name], rings[name], layouts[name], len(steps)) for name in plan.shapes}
    partners = {layer.output: layer.operand for layer in plan.layers if layer.operand and layer.operand != layer.output}
    banks = plan.sizes.banks
    by_words = sorted(blocks, key=lambda name: _by_words(name, blocks[name], plan.input))
    by_birth = sorted(blocks, key=lambda name: _by_birth(name, blocks[name], plan.input))
    fits = [first_fit(order, blocks, partners, banks) for order in (by_words, by_birth)]
    best = min(fits, key=lambda bases: highest_word(bases, blocks))
    if highest_word(best, blocks) > words:
        whole = [name for name in by_birth if rings[name] == plan.shapes[name][0] and name != plan.input]
        order = [plan.input, *whole, *(name for name in by_words if name not in whole and name != plan.input)]
        fits.append(first_fit(order, blocks, partners, banks, dict.fromkeys(whole, words)))
        best = min(fits, key=lambda bases: highest_word(bases, blocks))
    return {
        name: Place(best[name], layout.pitch, _plane(plan, name, layout, rings[name]), rings[name])
        for name, layout in layouts.items()
    }


def _plane(plan: Plan, name: str, layout: Layout, ring: int) -> int:
    return ring * layout.pitch if layout.planar else plan.shapes[name][1]


def peak_words(plan: Plan, places: dict[str, Place]) -> int:
    """Words up to the last that any storage takes."""
    return max(last_word(plan, name, place) for name, place in places.items())


def last_word(plan: Plan, name: str, place: Place) -> int:
    """One behind the last word of a storage."""
    words = (place.ring - 1) * place.pitch + (plan.words(name) - 1) * place.plane + plan.shapes[name][1]
    return place.base + words


def _row_lives(plan: Plan, steps: Sequence[Rows]) -> dict[str, dict[int, tuple[int, int]]]:
    """First and last step of every row of every storage; -1 is the inlet, ``len(steps)`` the outlet."""
    lives: dict[str, dict[int, tuple[int, int]]] = {name: {} for name in plan.shapes}
    lives[plan.input] = dict.fromkeys(range(plan.shapes[plan.input][0]), (-1, -1))
    for number, step in enumerate(steps):
        for storage, (low, high) in reads(plan, step).items():
            for row in range(low, high):
                lives[storage][row] = (lives[storage][row][0], number)
        layer = plan.layers[step.layer]
        for row in layer.rows_written(step.first, step.last):
            lives[layer.output][row] = (min(lives[layer.output].get(row, (number, 0))[0], number), number)
    lives[plan.output] = {row: (born, len(steps)) for row, (born, _) in lives[plan.output].items()}
    return lives


def _rings(
    plan: Plan, lives: dict[str, dict[int, tuple[int, int]]], layouts: Layouts, waits: Sequence[Waits], spans: _Spans
) -> dict[str, int]:
    """The fewest rows for each storage such that no row is overwritten while a step may read it; partners alike."""
    rings: dict[str, int] = {}
    for group in alike(plan):
        rows = max(plan.shapes[name][0] for name in group)
        sizes = (n for n in range(1, rows) if all(_fits(plan, name, n, lives, layouts, waits, spans) for name in group))
        rings.update(dict.fromkeys(group, next(sizes, rows)))
    return rings


def _fits(
    plan: Plan,
    name: str,
    ring: int,
    lives: dict[str, dict[int, tuple[int, int]]],
    layouts: Layouts,
    waits: Sequence[Waits],
    spans: _Spans,
) -> bool:
    """A ring of so many rows is safe, and either its end is a line's end or no step reads or writes across it."""
    if name == plan.output:
        return False
    whole_lines = ring * layouts[name].pitch % plan.sizes.banks == 0
    if not whole_lines and any(low // ring != (high - 1) // ring for low, high in spans[name]):
        return False
    if name == plan.input:
        freed = [0, *(w.free_rows for w in waits)]
        return whole_lines and all(w.wait_rows <= freed[n] + ring for n, w in enumerate(waits))
    rows = lives[name]
    return all(dead < rows[row + ring][0] for row, (_, dead) in rows.items() if row + ring in rows)


def _row_spans(plan: Plan, steps: Sequence[Rows]) -> _Spans:
    """Rows that single steps read or write of each storage: first, and one behind the last."""
    spans: _Spans = {name: set() for name in plan.shapes}
    for step in steps:
        for storage, (low, high) in reads(plan, step).items():
            if high > low:
                spans[storage].add((low, high))
        layer = plan.layers[step.layer]
        written = layer.rows_written(step.first, step.last)
        spans[layer.output].add((written[0], written[-1] + 1))
    return spans


def _blocks(
    plan: Plan, name: str, lives: dict[int, tuple[int, int]], ring: int, layout: Layout, steps: int
) -> list[Life]:
    """Words relative to the storage's base, each row for as long as it lives; planes as long as any of their rows."""
    columns, planes = plan.shapes[name][1], plan.words(name)
    last = (ring - 1) * layout.pitch + (planes - 1) * _plane(plan, name, layout, ring) + columns
    if name == plan.input:
        return [Life(0, last, -1, steps)]
    if layout.planar:
        return [Life(0, last, min(born for born, _ in lives.values()), max(dead for _, dead in lives.values()))]
    words = planes * columns
    return [
        Life(row % ring * layout.pitch, row % ring * layout.pitch + words, born, dead)
        for row, (born, dead) in sorted(lives.items())
    ]


def _by_words(name: str, blocks: list[Life], first: str) -> tuple[bool, int, str]:
    return name != first, -max(block.high for block in blocks), name


def _by_birth(name: str, blocks: list[Life], first: str) -> tuple[bool, int, str]:
    return name != first, min(block.born for block in blocks), name
