"""The accelerator's sums as the page defines them, with Python's integers: one value at a time."""

import math

from ocellus.configurations import Configuration

ODD = Configuration(
    "odd",
    lanes=4,
    columns=3,
    requantisers=2,
    weight_words=4096,
    parameter_words=512,
    activation_bytes=8 * 2500,
    layers=24,
)
"""No number in it is that of a named configuration; columns and the memory's depth are no powers of two."""


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


def requantised(value: int, bias: int, multiplier: int, shift: int, zero_point: int, low: int, high: int) -> int:
    """An accumulator as int8."""
    biased = wrapped(wrapped(value + bias) << max(shift, 0))
    return clamped(zero_point + rdbpot(srdhm(biased, multiplier), max(-shift, 0)), low, high)


def mean(total: int, taps: int) -> int:
    """The average of ``taps`` numbers."""
    return truncated(total + (taps // 2 if total >= 0 else -(taps // 2)), taps)
