"""Operators that pool, average, move or resample: what happens to places, with little arithmetic."""

from math import floor

import numpy as np

from .cnn_arithmetic import multiplier, requantise, softmax
from .cnn_step import Step
from .cnn_weighted import surround, windows


def average_pool(step: Step) -> np.ndarray:
    """AVERAGE_POOL_2D over what of the window lies inside, halves away from zero."""
    total = windows(step.operator, surround(step.operator, step.x.astype(np.int64), 0)).sum(axis=(3, 4))
    inside = surround(step.operator, np.ones((*step.x.shape[:2], 1), np.int64), 0)
    count = windows(step.operator, inside).sum(axis=(3, 4))
    magnitude = (np.abs(total) + count // 2) // count
    return step.clamp(np.where(total < 0, -magnitude, magnitude))


def max_pool(step: Step) -> np.ndarray:
    """MAX_POOL_2D."""
    return step.clamp(windows(step.operator, surround(step.operator, step.x, -128)).max(axis=(3, 4)))


def mean(step: Step) -> np.ndarray:
    """MEAN over rows, columns or both; the count goes into the multiplier, which loses its lowest bits."""
    axes = step.operator.axes
    count = int(np.prod([step.x.shape[axis] for axis in axes]))
    total = step.x.sum(axis=axes, dtype=np.int64) - count * step.inputs[0].zero_point
    m, e = multiplier(step.inputs[0].scale / step.output.scale)
    up = min(count.bit_length() - 1, 32, 31 + e)
    return step.clamp(requantise(total, [((m << up) // count, e - up)]) + step.output.zero_point)


def pad(step: Step) -> np.ndarray:
    """PAD with the zero point."""
    top, bottom, left, right = step.operator.amounts
    return np.pad(step.x, ((top, bottom), (left, right), (0, 0)), constant_values=step.output.zero_point)


def reshape(step: Step) -> np.ndarray:
    """RESHAPE."""
    return step.values[0]


def concatenation(step: Step) -> np.ndarray:
    """CONCATENATION."""
    return np.concatenate([step.picture(i) for i in range(len(step.inputs))], step.operator.axes[0])


def strided_slice(step: Step) -> np.ndarray:
    """STRIDED_SLICE."""
    rows, columns, channels = (
        slice(first, first + (count - 1) * distance + 1, distance)
        for first, count, distance in zip(step.operator.begin, step.operator.count, step.operator.step, strict=True)
    )
    return step.x[rows, columns, channels]


def resize_nearest(step: Step) -> np.ndarray:
    """RESIZE_NEAREST_NEIGHBOR; places are computed in float32."""
    rows, columns = (
        [_nearest(i, source, size, step) for i in range(size)]
        for source, size in zip(step.x.shape[:2], step.output.picture[:2], strict=True)
    )
    return step.x[np.ix_(rows, columns)]


def _nearest(index: int, source: int, size: int, step: Step) -> int:
    corners = step.operator.align_corners
    last = 1 if corners and size > 1 else 0  # the last places meet, not the ends of the picture
    scale = np.float32(source - last) / np.float32(size - last)
    offset = 0.5 if step.operator.half_pixel_centers else 0.0
    place = float(np.float32(index + offset) * scale)
    return min(floor(place + 0.5) if corners else floor(place), source - 1)


def resize_bilinear(step: Step) -> np.ndarray:
    """RESIZE_BILINEAR with 10 fraction bits a direction, halves away from zero."""
    (y0, y1, dy), (x0, x1, dx) = (
        _neighbours(source, size, step) for source, size in zip(step.x.shape[:2], step.output.picture[:2], strict=True)
    )
    x = step.x.astype(np.int64)
    dy, dx = dy[:, None, None], dx[None, :, None]
    upper = x[y0][:, x0] * (1024 - dx) + x[y0][:, x1] * dx
    lower = x[y1][:, x0] * (1024 - dx) + x[y1][:, x1] * dx
    total = upper * (1024 - dy) + lower * dy
    magnitude = (np.abs(total) + (1 << 19)) >> 20
    return np.where(total < 0, -magnitude, magnitude).astype(np.int8)


def _neighbours(source: int, size: int, step: Step) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper neighbour and the distance from the lower one in 1024ths, for every place of the output."""
    if step.operator.align_corners and size > 1:
        scale = (1024 * (source - 1) + (size - 1) // 2) // (size - 1)
    else:
        scale = (1024 * source + size // 2) // size
    place = np.arange(size) * scale
    if step.operator.half_pixel_centers:
        place += scale // 2 - 512
    lower = np.maximum(place, 0) >> 10  # below 0 both neighbours are the first, whatever the distance
    upper = np.minimum(np.maximum(place + 1023, 0) >> 10, source - 1)
    return lower, upper, place - (lower << 10)


def soft_maximum(step: Step) -> np.ndarray:
    """SOFTMAX over the last axis."""
    return softmax(step.values[0], step.inputs[0].scale, step.operator.beta)
