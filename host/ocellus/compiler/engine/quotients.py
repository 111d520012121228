"""Factors with which the requantiser divides exactly."""

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
