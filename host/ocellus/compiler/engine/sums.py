"""Windows that sum: parts of their output, and windows of more passes than there are sets of weights."""

from dataclasses import replace

import numpy as np

from .layers import ArrayLayer
from .lower_weighted import MAX_PASSES


def passes(kernel: tuple[int, int]) -> int:
    """Windows of 3x3 taps that make up one of ``kernel``."""
    return -(-kernel[0] // 3) * -(-kernel[1] // 3)


def alone(layer: ArrayLayer, count: int) -> bool:
    """Whether windows of ``count`` passes go one by one, with one set: there are too many sets, or there is one place.

    A single window may be cut at its end, so that what lies behind it counts as nothing, whatever its weight is.
    """
    return count > MAX_PASSES or (count > 1 and layer.out_shape[:2] == (1, 1))


def part_of(layer: ArrayLayer, top: int, rows: int, left: int, columns: int) -> ArrayLayer:
    """Those output pixels alone. The source's picture is cut where no window of theirs reaches to the left or above."""
    first = [place * stride - pad for place, stride, pad in zip((top, left), layer.stride, layer.pad, strict=True)]
    y, x = max(first[0], 0), max(first[1], 0)
    h, w, c = layer.in_shape
    return replace(
        layer,
        in_shape=(h - y, w - x, c),
        in_origin=(y, x, 0),
        pad=(max(-first[0], 0), max(-first[1], 0)),
        out_shape=(rows, columns, c),
        out_origin=(top, left, 0),
    )


def summed(layer: ArrayLayer, single: bool) -> ArrayLayer:
    """With weights of one; a single window of many passes takes one set, and what lies behind the window is cut off."""
    rows, columns = layer.kernel
    channels = layer.in_shape[2]
    if not single:
        return replace(layer, weights=np.ones((rows, columns, channels), np.int8))
    inside = (
        min(rows - layer.pad[0], layer.in_shape[0]),
        min(columns - layer.pad[1], layer.in_shape[1]),
        channels,
    )
    return replace(
        layer, in_shape=inside, kernel=inside[:2], stride=(1, 1), pad=(0, 0),
        weights=np.ones((1, 1, channels), np.int8), shared=True,
    )  # fmt: skip
