"""The accelerator's sums as the page defines them, with Python's integers: one value at a time."""

import math


def wrapped(x: int) -> int:
    """Modulo 2^32, as a signed number."""
    return (x + (1 << 31)) % (1 << 32) - (1 << 31)


def truncated(numerator: int, denominator: int) -> int:
    """Division toward zero."""
    return int(math.copysign(1, numerator)) * (abs(numerator) // denominator)


def srdhm(a: int, b: int) -> int:
    """Saturating rounding doubling high multiplication."""
    if a == b == -(1 << 31):
        return (1 << 31) - 1
    return truncated(a * b + (1 << 30 if a * b >= 0 else 1 - (1 << 30)), 1 << 31)


def rdbpot(x: int, n: int) -> int:
    """Rounding division by a power of two."""
    mask = (1 << n) - 1
    return (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))


def clamped(x: int, low: int, high: int) -> int:
    """``x`` between ``low`` and ``high``."""
    return min(max(x, low), high)
