"""The requantiser and the epilogues as docs/cnn.md has them, on whole arrays of plain integers."""

from collections.abc import Mapping

import numpy as np

from ocellus.formats import Arithmetic
from ocellus.program_formats import Epilogue


def int32(x: np.ndarray) -> np.ndarray:
    """Modulo 2^32, two's complement, as int64."""
    return (x + (1 << 31) & (1 << 32) - 1) - (1 << 31)


def signed(x: np.ndarray, bits: int) -> np.ndarray:
    """The lowest ``bits`` bits as a two's complement number."""
    half = 1 << bits - 1
    return ((x.astype(np.int64) + half) & 2 * half - 1) - half


def srdhm(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``(a*b + (2^30 if a*b >= 0 else 1 - 2^30)) / 2^31``, truncating toward zero."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    magnitude = np.abs(nudged) >> 31
    return np.where(nudged >= 0, magnitude, -magnitude)


def rdbpot(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """``(x >> n) + ((x & mask) > (mask >> 1) + (x < 0))``."""
    mask = (np.int64(1) << n) - 1
    return (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))


def rounded(x: np.ndarray, multiplier: np.ndarray, shift: np.ndarray, arithmetic: int) -> np.ndarray:
    """``R(x, multiplier, shift)``."""
    multiplier, shift = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    if arithmetic == Arithmetic.SINGLE:
        assert (shift <= 30).all(), "a single rounding needs a fraction"
        return (x * multiplier + (np.int64(1) << (30 - shift))) >> (31 - shift)
    return rdbpot(srdhm(int32(x << np.maximum(shift, 0)), multiplier), np.maximum(-shift, 0))


def epilogue(layer: Mapping[str, int], value: np.ndarray, y: np.ndarray | None, tables: np.ndarray) -> np.ndarray:
    """What is written for requantised values and second operands, both int64 in one shape."""
    if layer["epilogue"] == Epilogue.PLAIN:
        return value
    if layer["epilogue"] == Epilogue.TABLE:
        return tables[layer["table"]][value + 128].astype(np.int64)
    assert y is not None
    x, y = value - layer["zero_point_1"], y - layer["zero_point_2"]
    if layer["epilogue"] == Epilogue.ADD:
        y = -y if layer["subtract"] else y
        t = _epilogue_r(x << 20, layer["multiplier_1"], -layer["shift_1"])
        t = int32(t + _epilogue_r(y << 20, layer["multiplier_2"], -layer["shift_2"]))
    else:
        t = x * y
    out = layer["zero_point_3"] + _epilogue_r(t, layer["multiplier_3"], layer["shift_3"])
    return np.clip(out, layer["minimum_3"], layer["maximum_3"])


def _epilogue_r(x: np.ndarray, multiplier: int, shift: int) -> np.ndarray:
    return rounded(x, np.array(multiplier), np.array(shift), Arithmetic.DOUBLE)
