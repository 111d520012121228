"""TRANSPOSE_CONV and RESIZE_BILINEAR: a layer for each phase of output places, all taking the same taps."""

from itertools import product
from math import gcd

import numpy as np

from ...program_formats import LayerOp
from ..graph import Operator
from ..quantisation import activation_range, convolution_factors
from .layers import ArrayLayer, Shape
from .lower_weighted import biases
from .quotients import quotient
from .runs import Run, runs_of
from .storages import Storages, constant, pads

_LARGEST_SUM = 2048
"""Of weights: they are shared out among up to 16 passes, and a power of two divides exactly up to here."""


def lower_transpose_convolution(storages: Storages, operator: Operator) -> None:
    """Output places that lie a stride apart meet the same kernel rows and columns: a convolution for each phase."""
    inputs, output = storages.tensors(operator)
    x, weights = inputs[0], constant(inputs[1])
    source, shape = storages.picture(operator, x)
    storage, minimum_maximum = storages.store(output), activation_range(operator.activation, output)
    lead = pads(operator, output.picture)
    factors = tuple(convolution_factors(inputs[0], inputs[1], output, len(weights)))
    sides = [_phases(output.picture[n], operator.kernel[n], operator.stride[n], lead[n], shape[n]) for n in (0, 1)]
    for (top, rows, down, begin_y, pad_y), (left, columns, right, begin_x, pad_x) in product(*sides):
        part = weights[:, down, :, :][:, :, right, :]
        if not part.size:  # no tap reaches these places: the bias alone
            part = np.zeros((len(weights), 1, 1, shape[2]), np.int8)
        sums = part.sum(axis=(1, 2, 3), dtype=np.int64)
        storages.add(
            ArrayLayer(
                (operator,), LayerOp.POINT, source, storage, (shape[0] - begin_y, shape[1] - begin_x, shape[2]),
                (rows, columns, len(weights)), part, biases(x, inputs, sums), factors,
                (part.shape[1], part.shape[2]), pad=(pad_y, pad_x), fill=x.zero_point, zero_point=output.zero_point,
                minimum=minimum_maximum[0], maximum=minimum_maximum[1], in_origin=(begin_y, begin_x, 0),
                out_origin=(top, left, 0), out_step=operator.stride,
            )
        )  # fmt: skip


def _phases(size: int, kernel: int, stride: int, lead: int, had: int) -> list[tuple[int, int, np.ndarray, int, int]]:
    """First output place, how many, kernel places in the order of the source, first source, pad in front of it."""
    found = []
    for first in range(min(stride, size)):
        phase = (first + lead) % stride
        taps = np.arange(phase, kernel, stride)[::-1]
        start = (first + lead) // stride - max(len(taps) - 1, 0)
        begin = min(max(start, 0), had - 1)
        found.append((first, -(-(size - first) // stride), taps, begin, begin - start))
    return found


def lower_resize_bilinear(storages: Storages, operator: Operator) -> None:
    """RESIZE_BILINEAR: weights are 1024ths of both directions; they fit where their denominators are small enough."""
    (x,), output = storages.tensors(operator)
    source, shape = storages.picture(operator, x)
    sides = [runs_of(_neighbours(had, size, operator)) for had, size in zip(shape[:2], output.picture[:2], strict=True)]
    _check_parts(storages, operator, *sides)
    storage = storages.store(output)
    for rows, columns in product(*sides):
        down, right = _taps(rows), _taps(columns)
        weights = np.repeat(np.multiply.outer(down, right)[:, :, None], shape[2], axis=2)
        out_shape: Shape = (rows.count, columns.count, shape[2])
        storages.add(
            ArrayLayer(
                (operator,), LayerOp.WINDOW, source, storage,
                (shape[0] - rows.begin[0], shape[1] - columns.begin[0], shape[2]), out_shape, weights,
                np.zeros(shape[2], np.int32), (quotient(weights[..., 0].sum()),) * shape[2], (len(down), len(right)),
                (rows.stride, columns.stride), in_origin=(rows.begin[0], columns.begin[0], 0),
                out_origin=(rows.first, columns.first, 0), out_step=(rows.step, columns.step),
                repeats=-(-int(weights.max()) // 127),
            )
        )  # fmt: skip


def _check_parts(storages: Storages, operator: Operator, rows: list[Run], columns: list[Run]) -> None:
    parts = [max(sum(_taps(run)) for run in side) for side in (rows, columns)]
    if parts[0] * parts[1] > _LARGEST_SUM:
        raise storages.refuse(
            operator,
            f"found places in {parts[0]}ths of rows and {parts[1]}ths of columns, allowed a product of {_LARGEST_SUM}: "
            "sizes that grow by 2, 4, 8 or 16",
        )
    count, allowed = len(rows) * len(columns), storages.plan.sizes.layers
    if count > allowed:
        raise storages.refuse(
            operator, f"found {len(rows)}x{len(columns)} patterns of places, a layer each, allowed {allowed} altogether"
        )


def _neighbours(had: int, size: int, operator: Operator) -> list[tuple[int, int, int]]:
    """For every output place: the source below it, how far the one above is (0 or 1), and the distance in 1024ths."""
    last = 1 if operator.align_corners and size > 1 else 0
    scale = (1024 * (had - last) + (size - last) // 2) // (size - last)
    offset = scale // 2 - 512 if operator.half_pixel_centers else 0
    found = []
    for n in range(size):
        place = n * scale + offset
        lower = max(place, 0) >> 10
        upper = min(max(place + 1023, 0) >> 10, had - 1)
        distance = place - (lower << 10) if upper > lower else 0
        found.append((lower, upper - lower, distance))
    return found


def _taps(run: Run) -> np.ndarray:
    """Weights of a place's neighbours, as small as they can be."""
    _, reach, distance = run.begin
    return np.array([1024 - distance, distance][: reach + 1]) // gcd(1024, distance)
