"""Functions of one int8 tensor as tables of 256 bytes, by the float32 arithmetic of ONNX Runtime on x86-64."""

from collections.abc import Callable

import numpy as np

from .graph import Kind, Operator, Tensor
from .onnx_pairs import fused_multiply_add
from .quantisation import activation_range

_F = np.float32
_LOGISTIC = (
    (4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03, 2.48287947061529e-01),
    (6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03, 1.16817656904453e-01,
     9.93151921023180e-01),
)  # fmt: skip
"""MLAS's logistic.cpp: alpha_9 to alpha_1 and beta_10 to beta_0."""
_TANH = (
    (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08, 1.48572235717979e-05,
     6.37261928875436e-04, 4.89352455891786e-03),
    (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03),
)  # fmt: skip
"""MLAS's tanh.cpp: alpha_13 to alpha_1 and beta_6 to beta_0."""

Reals = np.ndarray
"""float32 array."""


def float_table(operator: Operator, x: Tensor, output: Tensor) -> np.ndarray:
    """int8 results of the 256 inputs from -128 on: dequantised, computed and quantised, halves to even.

    The operator is one of :data:`FLOAT_TABLE_KINDS`.
    """
    reals = _FUNCTIONS[operator.kind](operator, (np.arange(-128, 128) - x.zero_point).astype(_F) * _F(x.scale))
    low, high = activation_range(operator.activation, output)
    levels = np.rint(np.clip(reals / _F(output.scale), _F(-512), _F(512))).astype(np.int64)
    return np.clip(levels + output.zero_point, low, high).astype(np.int8)


def _odd_ratio(x: Reals, limit: float, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Reals:
    """``x * p(x^2) / q(x^2)`` between ``-limit`` and ``limit``, by Horner's rule; the largest power comes first."""
    x = np.clip(x, _F(-limit), _F(limit))
    p, q = (_polynomial(x * x, row) for row in coefficients)
    return x * p / q


def _polynomial(x: Reals, coefficients: tuple[float, ...]) -> Reals:
    value = np.full(x.shape, coefficients[0], _F)
    for coefficient in coefficients[1:]:
        value = fused_multiply_add(value, x, _F(coefficient))
    return value


def _logistic(operator: Operator, x: Reals) -> Reals:
    return np.maximum(_odd_ratio(x, 18, _LOGISTIC) + _F(0.5), _F(0))


def _hard_swish(operator: Operator, x: Reals) -> Reals:
    return x * np.clip(x * _F(1 / 6) + _F(0.5), _F(0), _F(1))


_FUNCTIONS: dict[Kind, Callable[[Operator, Reals], Reals]] = {
    Kind.QUANTIZE: lambda _, x: x,
    Kind.CONCATENATION: lambda _, x: x,
    Kind.RELU: lambda _, x: np.maximum(x, _F(0)),
    Kind.RELU6: lambda _, x: np.clip(x, _F(0), _F(6)),
    Kind.RELU_N1_TO_1: lambda _, x: np.clip(x, _F(-1), _F(1)),
    Kind.LEAKY_RELU: lambda operator, x: np.where(x >= 0, x, x * _F(operator.alpha)),
    Kind.LOGISTIC: _logistic,
    Kind.TANH: lambda _, x: _odd_ratio(x, 9, _TANH),
    Kind.HARD_SWISH: _hard_swish,
}
FLOAT_TABLE_KINDS = tuple(_FUNCTIONS)
"""CONCATENATION brings each of its inputs to the output's scale."""
