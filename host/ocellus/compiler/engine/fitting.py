"""Bases for storages whose words are taken for some steps only: first fit, from below or from above."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Blocks = Mapping[str, list["Life"]]


@dataclass(frozen=True)
class Life:
    """Steps from ``born`` to ``dead``, both included, in which words ``low`` to ``high`` (not included) are taken."""

    low: int
    high: int
    born: int
    dead: int


def highest_word(bases: Mapping[str, int], blocks: Blocks) -> int:
    """One behind the last word that is taken."""
    return max(bases[name] + max(block.high for block in blocks[name]) for name in bases)


def first_fit(
    order: list[str],
    blocks: Blocks,
    partners: Mapping[str, str],
    banks: int,
    below: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """A base for each storage in turn at which nobody is disturbed; partners lie whole lines apart.

    It is the lowest, or for those in ``below`` the highest that ends below so many words: rows that come to life one
    after another then follow those that die, downwards.
    """
    bases: dict[str, int] = {}
    taken = np.zeros((0, 4), np.int64)
    residues: dict[str, int] = {}
    for name in order:
        new = np.array([(b.low, b.high, b.born, b.dead) for b in _merged(blocks[name])], np.int64)
        residue = residues.get(name)
        limit = (below or {}).get(name)
        base = None if limit is None else _highest(new, taken, residue, banks, limit)
        base = bases[name] = _lowest(new, taken, residue, banks) if base is None else base
        for other in _family(name, partners):
            residues[other] = base % banks
        taken = np.concatenate([taken, new + np.array([base, base, 0, 0])])
    return bases


def _merged(lives: list[Life]) -> list[Life]:
    """Neighbouring rows of one life as one block."""
    merged: list[Life] = []
    for life in lives:
        last = merged[-1] if merged else None
        if last and (last.born, last.dead) == (life.born, life.dead) and life.low >= last.high:
            merged[-1] = Life(last.low, life.high, life.born, life.dead)
        else:
            merged.append(life)
    return merged


def _family(name: str, partners: Mapping[str, str]) -> set[str]:
    family = {name}
    while True:
        more = {other for pair in partners.items() if family & set(pair) for other in pair} - family
        if not more:
            return family
        family |= more


def _forbidden(new: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bases from the first to in front of the second; arrays have a row for each block: low, high, born, dead."""
    first, second = np.nonzero((new[:, None, 2] <= taken[:, 3]) & (taken[:, 2] <= new[:, None, 3]))
    return taken[second, 0] - new[first, 1] + 1, taken[second, 1] - new[first, 0]


def _lowest(new: np.ndarray, taken: np.ndarray, residue: int | None, banks: int) -> int:
    lows, highs = _forbidden(new, taken)
    order = np.argsort(lows, kind="stable")
    base = _aligned(0, residue, banks)
    for low, high in zip(lows[order].tolist(), highs[order].tolist(), strict=True):
        if base < low:  # none that begins later holds this base
            return base
        if base < high:
            base = _aligned(high, residue, banks)
    return base


def _highest(new: np.ndarray, taken: np.ndarray, residue: int | None, banks: int, limit: int) -> int | None:
    lows, highs = _forbidden(new, taken)
    order = np.argsort(-highs, kind="stable")
    base = _aligned_below(limit - int(new[:, 1].max()), residue, banks)
    for low, high in zip(lows[order].tolist(), highs[order].tolist(), strict=True):
        if base >= high:  # none that ends earlier holds this base
            break
        if base >= low:
            base = _aligned_below(low - 1, residue, banks)
    return base if base >= 0 else None


def _aligned(base: int, residue: int | None, banks: int) -> int:
    return base if residue is None else base + (residue - base) % banks


def _aligned_below(base: int, residue: int | None, banks: int) -> int:
    return base if residue is None else base - (base - residue) % banks
