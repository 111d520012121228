"""Functions that rise in steps about equally long: the requantiser gives them from one multiplication."""

from dataclasses import dataclass

import numpy as np

from ..quantisation import Factor

_WEIGHT = 127
"""What an input is multiplied by, so that a bias moves the steps by parts of one."""
_FURTHEST = 64
"""Biases that are tried to both sides: half an input."""


@dataclass(frozen=True)
class Staircase:
    """``clamp(round((weight * n + bias) * factor))``; the factor has no shift, so either rounding rounds once."""

    weight: int
    bias: int
    factor: Factor


def staircase(inputs: np.ndarray, wanted: np.ndarray, low: int, high: int) -> Staircase | None:
    """What gives ``wanted``, clamped to ``low`` and ``high``, for all ``inputs``; None where nothing was found.

    Each input bounds the multiplier from both sides. A bias shifts all thresholds alike.
    """
    rising = wanted[np.argmax(inputs)] >= wanted[np.argmin(inputs)]
    n, half = (inputs if rising else -inputs).astype(np.int64), 1 << 30
    least = np.where(wanted > low, wanted.astype(np.int64) * 2 * half - half, -(1 << 60))
    most = np.where(wanted < high, (wanted.astype(np.int64) + 1) * 2 * half - half - 1, 1 << 60)
    for bias in sorted(range(-_FURTHEST, _FURTHEST + 1), key=abs):
        found = _multiplier(_WEIGHT * n + bias, least, most)
        if found is not None:
            return Staircase(_WEIGHT if rising else -_WEIGHT, bias, Factor(found, 0))
    return None


def _multiplier(t: np.ndarray, least: np.ndarray, most: np.ndarray) -> int | None:
    """``least <= t * multiplier <= most`` everywhere."""
    if (least[t == 0] > 0).any() or (most[t == 0] < 0).any():
        return None
    up, down = t > 0, t < 0
    low = max([0, *-(-least[up] // t[up]), *-(-most[down] // t[down])])
    high = min([(1 << 31) - 1, *(most[up] // t[up]), *(least[down] // t[down])])
    return int((low + high) // 2) if low <= high else None
