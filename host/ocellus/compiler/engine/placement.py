"""Where storages lie; a row lives from the step that writes it to the last that reads it, then others use its words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from ...errors import BadInput
from .geometry import Pitches
from .layers import Plan
from .schedule import Rows, Waits, reads


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


@dataclass(frozen=True)
class _Life:
    """Steps from ``born`` to ``dead``, both included, in which words ``low`` to ``high`` (not included) are taken."""

    low: int
    high: int
    born: int
    dead: int


def place(plan: Plan, steps: Sequence[Rows], waits: Sequence[Waits], pitches: Pitches) -> dict[str, Place]:
    """A place for every storage; :class:`BadInput` when the memory is too small.

    A row may take words whose last reader's step comes before the step that writes it: steps begin in order, and what
    a step writes, it writes after it has begun. The input has its words for itself, for the next may come early.
    """
    lives = _row_lives(plan, steps)
    rings = _rings(plan, lives, pitches, waits)
    blocks = {name: _blocks(plan, name, lives[name], rings[name], pitches[name], len(steps)) for name in plan.shapes}
    partners = {layer.output: layer.operand for layer in plan.layers if layer.operand and layer.operand != layer.output}
    best: dict[str, int] | None = None
    for key in (_by_words, _by_birth):
        order = sorted(blocks, key=lambda name: key(name, blocks[name], plan.input))
        bases = _first_fit(order, blocks, partners, plan.sizes.banks)
        if best is None or _peak(bases, blocks) < _peak(best, blocks):
            best = bases
    assert best is not None
    peak, limit = _peak(best, blocks), plan.sizes.banks * plan.sizes.lines
    if peak > limit:
        raise BadInput(
            f"{plan.network.file}: configuration {plan.sizes.name!r}: found {peak * plan.sizes.word} bytes of "
            f"activations, allowed {limit * plan.sizes.word}"
        )
    return {name: Place(best[name], pitches[name], plan.shapes[name][1], rings[name]) for name in plan.shapes}


def peak_words(plan: Plan, places: dict[str, Place]) -> int:
    """Words up to the last that any storage takes."""
    return max(p.base + (p.ring - 1) * p.pitch + plan.words(name) * p.plane for name, p in places.items())


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
    plan: Plan, lives: dict[str, dict[int, tuple[int, int]]], pitches: Pitches, waits: Sequence[Waits]
) -> dict[str, int]:
    """The fewest rows for each storage such that no row is overwritten while a step may read it; partners alike."""
    rings = {name: _ring(plan, name, lives[name], pitches[name], waits) for name in plan.shapes}
    changed = True
    while changed:
        changed = False
        for layer in plan.layers:
            if layer.operand is None or rings[layer.operand] == rings[layer.output]:
                continue
            changed = True
            alike = max(rings[layer.operand], rings[layer.output])
            rings[layer.operand] = rings[layer.output] = alike
    return rings


def _ring(plan: Plan, name: str, lives: dict[int, tuple[int, int]], pitch: int, waits: Sequence[Waits]) -> int:
    rows = plan.shapes[name][0]
    unit = plan.sizes.banks // gcd(pitch, plan.sizes.banks)
    whole = name == plan.output or any(plan.layers[n].out_step[0] > 1 for n in plan.writers(name))
    for ring in () if whole else range(unit, rows, unit):
        if name == plan.input:
            freed = [0, *(w.free_rows for w in waits)]
            if all(w.wait_rows <= freed[n] + ring for n, w in enumerate(waits)):
                return ring
        elif _safe(lives, ring):
            return ring
    return rows


def _safe(lives: dict[int, tuple[int, int]], ring: int) -> bool:
    """Each row is read for the last time before the row that takes its place is written."""
    return all(dead < lives[row + ring][0] for row, (_, dead) in lives.items() if row + ring in lives)


def _blocks(plan: Plan, name: str, lives: dict[int, tuple[int, int]], ring: int, pitch: int, steps: int) -> list[_Life]:
    """Words relative to the storage's base, each row for as long as it lives."""
    words = plan.words(name) * plan.shapes[name][1]
    if name == plan.input:
        return [_Life(0, (ring - 1) * pitch + words, -1, steps)]
    return [
        _Life(row % ring * pitch, row % ring * pitch + words, born, dead) for row, (born, dead) in sorted(lives.items())
    ]


def _merged(lives: list[_Life]) -> list[_Life]:
    """Neighbouring rows of one life as one block."""
    merged: list[_Life] = []
    for life in lives:
        last = merged[-1] if merged else None
        if last and (last.born, last.dead) == (life.born, life.dead) and life.low >= last.high:
            merged[-1] = _Life(last.low, life.high, life.born, life.dead)
        else:
            merged.append(life)
    return merged


def _by_words(name: str, blocks: list[_Life], first: str) -> tuple[bool, int, str]:
    return name != first, -max(block.high for block in blocks), name


def _by_birth(name: str, blocks: list[_Life], first: str) -> tuple[bool, int, str]:
    return name != first, min(block.born for block in blocks), name


def _peak(bases: dict[str, int], blocks: dict[str, list[_Life]]) -> int:
    return max(bases[name] + max(block.high for block in blocks[name]) for name in bases)


def _first_fit(
    order: list[str], blocks: dict[str, list[_Life]], partners: dict[str, str], banks: int
) -> dict[str, int]:
    """The lowest base for each storage in turn at which nobody is disturbed; partners lie whole lines apart."""
    bases: dict[str, int] = {}
    taken: list[_Life] = []
    residues: dict[str, int] = {}
    for name in order:
        merged = _merged(blocks[name])
        alike = [other for pair in partners.items() if name in pair for other in pair if other in residues]
        residue = residues[alike[0]] if alike else None
        base = _lowest(merged, taken, residue, banks)
        bases[name] = base
        for other in _family(name, partners):
            residues[other] = base % banks
        taken += [_Life(b.low + base, b.high + base, b.born, b.dead) for b in merged]
    return bases


def _family(name: str, partners: dict[str, str]) -> set[str]:
    family = {name}
    while True:
        more = {other for pair in partners.items() if family & set(pair) for other in pair} - family
        if not more:
            return family
        family |= more


def _lowest(blocks: list[_Life], taken: list[_Life], residue: int | None, banks: int) -> int:
    forbidden = sorted(
        (old.low - new.high + 1, old.high - new.low)  # bases from the first to in front of the second
        for new in blocks
        for old in taken
        if new.born <= old.dead and old.born <= new.dead
    )
    base = _align(0, residue, banks)
    for low, high in forbidden:
        if base < low:
            # intervals are sorted by their beginning, so none that begins later holds this base
            return base
        if base < high:
            base = _align(high, residue, banks)
    return base


def _align(base: int, residue: int | None, banks: int) -> int:
    return base if residue is None else base + (residue - base) % banks
