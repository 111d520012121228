"""Pools and pads: windows that pick, sum or move pixels."""

from dataclasses import replace
from itertools import groupby, product

import numpy as np

from ...program_formats import LayerOp
from ..graph import Kind, Operator
from ..quantisation import activation_range
from .copies import IDENTITY, copied
from .layers import ArrayLayer, Shape
from .lower_weighted import MAX_PASSES
from .quotients import MAX_EXACT, quotient
from .scaling import is_onnx, pool_stairs
from .stacks import stacked
from .storages import Storages, pads
from .sums import alone, part_of, passes, summed


def lower_average_pool(storages: Storages, operator: Operator) -> None:
    """AVERAGE_POOL_2D: windows of ones, a layer for each part of the output whose windows hold equally many pixels."""
    (x,), output = storages.tensors(operator)
    storage, shape = storages.picture(operator, x)
    if operator.dilation != (1, 1):
        raise storages.refuse(operator, f"found dilation {operator.dilation}, allowed none")
    minimum, maximum = activation_range(operator.activation, output)
    lead, whole = pads(operator, shape), operator.kernel[0] * operator.kernel[1]
    base = ArrayLayer(
        (operator,), LayerOp.WINDOW, storage, storages.store(output), shape, output.picture, None,
        np.zeros(shape[2], np.int32), (), operator.kernel, operator.stride, pad=lead, minimum=minimum, maximum=maximum,
    )  # fmt: skip
    many = passes(operator.kernel)
    runs = [_runs(shape, output.picture, operator, lead, axis, many > MAX_PASSES) for axis in (0, 1)]
    for (top, rows, count_rows), (left, columns, count_columns) in product(*runs):
        part, count = part_of(base, top, rows, left, columns), count_rows * count_columns
        if is_onnx(storages):
            divisor = whole if operator.count_include_pad else count
            biases = np.full(shape[2], -count * x.zero_point, np.int32)
            part = replace(part, biases=biases, zero_point=output.zero_point)
            layers = stacked(storages, operator, part, pool_stairs(storages, operator, x, output, count, divisor))
        elif count > MAX_EXACT:
            raise storages.refuse(operator, f"found an average of {count} pixels, allowed up to {MAX_EXACT}")
        else:
            layers = [replace(part, factors=(quotient(count),) * shape[2])]
        for layer in layers:
            storages.add(summed(layer, alone(part, many)))


def _runs(
    shape: Shape, out: Shape, operator: Operator, lead: tuple[int, int], axis: int, single: bool
) -> list[tuple[int, int, int]]:
    """First place, number of places and pixels in the window, for runs of places with windows alike."""
    size, kernel, stride = shape[axis], operator.kernel[axis], operator.stride[axis]
    inside = [min(n * stride - lead[axis] + kernel, size) - max(n * stride - lead[axis], 0) for n in range(out[axis])]
    if single:
        return [(n, 1, count) for n, count in enumerate(inside)]
    groups = [[n for n, _ in run] for _, run in groupby(enumerate(inside), key=lambda item: item[1])]
    return [(run[0], len(run), inside[run[0]]) for run in groups]


def lower_max_pool(storages: Storages, operator: Operator) -> None:
    """MAX_POOL_2D."""
    (x,), output = storages.tensors(operator)
    storage, shape = storages.picture(operator, x)
    minimum, maximum = activation_range(operator.activation, output)
    storages.add(
        ArrayLayer(
            (operator,), LayerOp.MAXIMUM, storage, storages.store(output), shape, output.picture, None,
            np.zeros(shape[2], np.int32), (IDENTITY,) * shape[2], operator.kernel, operator.stride,
            operator.dilation, pads(operator, shape), fill=-128, minimum=minimum, maximum=maximum,
        )
    )  # fmt: skip


def lower_pad(storages: Storages, operator: Operator) -> None:
    """PAD: its readers add it to their own padding where they may, otherwise a copy with a border."""
    (x,), output = storages.tensors(operator)
    readers = storages.readers(output.name)
    weighted = all(reader.kind in (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D) for reader in readers)
    top, _, left, _ = operator.amounts
    if readers and weighted and output.name != storages.plan.network.output and x.name not in storages.padded:
        storages.padded[output.name] = (x.name, top, left)
        storages.plan.notes.append(f"{operator} is part of the padding of {', '.join(map(str, readers))}")
        return
    if x.name in storages.padded:
        raise storages.refuse(operator, f"tensor {x.name!r}: found a PAD of a PAD, allowed one")
    storage, shape = storages.picture(operator, x)
    copy = copied((operator,), storage, storages.store(output), shape)
    storages.add(replace(copy, out_shape=output.picture, pad=(top, left), fill=output.zero_point))
