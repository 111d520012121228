"""Functions of one value in float32, as ONNX Runtime's kernels on x86-64 with fused multiply-add calculate them."""

from collections.abc import Callable

import numpy as np

from ocellus.compiler.graph import Kind, Operator

Floats = np.ndarray
"""float32 array."""

_F = np.float32

# Numerators (odd powers) and denominators (even powers), highest power first: Eigen's approximations.
_LOGISTIC = (
    (4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03, 2.48287947061529e-01),
    (6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03, 1.16817656904453e-01,
     9.93151921023180e-01),
)  # fmt: skip
_TANH = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
     6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)  # fmt: skip


def fused_multiply_add(a: Floats | np.floating, b: Floats | np.floating, c: Floats | np.floating) -> Floats:
    """``a * b + c`` rounded once: the product is exact in float64, the sum is rounded to odd there."""
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    addend = np.asarray(c, np.float64)
    total = product + addend
    part = total - product
    lost = (product - (total - part)) + (addend - part)
    even = (np.asarray(total).view(np.int64) & 1) == 0
    odd = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
    return np.where((lost != 0) & even, odd, total).astype(_F)


def _ratio(x: Floats, coefficients: tuple[tuple[float, ...], tuple[float, ...]], bound: float) -> Floats:
    x = np.clip(x, _F(-bound), _F(bound))
    square = x * x
    parts = []
    for row in coefficients:
        value = np.full_like(x, _F(row[0]))
        for c in row[1:]:
            value = fused_multiply_add(value, square, _F(c))
        parts.append(value)
    return x * parts[0] / parts[1]


def _logistic(operator: Operator, x: Floats) -> Floats:
    return np.maximum(_ratio(x, _LOGISTIC, 18) + _F(0.5), _F(0))


def _tanh(operator: Operator, x: Floats) -> Floats:
    return _ratio(x, _TANH, 9)


def _hard_swish(operator: Operator, x: Floats) -> Floats:
    return x * np.maximum(np.minimum(x * _F(1 / 6) + _F(0.5), _F(1)), _F(0))


def _leaky(operator: Operator, x: Floats) -> Floats:
    return np.where(x >= 0, x, _F(operator.alpha) * x)


def _prelu(operator: Operator, x: Floats, slopes: np.ndarray) -> Floats:
    return np.where(x > 0, x, x * slopes.astype(_F))


FUNCTIONS: dict[Kind, Callable[..., Floats]] = {
    Kind.QUANTIZE: lambda operator, x: x,
    Kind.RELU: lambda operator, x: np.maximum(x, _F(0)),
    Kind.RELU6: lambda operator, x: np.clip(x, _F(0), _F(6)),
    Kind.RELU_N1_TO_1: lambda operator, x: np.clip(x, _F(-1), _F(1)),
    Kind.LEAKY_RELU: _leaky,
    Kind.PRELU: _prelu,
    Kind.LOGISTIC: _logistic,
    Kind.TANH: _tanh,
    Kind.HARD_SWISH: _hard_swish,
}
