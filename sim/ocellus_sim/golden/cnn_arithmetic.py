"""The int8 arithmetic of TensorFlow Lite's reference kernels: multipliers, double and single rounding, softmax.

Whole arrays of int64 hold 32-bit values; :func:`wrap` brings a result back into 32 bits where the kernels wrap.
"""

from math import floor, frexp

import numpy as np

Integers = np.ndarray
"""int64 array."""

_INT32_MAX = (1 << 31) - 1


def wrap(x: Integers) -> Integers:
    """Modulo 2^32, two's complement."""
    return x.astype(np.int32).astype(np.int64)


def multiplier(real: float) -> tuple[int, int]:
    """``real`` as (M, e): ``M * 2^(e - 31)`` with M in [2^30, 2^31), or (0, 0) when it is too small."""
    q, e = frexp(real)
    m = floor(q * 2.0**31 + 0.5)
    if m == 1 << 31:
        m, e = m // 2, e + 1
    if e < -31:
        return 0, 0
    return m, e


def srdhm(a: Integers, b: Integers | int) -> Integers:
    """Saturating rounding doubling high multiply: ``a * b / 2^31``, halves up."""
    # the kernels add 1 - 2^30 to a negative product and truncate towards zero, which is the same
    return np.minimum((a * np.asarray(b, np.int64) + (1 << 30)) >> 31, _INT32_MAX)


def rdbpot(x: Integers, exponent: Integers | int) -> Integers:
    """Rounding divide by a power of two, halves away from zero."""
    mask = (np.int64(1) << np.asarray(exponent, np.int64)) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def requantise(acc: Integers, factors: list[tuple[int, int]]) -> Integers:
    """``acc * M * 2^(e - 31)`` with double rounding; one (M, e) for each index of the last axis, or one for all."""
    m = np.array([f[0] for f in factors], np.int64)
    e = np.array([f[1] for f in factors], np.int64)
    return rdbpot(srdhm(wrap(acc << np.maximum(e, 0)), m), np.maximum(-e, 0))


def requantise_once(acc: Integers, factors: list[tuple[int, int]]) -> Integers:
    """``acc * M * 2^(e - 31)`` with one rounding, halves up; ``acc`` of 32 bits, ``e`` at most 30."""
    m = np.array([f[0] for f in factors], np.int64)
    e = np.array([f[1] for f in factors], np.int64)
    return (acc * m + (np.int64(1) << (30 - e))) >> (31 - e)


def _times(a: Integers, b: Integers | int) -> Integers:
    """Product of two fixed-point numbers; their integer bits add up."""
    return srdhm(a, b)


def _times_power_of_two(x: Integers, exponent: int) -> Integers:
    """Saturating to the left, rounding to the right."""
    if exponent < 0:
        return rdbpot(x, -exponent)
    return np.clip(x << exponent, -(1 << 31), _INT32_MAX)


def exp_of_negative(a: Integers) -> Integers:
    """``exp(a)`` with 31 fraction bits, for ``a <= 0`` with 5 integer and 26 fraction bits.

    A fourth-order polynomial around -1/8 covers [-1/4, 0); the rest of ``a`` picks constants ``exp(-2^n)``.
    """
    quarter = 1 << 24
    rest = (a & (quarter - 1)) - quarter
    x = (rest << 5) + (1 << 28)
    x2 = _times(x, x)
    x3, x4 = _times(x2, x), _times(x2, x2)
    third = 715827883
    series = _times_power_of_two(_times(_times_power_of_two(x4, -2) + x3, third) + x2, -1)
    at_minus_eighth = 1895147668
    result = at_minus_eighth + _times(x + series, at_minus_eighth)
    remainder = rest - a
    for n, constant in enumerate((1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)):
        result = np.where(remainder & (1 << 24 + n), _times(result, constant), result)
    return np.where(a == 0, _INT32_MAX, result)


def reciprocal_of_one_plus(a: Integers) -> Integers:
    """``1 / (1 + a)`` for ``a`` in [0, 1), both with 31 fraction bits: three Newton steps with 2 integer bits."""
    half_denominator = (a + _INT32_MAX + 1) // 2  # both terms are positive: half up
    x = 1515870810 + _times(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - _times(half_denominator, x)
        x = x + _times_power_of_two(_times(x, error), 2)
    return _times_power_of_two(x, 1)


def softmax(x: np.ndarray, scale: float, beta: float) -> np.ndarray:
    """Softmax over the last axis of int8 values at ``scale``: int8 at scale 1/256 and zero point -128."""
    m, shift = multiplier(min(beta * scale * 2.0**26, _INT32_MAX))
    smallest = -floor(31 * 2.0**26 / 2.0**shift)
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counts = difference >= smallest
    scaled = srdhm(np.where(counts, difference, 0) << shift, m)
    exponentials = exp_of_negative(scaled)
    total = np.where(counts, rdbpot(exponentials, 12), 0).sum(axis=-1, keepdims=True)  # 12 integer bits
    headroom = 32 - np.ceil(np.log2(total + 1)).astype(np.int64)  # leading zeros of 32 bits
    reciprocal = reciprocal_of_one_plus((total << headroom) - (1 << 31))
    out = rdbpot(_times(reciprocal, exponentials), 12 - headroom + 31 - 8) - 128
    return np.where(counts, np.clip(out, -128, 127), -128).astype(np.int8)
