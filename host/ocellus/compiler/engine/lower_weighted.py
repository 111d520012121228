"""Convolutions, depthwise convolutions and fully connected layers as layers of the array."""

from dataclasses import replace

import numpy as np

from ...program_formats import LayerOp
from ..graph import Operator, Tensor
from ..quantisation import activation_range
from .layers import ArrayLayer
from .scaling import weighted_stairs
from .stacks import stacked
from .storages import Storages, constant, pads

MAX_PASSES = 16
"""Sets of window weights that the array holds."""


def lower_convolution(storages: Storages, operator: Operator) -> None:
    """CONV_2D."""
    inputs, _ = storages.tensors(operator)
    _lower(storages, operator, LayerOp.POINT, constant(inputs[1]))


def lower_depthwise(storages: Storages, operator: Operator) -> None:
    """DEPTHWISE_CONV_2D: windows; a convolution where a channel feeds several or the kernel is large."""
    inputs, _ = storages.tensors(operator)
    weights = constant(inputs[1])[0]
    rows, columns, out = weights.shape
    passes = rows * columns if max(operator.dilation) > 1 else -(-rows // 3) * -(-columns // 3)
    if operator.depth_multiplier == 1 and passes <= MAX_PASSES:
        _lower(storages, operator, LayerOp.WINDOW, weights)
        return
    dense = np.zeros((out, rows, columns, out // operator.depth_multiplier), np.int8)
    channel = np.arange(out)
    dense[channel, :, :, channel // operator.depth_multiplier] = weights.transpose(2, 0, 1)
    storages.plan.notes.append(f"{operator} runs as a convolution with zero weights between channels")
    _lower(storages, operator, LayerOp.POINT, dense)


def _lower(storages: Storages, operator: Operator, op: LayerOp, weights: np.ndarray) -> None:
    inputs, output = storages.tensors(operator)
    x, (top, left) = inputs[0], pads(operator, inputs[0].picture)
    if x.name in storages.padded:
        source, above, before = storages.padded[x.name]
        top, left = top + above, left + before
        x = replace(x, name=source, shape=storages.plan.network.tensors[source].shape)
    storage, shape = storages.picture(operator, x)
    sums = weights.sum(axis=(1, 2, 3) if op is LayerOp.POINT else (0, 1), dtype=np.int64)
    minimum, maximum = activation_range(operator.activation, output)
    layer = ArrayLayer(
        (operator,), op, storage, storages.store(output), shape, output.picture, weights,
        biases(x, inputs, sums), (), operator.kernel, operator.stride, operator.dilation, (top, left),
        x.zero_point, output.zero_point, minimum, maximum,
    )  # fmt: skip
    stairs = weighted_stairs(storages, operator, [x, *inputs[1:]], output, len(sums))
    for part in stacked(storages, operator, layer, stairs):
        storages.add(part)


def lower_fully_connected(storages: Storages, operator: Operator) -> None:
    """FULLY_CONNECTED: over one pixel a 1x1 convolution, over a flattened picture one whose kernel is the picture."""
    inputs, output = storages.tensors(operator)
    x, values = inputs[0], constant(inputs[1])
    channels, depth = values.shape
    storage = storages.plan.stored_as[x.name]
    shape = storages.plan.shapes[storage]
    if shape[2] == depth:
        kernel, out_shape = (1, 1), (shape[0], shape[1], channels)
    elif shape[0] * shape[1] * shape[2] == depth:
        kernel, out_shape = (shape[0], shape[1]), (1, 1, channels)
    else:
        raise storages.refuse(
            operator,
            f"tensor {x.name!r}: found {depth} inputs of a picture of {shape}, allowed all of it or its channels",
        )
    weights = values.reshape(channels, *kernel, shape[2])
    minimum, maximum = activation_range(operator.activation, output)
    layer = ArrayLayer(
        (operator,), LayerOp.POINT, storage, storages.store(output, out_shape), shape, out_shape, weights,
        biases(x, inputs, values.sum(axis=1, dtype=np.int64)), (), kernel,
        fill=x.zero_point, zero_point=output.zero_point, minimum=minimum, maximum=maximum,
    )  # fmt: skip
    stairs = weighted_stairs(storages, operator, inputs, output, channels)
    for part in stacked(storages, operator, layer, stairs):
        storages.add(part)


def biases(x: Tensor, inputs: list[Tensor], sums: np.ndarray) -> np.ndarray:
    """Biases minus what the zero point adds to every sum, modulo 2^32 as the accumulator is."""
    given = inputs[2].data if len(inputs) == 3 else None
    bias = np.zeros(len(sums), np.int64) if given is None else given.astype(np.int64).reshape(-1)
    return (bias - x.zero_point * sums).astype(np.int32)
