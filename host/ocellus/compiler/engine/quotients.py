"""Factors with which the requantiser divides exactly."""

import numpy as np

from ..quantisation import Factor

EXACT_SUM = Factor(1 << 30, 0), Factor(1 << 30, -18)
"""Of operands and of the result: ADD without any rounding. Operands come in 20 bits up and become 19."""
MAX_EXACT = 2800
"""Elements up to which ``2^31 // n + 1`` gives the exact quotient: 128 * n * 2n < 2^31."""


def quotient(count: int) -> Factor:
    """Division of a sum of ``count`` int8 values by ``count``, halves away from zero, with either rounding.

    A multiplier a little above ``2^31 / count`` without a shift is rounded once, halves up; the excess takes negative
    halves down, and is too small to matter elsewhere.
    """
    return Factor(1 << 30, 1) if count == 1 else Factor((1 << 31) // count + 1, 0)


def rounded_once(double: Factor, low: int, high: int) -> Factor | None:
    """A factor whose single rounding gives, for every sum from ``low`` to ``high``, what ``double`` gives with two.

    Every sum bounds the multiplier from both sides; None where the bounds do not meet.
    """
    sums = np.arange(low, high + 1)
    sums = sums[sums != 0]
    wanted = np.array([double.times(int(n)) for n in sums])
    for shift in range(min(double.shift, 30), -31, -1):
        half, one = 1 << 30 - shift, 1 << 31 - shift
        # wanted * one <= sum * M + half < (wanted + 1) * one, in Python's integers: they may pass 64 bits
        least, most = 0, (1 << 31) - 1
        for n, result in zip(sums.tolist(), wanted.tolist(), strict=True):
            first, last = result * one - half, (result + 1) * one - half - 1
            if n < 0:
                first, last = -last, -first
            least, most = max(least, -(-first // abs(n))), min(most, last // abs(n))
            if least > most:
                break
        if least <= most:
            return Factor((least + most) // 2, shift)
    return None
