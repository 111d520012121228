"""Layers that move pixels: windows whose only weight is 1, and 1x1 convolutions that pick channels."""

from dataclasses import replace

import numpy as np

from ...program_formats import LayerOp
from ..graph import Operator
from ..quantisation import Factor
from .layers import ArrayLayer, Shape
from .storages import Storages

IDENTITY = Factor(1 << 30, 1)


def copied(operators: tuple[Operator, ...], source: str, output: str, shape: Shape) -> ArrayLayer:
    """A layer that hands on every pixel."""
    return ArrayLayer(
        operators, LayerOp.WINDOW, source, output, shape, shape, np.ones((1, 1, shape[2]), np.int8),
        np.zeros(shape[2], np.int32), (IDENTITY,) * shape[2],
    )  # fmt: skip


def picked(operators: tuple[Operator, ...], source: str, output: str, shape: Shape, channels: np.ndarray) -> ArrayLayer:
    """A layer whose output channels are those of the source; -1 is a channel of zeros."""
    weights = np.zeros((len(channels), 1, 1, shape[2]), np.int8)
    used = np.flatnonzero(channels >= 0)
    weights[used, 0, 0, channels[used]] = 1
    count = len(channels)
    return ArrayLayer(
        operators, LayerOp.POINT, source, output, shape, (shape[0], shape[1], count), weights,
        np.zeros(count, np.int32), (IDENTITY,) * count,
    )  # fmt: skip


def constant_picture(storages: Storages, operator: Operator, source: str, shape: Shape, values: np.ndarray) -> str:
    """A storage whose pixels are all ``values``; the source is read and does not count."""
    storage = storages.temporary(operator, shape)
    had = storages.plan.shapes[source]
    layer = copied((operator,), source, storage, shape)
    storages.add(
        replace(
            layer, in_shape=(had[0], had[1], shape[2]), weights=np.zeros((1, 1, shape[2]), np.int8), stride=(0, 0),
            biases=values.astype(np.int32), partial=True,
        )
    )  # fmt: skip
    return storage


def spread_out(storages: Storages, operator: Operator, source: str, had: Shape, shape: Shape) -> str:
    """A storage in which what has one row, column or channel repeats."""
    storage = storages.temporary(operator, shape)
    if had[2] == shape[2]:
        layer = copied((operator,), source, storage, had)
    else:
        layer = picked((operator,), source, storage, had, np.zeros(shape[2], np.int64))
    rows, columns = (0 if n < m else 1 for n, m in zip(had[:2], shape[:2], strict=True))
    storages.add(replace(layer, out_shape=shape, stride=(rows, columns), partial=True))
    return storage
