"""Real scales as the integers that the requantiser multiplies and shifts with."""

from dataclasses import dataclass
from math import floor, frexp

import numpy as np

from .graph import Activation, Tensor


@dataclass(frozen=True)
class Factor:
    """``multiplier * 2^(shift - 31)``; a negative shift is a right shift."""

    multiplier: int
    shift: int

    @classmethod
    def of(cls, real: float) -> "Factor":
        """The nearest factor with a multiplier of 31 bits; zero below 2^-32."""
        fraction, exponent = frexp(real)
        scaled = floor(fraction * (1 << 31) + 0.5)
        if scaled >> 31:  # rounded up to the next power of two
            scaled, exponent = scaled >> 1, exponent + 1
        return cls(scaled, exponent) if exponent >= -31 else cls(0, 0)

    def times(self, value: int) -> int:
        """``value`` (32 bits) times the factor, rounded twice: halves up, then halves away from zero."""
        left, right = max(self.shift, 0), max(-self.shift, 0)
        shifted = ((value << left) + (1 << 31)) % (1 << 32) - (1 << 31)
        high = (shifted * self.multiplier + (1 << 30)) >> 31
        magnitude = (abs(high) + (1 << right >> 1)) >> right
        return magnitude if high >= 0 else -magnitude


def convolution_factors(x: Tensor, weights: Tensor, output: Tensor, channels: int) -> list[Factor]:
    """One factor a channel; the scales are multiplied as doubles."""
    factors = [Factor.of(x.scale * scale / output.scale) for scale in weights.scales]
    return factors * channels if len(factors) == 1 else factors


def fully_connected_factors(x: Tensor, weights: Tensor, output: Tensor, channels: int) -> list[Factor]:
    """One factor a channel; with one scale a channel they are those of a convolution."""
    if len(weights.scales) == 1:
        return [fully_connected_factor(x, weights, output)] * channels
    return convolution_factors(x, weights, output, channels)


def fully_connected_factor(x: Tensor, weights: Tensor, output: Tensor) -> Factor:
    """TensorFlow Lite rounds the product of the scales to float32 before it divides."""
    return Factor.of(float(np.float32(x.scale) * np.float32(weights.scale)) / output.scale)


def add_factors(a: Tensor, b: Tensor, output: Tensor) -> tuple[Factor, Factor, Factor]:
    """Both inputs brought to twice the larger scale, 20 bits up, and the sum brought to the output's."""
    common = 2 * max(a.scale, b.scale)
    return Factor.of(a.scale / common), Factor.of(b.scale / common), Factor.of(common / ((1 << 20) * output.scale))


def product_factor(a: Tensor, b: Tensor, output: Tensor) -> Factor:
    """MUL, and PRELU below zero: float32 in every step."""
    return Factor.of(float(np.float32(a.scale) * np.float32(b.scale) / np.float32(output.scale)))


def mean_factor(x: Tensor, output: Tensor, count: int) -> Factor:
    """The quotient of the scales divided by the number of elements: TensorFlow Lite drops the multiplier's fraction."""
    whole = Factor.of(x.scale / output.scale)
    up = min(count.bit_length() - 1, 32, 31 + whole.shift)
    return Factor((whole.multiplier << up) // count, whole.shift - up)


def activation_range(activation: Activation, output: Tensor) -> tuple[int, int]:
    """The int8 values that the fused activation lets pass, ends included."""

    def level(real: float) -> int:
        # The quotient is a float32, rounded half away from zero.
        quotient = float(np.float32(real) / np.float32(output.scale))
        return output.zero_point + (floor(quotient + 0.5) if quotient >= 0 else -floor(0.5 - quotient))

    match activation:
        case Activation.NONE:
            low, high = -128, 127
        case Activation.RELU:
            low, high = output.zero_point, 127
        case Activation.RELU6:
            low, high = output.zero_point, level(6.0)
        case Activation.RELU_N1_TO_1:
            low, high = level(-1.0), level(1.0)
    return max(low, -128), min(high, 127)
