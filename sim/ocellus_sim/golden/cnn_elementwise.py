"""Operators on one element at a time: sums, differences and products of two tensors, and functions of one.

The functions of one tensor are computed for all 256 values and looked up.
"""

from collections.abc import Callable
from math import exp, tanh

import numpy as np

from .cnn_arithmetic import Integers, multiplier, rdbpot, requantise, srdhm
from .cnn_step import Step

Function = Callable[[Step, Integers], Integers]
"""From values minus the input's zero point to values minus the output's."""


def add(step: Step) -> np.ndarray:
    """ADD."""
    return _sum(step, 1)


def subtract(step: Step) -> np.ndarray:
    """SUB."""
    return _sum(step, -1)


def _sum(step: Step, sign: int) -> np.ndarray:
    """Both operands, 20 bits up, at twice the larger scale; SUB negates its multiplier, not the result."""
    twice = 2 * max(t.scale for t in step.inputs)
    total = np.zeros((), np.int64)
    for index, factor in enumerate((1, sign)):
        m, e = multiplier(step.inputs[index].scale / twice)
        total = total + rdbpot(srdhm(step.centred(index) << 20, factor * m), -e)
    m, e = multiplier(twice / (2**20 * step.output.scale))
    return step.clamp(rdbpot(srdhm(total, m), -e) + step.output.zero_point)


def multiply(step: Step) -> np.ndarray:
    """MUL; its multiplier is computed in float32."""
    a, b = (np.float32(t.scale) for t in step.inputs)
    factor = multiplier(float(a * b / np.float32(step.output.scale)))
    return step.clamp(requantise(step.centred(0) * step.centred(1), [factor]) + step.output.zero_point)


def prelu(step: Step) -> np.ndarray:
    """PRELU: below zero times a constant."""
    x, slope, out = (np.float32(t.scale) for t in (*step.inputs, step.output))
    values = step.centred(0)
    above = requantise(values, [multiplier(float(x / out))])
    below = requantise(values * step.centred(1), [multiplier(float(x * slope / out))])
    return step.clamp(np.where(values >= 0, above, below) + step.output.zero_point)


def function(of: Function) -> Callable[[Step], np.ndarray]:
    """The operator that applies ``of`` to every element."""

    def apply(step: Step) -> np.ndarray:
        every = np.arange(-128, 128) - step.inputs[0].zero_point
        table = step.clamp(of(step, every) + step.output.zero_point)
        return table[step.values[0].astype(np.int64) + 128]

    return apply


def rescale(step: Step, x: Integers) -> Integers:
    """QUANTIZE from one scale to another."""
    return requantise(x, [multiplier(step.inputs[0].scale / step.output.scale)])


def relu(step: Step, x: Integers) -> Integers:
    """RELU, RELU6 and RELU_N1_TO_1 but for the clamp; the multiplier is computed in float32."""
    return requantise(x, [multiplier(float(np.float32(step.inputs[0].scale) / np.float32(step.output.scale)))])


def leaky_relu(step: Step, x: Integers) -> Integers:
    """LEAKY_RELU: below zero times ``alpha``; multipliers are computed in float32."""
    scale, out = np.float32(step.inputs[0].scale), np.float32(step.output.scale)
    above = requantise(x, [multiplier(float(scale / out))])
    below = requantise(x, [multiplier(float(scale * np.float32(step.operator.alpha) / out))])
    return np.where(x >= 0, above, below)


def logistic(step: Step, x: Integers) -> Integers:
    """LOGISTIC, in float32."""
    one, enough = np.float32(1), 88.0  # where float32 ends, and the result has long been 0
    return _float_function(step, x, lambda real: one / (one + np.float32(exp(min(-real, enough)))))


def hyperbolic_tangent(step: Step, x: Integers) -> Integers:
    """TANH, in float32."""
    return _float_function(step, x, lambda real: np.float32(tanh(real)))


def _float_function(step: Step, x: Integers, real_function: Callable[[float], np.float32]) -> Integers:
    """Every real value through a function and back to the output's scale, halves away from zero."""
    scale, inverse = np.float32(step.inputs[0].scale), np.float32(1) / np.float32(step.output.scale)
    reals = [real_function(float(scale * np.float32(n))) * inverse for n in x.tolist()]
    return np.array([int(np.copysign(np.floor(abs(float(r)) + 0.5), r)) for r in reals])


def hard_swish(step: Step, x: Integers) -> Integers:
    """HARD_SWISH, ``x * clamp(x + 3, 0, 6) / 6`` in 16-bit fixed point.

    ``x`` with 7 more bits goes two ways: times the scales' quotient (the result before its last shift), and mapped
    such that 3 is 2^15, which becomes the factor between 0 and 1.
    """
    fine = np.float32(step.inputs[0].scale) * np.float32(1 / 128)
    out_m, out_e = _multiplier_of_16_bits(float(fine / np.float32(step.output.scale)))
    gate_m, gate_e = _multiplier_of_16_bits(float(fine / np.float32(3 / 32768)))
    x = x << 7
    on_output_scale = _srdhm16(x, out_m)
    gate = _saturate16(x << max(gate_e - 1, 0))
    gate = _srdhm16(gate, gate_m)
    gate = _saturate16(gate << 1) if gate_e > 0 else rdbpot(gate, -gate_e)
    gate = (gate + (1 << 15)) >> 1
    product = gate * on_output_scale
    return rdbpot(np.where(product < 0, -(-product >> 15), product >> 15), -out_e)


def _multiplier_of_16_bits(real: float) -> tuple[int, int]:
    m, e = multiplier(real)
    return min((m + (1 << 15)) >> 16, (1 << 15) - 1), e


def _srdhm16(a: Integers, b: int) -> Integers:
    """Saturating rounding doubling high multiply of 16-bit numbers, halves up."""
    return (a * b + (1 << 14)) >> 15


def _saturate16(x: Integers) -> Integers:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)
