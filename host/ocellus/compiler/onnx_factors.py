"""What ONNX Runtime's float32 scaling makes of every integer sum, as the thresholds that exact integer forms must meet.

Its kernels compute ``zero_point + rint(float32(sum) * float32 factor)``: the product is rounded to 24 bits before
halves go to the even neighbour. The accelerator computes ``zero_point + ((sum * multiplier + half) >> right)``. Both
rise with the sum, so they are equal when they step at the same sums: :mod:`.onnx_stairs` finds what does.
"""

from collections.abc import Callable

import numpy as np

from .graph import Kind, Operator, Tensor
from .onnx_thresholds import Thresholds

_F = np.float32
MAX_TAPS = 1024
"""Of an average pool whose float32 sums are followed tap by tap."""


def float_factors(operator: Operator, inputs: list[Tensor], output: Tensor) -> np.ndarray:
    """The float32 factor of each channel's sum, in ONNX Runtime's order of operations.

    For CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, and for MEAN over a whole picture, whose sum has one factor.
    """
    x_scale, y_scale = _F(inputs[0].scale), _F(output.scale)
    if operator.kind is Kind.MEAN:
        rows, columns, _ = inputs[0].picture
        return np.array([x_scale / (y_scale * _F(rows * columns))])
    factors = x_scale * np.array(inputs[1].scales, _F) / y_scale
    return np.broadcast_to(factors, (output.picture[2],)).copy()


def reachable_sums(operator: Operator, inputs: list[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest sum of each channel, bias included, over all inputs; padding counts as zero."""
    x = inputs[0]
    low, high = -128 - x.zero_point, 127 - x.zero_point
    if operator.kind is Kind.MEAN:
        rows, columns, _ = x.picture
        return np.array([rows * columns * low]), np.array([rows * columns * high])
    weights = np.asarray(inputs[1].data).astype(np.int64)
    channels = weights.shape[-1] if operator.kind is Kind.DEPTHWISE_CONV_2D else weights.shape[0]
    taps = weights.reshape(-1, channels).T if operator.kind is Kind.DEPTHWISE_CONV_2D else weights.reshape(channels, -1)
    bias = np.asarray(inputs[2].data).astype(np.int64) if len(inputs) == 3 else np.zeros(channels, np.int64)
    smallest = np.minimum(np.minimum(taps * low, taps * high), 0).sum(axis=1)
    largest = np.maximum(np.maximum(taps * low, taps * high), 0).sum(axis=1)
    return bias + smallest, bias + largest


def sum_thresholds(operator: Operator, inputs: list[Tensor], output: Tensor) -> list[Thresholds]:
    """One for each channel of an operator that scales integer sums (see :func:`float_factors`)."""
    factors = float_factors(operator, inputs, output)
    low, high = reachable_sums(operator, inputs)
    if (low < -(1 << 31)).any() or (high >= 1 << 31).any():  # both sides wrap: then any sum may occur
        low, high = np.full_like(low, -(1 << 31)), np.full_like(high, (1 << 31) - 1)
    return thresholds(factors, low, high, -128 - output.zero_point, 127 - output.zero_point)


def thresholds(factors: np.ndarray, low: np.ndarray, high: np.ndarray, bottom: int, top: int) -> list[Thresholds]:
    """For each float32 factor and its range of sums; results are clamped to ``bottom`` and ``top``."""
    scale = factors.astype(_F)[:, np.newaxis]

    def result(sums: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(sums.astype(_F) * scale), bottom, top)

    at = _first_sums(result, low, high, np.arange(bottom + 1, top + 1))
    ends = zip(factors.tolist(), low.tolist(), high.tolist(), at, strict=True)
    return [Thresholds(real, least, most, bottom, top, steps) for real, least, most, steps in ends]


def _first_sums(
    result: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """(channel, level): the smallest sum in range whose result is at least the level; ``high + 1`` where none is."""
    below = np.broadcast_to(low[:, np.newaxis] - 1, (len(low), len(levels))).copy()
    reached = np.broadcast_to(high[:, np.newaxis] + 1, below.shape).copy()
    while (reached - below > 1).any():
        middle = (below + reached) >> 1
        enough = (result(middle) >= levels) & (reached - below > 1)
        reached = np.where(enough, middle, reached)
        below = np.where(enough, below, np.where(reached - below > 1, middle, below))
    return reached


def pool_thresholds(x: Tensor, output: Tensor, taps: int, count: int) -> Thresholds | int:
    """Of AVERAGE_POOL_2D: ``taps`` of the window lie inside the picture, and their sum is divided by ``count``.

    The kernel adds dequantised taps in float32, so the total of an integer sum depends on how it comes about. Float
    addition rises with both its operands; so the least and the largest total of each integer sum follow tap by tap.
    Where both give one result, all totals between them do. Otherwise the integer sum does not decide: the first such
    sum is returned, or ``taps`` beyond :data:`MAX_TAPS`, where nobody has followed them.
    """
    if taps > MAX_TAPS:
        return taps
    values = (np.arange(-128, 128) - x.zero_point).astype(_F) * _F(x.scale)
    least = most = np.zeros(1, _F)
    for _ in range(taps):
        lows, highs = (np.full(len(least) + 255, end, _F) for end in (np.inf, -np.inf))
        for n, value in enumerate(values):
            here = slice(n, n + len(least))
            lows[here], highs[here] = np.minimum(lows[here], least + value), np.maximum(highs[here], most + value)
        least, most = lows, highs
    zero_point, above = output.zero_point, 128 if output.unsigned else 0
    bottom, top = -128 - zero_point, 127 - zero_point
    zero = _F(zero_point + above)
    first, last = (
        np.clip(np.rint(total / _F(count) / _F(output.scale) + zero) - zero, bottom, top) for total in (least, most)
    )
    low = taps * (-128 - x.zero_point)
    if (first != last).any():
        return low + int(np.argmax(first != last))
    at = low + np.searchsorted(first, np.arange(bottom + 1, top + 1))
    real = float(_F(x.scale)) / (count * float(_F(output.scale)))
    return Thresholds(real, low, low + len(first) - 1, bottom, top, at)
