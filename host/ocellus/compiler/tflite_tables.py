"""Functions of one int8 tensor as tables of 256 bytes, by TensorFlow Lite's arithmetic."""

from collections.abc import Callable
from math import exp, floor, tanh

import numpy as np

from .graph import Activation, Kind, Operator, Tensor
from .quantisation import Factor, activation_range

_CLAMPS = {
    Kind.RELU: Activation.RELU,
    Kind.RELU6: Activation.RELU6,
    Kind.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
}


def function_table(operator: Operator, x: Tensor, output: Tensor) -> np.ndarray:
    """int8 results of the 256 inputs from -128 on.

    The operator is one of :data:`TABLE_KINDS`; scales are those of the two tensors. Functions in float32 are rounded
    correctly; where a C library's ``tanhf`` is not, LiteRT follows the library.
    """
    value_of = _FUNCTIONS[operator.kind](operator, x, output)
    low, high = activation_range(_CLAMPS.get(operator.kind, operator.activation), output)
    values = (output.zero_point + value_of(n - x.zero_point) for n in range(-128, 128))
    return np.array([min(max(value, low), high) for value in values], np.int8)


Scalar = Callable[[int], int]
"""From an input minus its zero point to the result minus its."""


def _rescale(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    """The quotient of the scales is a double."""
    return Factor.of(x.scale / output.scale).times


def _relu(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    """The quotient of the scales is a float32."""
    return Factor.of(float(np.float32(x.scale) / np.float32(output.scale))).times


def _leaky_relu(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    above = _relu(operator, x, output)
    slope = float(np.float32(x.scale) * np.float32(operator.alpha) / np.float32(output.scale))
    # a negative multiplier is the positive one of the negated value
    below, sign = Factor.of(abs(slope)), -1 if slope < 0 else 1
    return lambda n: above(n) if n >= 0 else below.times(sign * n)


def _logistic(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    one = np.float32(1)
    return _in_float32(x, output, lambda real: one / (one + np.float32(exp(min(-real, 88.0)))))


def _tanh(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    return _in_float32(x, output, lambda real: np.float32(tanh(real)))


def _in_float32(x: Tensor, output: Tensor, function: Callable[[float], np.float32]) -> Scalar:
    """Input scale, function, the output scale's inverse; halves away from zero."""
    inverse = np.float32(1) / np.float32(output.scale)

    def value(n: int) -> int:
        level = float(function(float(np.float32(x.scale) * np.float32(n))) * inverse)
        return floor(level + 0.5) if level >= 0 else -floor(0.5 - level)

    return value


def _hard_swish(operator: Operator, x: Tensor, output: Tensor) -> Scalar:
    """16-bit fixed point: the value with 7 more bits, times a gate that rises from 0 to 2^15 between -3 and 3."""
    fine = np.float32(x.scale) * np.float32(1 / 128)
    scaling, gating = Factor.of(float(fine / np.float32(output.scale))), Factor.of(float(fine / np.float32(3 / 32768)))

    def half(factor: Factor) -> int:
        return min((factor.multiplier + (1 << 15)) >> 16, (1 << 15) - 1)

    def clipped(n: int) -> int:
        return min(max(n, -(1 << 15)), (1 << 15) - 1)

    def rounded(n: int, bits: int) -> int:
        magnitude = (abs(n) + (1 << bits >> 1)) >> bits
        return magnitude if n >= 0 else -magnitude

    def value(n: int) -> int:
        n <<= 7
        unshifted = (n * half(scaling) + (1 << 14)) >> 15
        gate = (clipped(n << max(gating.shift - 1, 0)) * half(gating) + (1 << 14)) >> 15
        gate = clipped(gate << 1) if gating.shift > 0 else rounded(gate, -gating.shift)
        product = ((gate + (1 << 15)) >> 1) * unshifted
        return rounded(product >> 15 if product >= 0 else -(-product >> 15), -scaling.shift)

    return value


_FUNCTIONS: dict[Kind, Callable[[Operator, Tensor, Tensor], Scalar]] = {
    Kind.QUANTIZE: _rescale,
    Kind.RELU: _relu,
    Kind.RELU6: _relu,
    Kind.RELU_N1_TO_1: _relu,
    Kind.LEAKY_RELU: _leaky_relu,
    Kind.LOGISTIC: _logistic,
    Kind.TANH: _tanh,
    Kind.HARD_SWISH: _hard_swish,
}
TABLE_KINDS = tuple(_FUNCTIONS)
