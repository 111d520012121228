"""CONCATENATION, STRIDED_SLICE and RESIZE_NEAREST_NEIGHBOR: copies from somewhere to somewhere."""

from dataclasses import replace
from itertools import product
from math import floor

import numpy as np

from ..graph import Operator, Tensor
from ..onnx_tables import float_table
from .copies import copied, picked
from .layers import ArrayLayer, Combination, Shape
from .quotients import EXACT_SUM
from .runs import Run, runs_of
from .storages import Storages

_MOST_COPIES = 36
"""Of a resize in one go; otherwise rows and columns one after the other."""


def lower_concatenation(storages: Storages, operator: Operator) -> None:
    """A copy of each part to its place. Where a part begins inside a word, it is added to the bytes before it."""
    inputs, output = storages.tensors(operator)
    (axis,) = operator.axes
    sources = [_rescaled(storages, operator, tensor, output) for tensor in inputs]
    storage, at, word = storages.store(output), 0, storages.plan.sizes.word
    for source, shape in sources:
        origin = [0, 0, 0]
        origin[axis] = at
        at += shape[axis]
        inside = origin[2] % word
        if not inside:
            copy = copied((operator,), source, storage, shape)
            storages.add(replace(copy, out_origin=_shape(origin)))
            continue
        origin[2] -= inside
        channels = np.arange(-(-(inside + shape[2]) // word) * word) - inside
        channels[channels >= shape[2]] = -1
        channels = np.maximum(channels, -1)
        first = picked((operator,), source, storage, shape, channels[:word])
        combination = Combination(storage, (0, 0, 0), EXACT_SUM[1], (EXACT_SUM[0], EXACT_SUM[0]))
        storages.add(replace(first, out_origin=_shape(origin), combination=combination, partial=True))
        if len(channels) > word:
            origin[2] += word
            rest = picked((operator,), source, storage, shape, channels[word:])
            storages.add(replace(rest, out_origin=_shape(origin), partial=True))


def _rescaled(storages: Storages, operator: Operator, tensor: Tensor, output: Tensor) -> tuple[str, Shape]:
    """The storage of a part, with the output's scale: ONNX Runtime lets each have its own."""
    source, shape = storages.picture(operator, tensor)
    if (tensor.scale, tensor.zero_point) == (output.scale, output.zero_point):
        return source, shape
    storage = storages.temporary(operator, shape)
    table = tuple(float_table(operator, tensor, output).tolist())
    storages.add(replace(copied((operator,), source, storage, shape), table=table, partial=True))
    return storage, shape


def lower_slice(storages: Storages, operator: Operator) -> None:
    """STRIDED_SLICE: windows with a stride; where channels do not begin with a word, a convolution that picks them."""
    (x,), output = storages.tensors(operator)
    source, shape = storages.picture(operator, x)
    count, begin, step = operator.count, operator.begin, operator.step
    out_shape = output.picture if output.size == output.picture[2] * count[0] * count[1] else count
    storage = storages.store(output, count if out_shape != output.picture else output.picture)
    storages.plan.shapes[storage] = count
    left = (shape[0] - begin[0], shape[1] - begin[1])
    if begin[2] % storages.plan.sizes.word == 0 and step[2] == 1:
        layer = copied((operator,), source, storage, (*left, count[2]))
        origin = begin
    else:
        channels = begin[2] + step[2] * np.arange(count[2])
        layer = picked((operator,), source, storage, (*left, shape[2]), channels)
        origin = (begin[0], begin[1], 0)
    storages.add(replace(layer, in_origin=origin, out_shape=count, stride=(step[0], step[1])))


def lower_resize_nearest(storages: Storages, operator: Operator) -> None:
    """RESIZE_NEAREST_NEIGHBOR: a copy for each run of output rows and columns whose sources lie equally far apart."""
    (x,), output = storages.tensors(operator)
    source, shape = storages.picture(operator, x)
    rows, columns = (
        runs_of([(_nearest(i, had, size, operator),) for i in range(size)])
        for had, size in zip(shape[:2], output.picture[:2], strict=True)
    )
    storage = storages.store(output)
    if len(rows) * len(columns) > _MOST_COPIES:  # rows first, then columns
        tall = storages.temporary(operator, (output.picture[0], shape[1], shape[2]))
        for layer in _copies(operator, source, tall, shape, rows, [Run(0, shape[1], 1, (0,), 1)]):
            storages.add(replace(layer, partial=True))
        source, shape = tall, storages.plan.shapes[tall]
        rows = [Run(0, shape[0], 1, (0,), 1)]
    for layer in _copies(operator, source, storage, shape, rows, columns):
        storages.add(layer)


def _copies(
    operator: Operator, source: str, storage: str, shape: Shape, rows: list[Run], columns: list[Run]
) -> list[ArrayLayer]:
    copy = copied((operator,), source, storage, shape)
    return [
        replace(
            copy,
            in_origin=(down.begin[0], right.begin[0], 0),
            in_shape=(shape[0] - down.begin[0], shape[1] - right.begin[0], shape[2]),
            out_shape=(down.count, right.count, shape[2]),
            out_origin=(down.first, right.first, 0),
            out_step=(down.step, right.step),
            stride=(down.stride, right.stride),
        )
        for down, right in product(rows, columns)
    ]


def _nearest(index: int, source: int, size: int, operator: Operator) -> int:
    """The source of an output place, by float32 as TensorFlow Lite has it."""
    last = 1 if operator.align_corners and size > 1 else 0
    scale = np.float32(source - last) / np.float32(size - last)
    offset = np.float32(0.5) if operator.half_pixel_centers else np.float32(0)
    place = float((np.float32(index) + offset) * scale)
    return min(floor(place + 0.5) if operator.align_corners else floor(place), source - 1)


def _shape(numbers: list[int]) -> Shape:
    return numbers[0], numbers[1], numbers[2]
