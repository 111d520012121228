"""Operators that multiply by weights: convolutions, their transposition, fully connected layers.

Every accumulator is exact modulo 2^32. Sums are formed in floating point, where matrix products are fast, only as
long as they cannot leave the integers that the format holds.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ocellus.compiler.graph import Operator, Padding
from ocellus.formats import Arithmetic

from .cnn_arithmetic import multiplier, requantise, requantise_once, wrap
from .cnn_step import Step


def paddings(operator: Operator, size: tuple[int, int]) -> list[tuple[int, int]]:
    """(before, after) of rows and of columns for a picture of ``size``."""
    if operator.padding is Padding.VALID:
        return [(0, 0), (0, 0)]
    amounts = []
    for n, kernel, stride, dilation in zip(size, operator.kernel, operator.stride, operator.dilation, strict=True):
        total = max((-(-n // stride) - 1) * stride + (kernel - 1) * dilation + 1 - n, 0)
        amounts.append((total // 2, total - total // 2))
    return amounts


def surround(operator: Operator, x: np.ndarray, value: int) -> np.ndarray:
    """``x`` (rows, columns, channels) with the padding the operator asks for."""
    return np.pad(x, (*paddings(operator, x.shape[:2]), (0, 0)), constant_values=value)


def windows(operator: Operator, x: np.ndarray) -> np.ndarray:
    """(rows, columns, channels, kernel rows, kernel columns) view of every window's taps."""
    reach = [(k - 1) * d + 1 for k, d in zip(operator.kernel, operator.dilation, strict=True)]
    (rows, columns), (down, right) = operator.stride, operator.dilation
    return sliding_window_view(x, reach, axis=(0, 1))[::rows, ::columns, :, ::down, ::right]


def convolution(step: Step) -> np.ndarray:
    """CONV_2D."""
    x = surround(step.operator, step.x.astype(np.int16) - step.inputs[0].zero_point, 0)
    taps = windows(step.operator, x).transpose(0, 1, 3, 4, 2)  # channels last, as the weights have them
    weights = step.values[1]
    sums = _product(taps.reshape(taps.shape[0] * taps.shape[1], -1), weights.reshape(len(weights), -1))
    return _requantised(step, sums)


def depthwise(step: Step) -> np.ndarray:
    """DEPTHWISE_CONV_2D, tap by tap."""
    operator, weights = step.operator, step.values[1][0].astype(np.int32)
    x = step.x.astype(np.int32) - step.inputs[0].zero_point
    taps = windows(operator, surround(operator, np.repeat(x, operator.depth_multiplier, axis=2), 0))
    sums = np.zeros(taps.shape[:3], np.int32)
    for row, column in np.ndindex(*operator.kernel):
        sums += taps[..., row, column] * weights[row, column]
    return _requantised(step, sums)


def transpose_convolution(step: Step) -> np.ndarray:
    """TRANSPOSE_CONV: every input element adds its multiple of the kernel to the output, from the padding on."""
    operator, weights = step.operator, step.values[1]
    (down, right), (rows, columns, channels) = operator.stride, step.output.picture
    height, width, _ = step.x.shape
    x = step.x.astype(np.int16).reshape(height * width, -1) - step.inputs[0].zero_point
    products = _product(x, weights.reshape(-1, weights.shape[3])).reshape(height, width, channels, *operator.kernel)
    # the padding is that of the convolution which this one turns round: over a picture of the output's size
    (top, _), (left, _) = paddings(operator, (rows, columns))
    sums = np.zeros((top + rows + height * down + 16, left + columns + width * right + 16, channels), np.int64)
    for row, column in np.ndindex(*operator.kernel):
        sums[row : row + height * down : down, column : column + width * right : right] += products[..., row, column]
    return _requantised(step, sums[top : top + rows, left : left + columns])


def fully_connected(step: Step) -> np.ndarray:
    """FULLY_CONNECTED over the last ``weights.shape[1]`` elements.

    With one scale for all weights, TensorFlow Lite rounds its product with the input's to float32; with one a channel
    it does not.
    """
    weights = step.values[1]
    x = step.values[0].astype(np.int16).reshape(-1, weights.shape[1]) - step.inputs[0].zero_point
    if len(step.inputs[1].scales) > 1:
        return _requantised(step, _product(x, weights))
    in_float32 = float(np.float32(step.inputs[0].scale) * np.float32(step.inputs[1].scale))
    return _requantised(step, _product(x, weights), [in_float32 / step.output.scale])


def _product(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Matrix product of ``x`` (n, taps) and ``weights`` (channels, taps), both integers, exactly."""
    largest = int(np.abs(x).max(initial=0)) * int(np.abs(weights.astype(np.int64)).sum(axis=1).max(initial=0))
    exact = np.float32 if largest < 1 << 24 else np.float64  # no sum of products can pass 2^40
    return (x.astype(exact) @ weights.astype(exact).T).astype(np.int64)


def _requantised(step: Step, sums: np.ndarray, reals: list[float] | None = None) -> np.ndarray:
    """Bias, multiplier, zero point and clamp; ``sums`` ends in the channels."""
    if reals is None:
        reals = [step.inputs[0].scale * scale / step.output.scale for scale in step.inputs[1].scales]
    bias = step.values[2].astype(np.int64) if len(step.values) == 3 else 0
    total = wrap(sums.reshape(-1, sums.shape[-1]) + bias)
    rounding = {Arithmetic.DOUBLE: requantise, Arithmetic.SINGLE: requantise_once}[step.arithmetic]
    return step.clamp(rounding(total, [multiplier(real) for real in reals]) + step.output.zero_point)
