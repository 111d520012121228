"""Constants as second operands: pictures that layers write from their biases or weights."""

import numpy as np

from ...program_formats import LayerOp
from ..graph import Operator, Tensor
from .copies import IDENTITY, constant_picture, spread_out
from .layers import ArrayLayer, Shape
from .storages import Storages


def constant_values(tensor: Tensor, like: Tensor) -> np.ndarray:
    """A constant that repeats along axes, in the shape of the picture ``like``."""
    assert tensor.data is not None
    return np.broadcast_to(tensor.data, like.shape).reshape(like.picture)


def constant_operand(storages: Storages, operator: Operator, source: str, values: np.ndarray) -> str:
    """A storage that holds ``values`` (int8: rows, columns, channels).

    The same values everywhere are biases. Others are the weights of a convolution over a picture of a single 1, each
    of whose outputs sees that pixel through another tap. The storage ``source`` is read and does not count.
    """
    rows, columns, channels = values.shape
    shape: Shape = (rows, columns, channels)
    small = values[:1] if (values == values[:1]).all() else values
    small = small[:, :1] if (small == small[:, :1]).all() else small
    kernel = small.shape[:2]
    if kernel == (1, 1):
        return constant_picture(storages, operator, source, shape, small.reshape(-1))
    one = constant_picture(storages, operator, source, (1, 1, 1), np.ones(1, np.int64))
    storage = storages.temporary(operator, (*kernel, channels))
    weights = small[::-1, ::-1].transpose(2, 0, 1)[..., np.newaxis].astype(np.int8)
    layer = ArrayLayer(
        (operator,), LayerOp.POINT, one, storage, (1, 1, 1), (*kernel, channels), weights,
        np.zeros(channels, np.int32), (IDENTITY,) * channels, kernel, pad=(kernel[0] - 1, kernel[1] - 1), partial=True,
    )  # fmt: skip
    storages.add(layer)
    had: Shape = (kernel[0], kernel[1], channels)
    return storage if had == shape else spread_out(storages, operator, storage, had, shape)
