"""Functions that rise in steps about equally long: the requantiser gives them from one multiplication."""

from dataclasses import dataclass

import numpy as np

from ..quantisation import Factor

_WEIGHT = 127
"""What an input is multiplied by, so that a bias moves the steps by parts of one."""
_BIASES = np.array(sorted(range(-_WEIGHT, _WEIGHT + 1), key=abs))
"""Those that are tried: up to a whole input to both sides."""
_END = 1 << 60


@dataclass(frozen=True)
class Staircase:
    """``clamp(round((weight * n + bias) * factor), low, high)``, rounded once, halves up.

    With a factor without a shift, double rounding rounds once too.
    """

    weight: int
    bias: int
    factor: Factor
    low: int
    high: int


def staircase(inputs: np.ndarray, wanted: np.ndarray, low: int, high: int, shift: int = 0) -> Staircase | None:
    """What gives ``wanted``, clamped to ``low`` and ``high``, for all ``inputs``; None where nothing was found.

    Each input bounds the multiplier from both sides. A bias shifts all thresholds alike. ``shift``, at least -20, is
    the factor's.
    """
    rising = wanted[np.argmax(inputs)] >= wanted[np.argmin(inputs)]
    n, levels, half = (inputs if rising else -inputs).astype(np.int64), wanted.astype(np.int64), 1 << 30 - shift
    least = np.where(levels > low, levels * 2 * half - half, -_END)
    most = np.where(levels < high, (levels + 1) * 2 * half - half - 1, _END)
    sums = _WEIGHT * n + _BIASES[:, np.newaxis]
    nonzero = np.where(sums == 0, 1, sums)  # zero gives zero, whatever the multiplier
    fits = (sums != 0) | ((least <= 0) & (most >= 0))
    first, last = np.where(sums > 0, least, most), np.where(sums > 0, most, least)
    lowest = np.where(sums == 0, 0, -(-first // nonzero)).max(axis=1).clip(min=0)
    highest = np.where(sums == 0, _END, last // nonzero).min(axis=1).clip(max=(1 << 31) - 1)
    found = np.flatnonzero(fits.all(axis=1) & (lowest <= highest))
    if not len(found):
        return None
    multiplier = int(lowest[found[0]] + highest[found[0]]) // 2
    weight = _WEIGHT if rising else -_WEIGHT
    return Staircase(weight, int(_BIASES[found[0]]), Factor(multiplier, shift), low, high)


def staircases(inputs: np.ndarray, wanted: np.ndarray, factor: Factor) -> list[Staircase] | None:
    """Staircases one above the other that give a function which never falls: each begins where one before it ends.

    ``factor`` is about that of the whole; None where not even a single threshold was found.
    """
    edges = np.flatnonzero(np.diff(wanted))
    ends = np.unique(np.concatenate([[0, len(wanted) - 1], edges, edges + 1]))
    inputs, wanted = inputs[ends], wanted[ends]
    shift = max(factor.shift - _WEIGHT.bit_length() + 1, -20)
    found, low, top = [], int(wanted[0]), int(wanted[-1])
    while low < top or not found:
        step, reach = None, top - low
        while step is None:
            step = staircase(inputs, np.clip(wanted, low, low + reach), low, low + reach, shift)
            if step is None and reach <= 1:
                return None
            reach //= 2
        found.append(step)
        low = step.high
    return found
