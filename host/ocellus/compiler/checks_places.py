"""What the operators ask that pool, average, move or resample."""

from math import prod

from ..errors import BadInput
from .checks_common import (
    MAX_POOL_KERNEL,
    by,
    check_activations,
    check_multiplier,
    check_picture,
    check_same_quantisation,
    check_shape,
    window,
)
from .graph import Kind, Operator, Tensor


def check_pool(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    x = inputs[0]
    _check_pictures(at, x, output)
    rows, columns = window(at, operator, x, MAX_POOL_KERNEL, MAX_POOL_KERNEL)
    check_shape(at, output, (1, rows, columns, x.shape[3]))


def check_mean(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """MEAN over rows, columns or both."""
    x = inputs[0]
    check_activations(at, x, output)
    check_multiplier(at, output, x.scale / output.scale)
    kept = tuple(1 if axis in operator.axes else n for axis, n in enumerate(x.picture))
    if output.size != prod(kept):
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {by(kept)} elements")


def check_pad(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """PAD of rows and columns."""
    x = inputs[0]
    _check_pictures(at, x, output)
    top, bottom, left, right = operator.amounts
    check_shape(at, output, (1, x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]))


def check_reshape(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """RESHAPE."""
    x = inputs[0]
    check_activations(at, x, output)
    check_same_quantisation(at, x, output)
    if x.size != output.size or not output.shape:
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {x.size} elements")


def check_concatenation(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """CONCATENATION: every other side equal; scales and zero points exactly those of the output."""
    check_activations(at, *inputs, output)
    (axis,) = operator.axes
    want = list(inputs[0].picture)
    want[axis] = sum(t.picture[axis] for t in inputs)
    for t in inputs:
        if (t.scale, t.zero_point) != (output.scale, output.zero_point):
            raise BadInput(
                f"{at}: tensor {t.name!r}: found scale {t.scale:g} and zero point {t.zero_point}, "
                f"allowed those of the output, {output.scale:g} and {output.zero_point}"
            )
        if len(t.shape) != len(output.shape) or any(
            n != m for i, (n, m) in enumerate(zip(t.picture, want, strict=True)) if i != axis
        ):
            raise BadInput(
                f"{at}: tensor {t.name!r}: found shape {t.shape}, allowed that of {inputs[0].name!r}, "
                f"{inputs[0].shape}, but for one dimension"
            )
    if output.picture != tuple(want):
        raise BadInput(
            f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed a picture of {by(tuple(want))}"
        )


def check_slice(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """STRIDED_SLICE."""
    x = inputs[0]
    check_activations(at, x, output)
    check_same_quantisation(at, x, output)
    if output.size != prod(operator.count):
        raise BadInput(
            f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {by(operator.count)} elements"
        )


def check_resize(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """Both RESIZE operators; in 10 fraction bits, the last place can lie behind the picture."""
    x = inputs[0]
    _check_pictures(at, x, output)
    check_shape(at, output, (1, *output.shape[1:3], x.shape[3]))
    if operator.align_corners and operator.half_pixel_centers:
        raise BadInput(f"{at}: found align_corners and half_pixel_centers, allowed one of them")
    if operator.kind is not Kind.RESIZE_BILINEAR:
        return
    for source, size in zip(x.shape[1:3], output.shape[1:3], strict=True):
        last = 1 if operator.align_corners and size > 1 else 0
        scale = (1024 * (source - last) + (size - last) // 2) // (size - last)
        place = (size - 1) * scale + (scale // 2 - 512 if operator.half_pixel_centers else 0)
        if place >= 1024 * source:
            raise BadInput(
                f"{at}: found a resize from {source} to {size}, allowed sizes whose places, in 1024ths, stay inside"
            )


def _check_pictures(at: str, x: Tensor, output: Tensor) -> None:
    check_activations(at, x, output)
    check_picture(at, x, output)
    check_same_quantisation(at, x, output)
