"""Integer constants among an operator's inputs, as fields of the graph: amounts, axes, slices."""

from typing import Any

import numpy as np

from ..errors import BadInput
from .graph import Tensor

Triple = tuple[int, int, int]
"""Rows, columns, channels."""


def integers(at: str, constant: Tensor, count: int | None = None) -> list[int]:
    """The values of a vector, of ``count`` elements when given."""
    data = constant.data
    wrong = data is None or data.dtype not in (np.int32, np.int64) or len(constant.shape) > 1
    if data is None or wrong or (count is not None and data.size != count):
        many = "some" if count is None else str(count)
        raise BadInput(
            f"{at}: tensor {constant.name!r}: found shape {constant.shape}, allowed {many} integers in a row"
        )
    return [int(n) for n in data.ravel()]


def axis_of(at: str, x: Tensor, axis: int) -> int:
    """Which of rows (0), columns (1), channels (2) of the picture a dimension is; negative ones count from the end."""
    rank = len(x.shape)
    dimension = axis + rank if axis < 0 else axis
    if 0 <= dimension < rank:
        if rank == 4 and x.shape[0] == 1:
            if dimension:
                return dimension - 1
        elif dimension == rank - 1:
            return 2
        elif all(n == 1 for i, n in enumerate(x.shape[:-1]) if i != dimension):
            return 0  # the only one of the leading dimensions that is more than 1
    raise BadInput(f"{at}: tensor {x.name!r}: found axis {axis} of shape {x.shape}, allowed rows, columns or channels")


def amounts_of(at: str, constant: Tensor) -> tuple[int, int, int, int]:
    """Rows and columns that PAD adds; batch and channels stay."""
    amounts = np.zeros((4, 2), np.int64)
    if constant.data is None or constant.shape != (4, 2) or constant.data.dtype not in (np.int32, np.int64):
        raise BadInput(f"{at}: tensor {constant.name!r}: found shape {constant.shape}, allowed 4x2 integers")
    amounts[...] = constant.data
    if amounts[[0, 3]].any() or amounts.min() < 0 or amounts.max() > 255:
        raise BadInput(f"{at}: found amounts {amounts.tolist()}, allowed 0 to 255 for rows and columns alone")
    return int(amounts[1, 0]), int(amounts[1, 1]), int(amounts[2, 0]), int(amounts[2, 1])


def slice_of(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> tuple[Triple, Triple, Triple]:
    """First index, count and distance of a STRIDED_SLICE; ``inputs`` are the tensor and its begins, ends and steps."""
    x = inputs[0]
    rank = len(x.shape)
    begins, ends, steps = (integers(at, t, rank) for t in inputs[1:])
    if options.EllipsisMask() or options.NewAxisMask() or options.Offset():
        raise BadInput(f"{at}: found an ellipsis, a new axis or ends as offsets, allowed begin, end and shrink masks")
    first, count, distance = [0, 0, 0], list(x.picture), [1, 1, 1]
    shape = []
    for dimension, size in enumerate(x.shape):
        begin, step, bit = begins[dimension], steps[dimension], 1 << dimension
        if options.ShrinkAxisMask() & bit:
            begin = begin + size if begin < 0 else begin
            chosen = range(begin, begin + 1) if 0 <= begin < size else range(0)
        elif step < 1:
            raise BadInput(f"{at}: tensor {inputs[3].name!r}: found a step of {step}, allowed 1 and more")
        else:
            masks = options.BeginMask(), options.EndMask()
            low, high = (None if mask & bit else n for mask, n in zip(masks, (begin, ends[dimension]), strict=True))
            chosen = range(size)[low:high:step]
        if not chosen:
            raise BadInput(f"{at}: found nothing left of dimension {dimension} of {x.shape}, allowed 1 and more")
        if not options.ShrinkAxisMask() & bit:
            shape.append(len(chosen))
        if len(chosen) != size:
            axis = axis_of(at, x, dimension)
            first[axis], count[axis], distance[axis] = chosen.start, len(chosen), chosen.step
    if output.shape != tuple(shape):
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {tuple(shape)}")
    return _triple(first), _triple(count), _triple(distance)


def _triple(values: list[int]) -> Triple:
    rows, columns, channels = values
    return rows, columns, channels
