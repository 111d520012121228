"""What several operators ask of their tensors. Each function raises :class:`BadInput`, beginning with ``at``."""

import numpy as np

from ..errors import BadInput
from .graph import Operator, Padding, Tensor

MAX_CONVOLUTION_KERNEL = 15
MAX_CONVOLUTION_STRIDE = 15
MAX_DILATION = 255
MAX_POOL_KERNEL = 255


def by(pair: tuple[int, ...]) -> str:
    """A size, as people write it."""
    return "x".join(str(n) for n in pair)


def check_activations(at: str, *tensors: Tensor) -> None:
    """One scale each, and int8 where it is a constant."""
    for t in tensors:
        if len(t.scales) != 1:
            raise BadInput(f"{at}: tensor {t.name!r}: found {len(t.scales)} scales, allowed 1 for an activation")
        if t.data is not None and t.data.dtype != np.int8:
            raise BadInput(f"{at}: tensor {t.name!r}: found a constant of {t.data.dtype}, allowed int8")


def check_picture(at: str, *tensors: Tensor) -> None:
    """Four dimensions, batch 1."""
    for t in tensors:
        if len(t.shape) != 4 or t.shape[0] != 1:
            raise BadInput(f"{at}: tensor {t.name!r}: found shape {t.shape}, allowed 4 dimensions with batch 1")


def check_shape(at: str, output: Tensor, *allowed: tuple[int, ...]) -> None:
    """One of the shapes."""
    if output.shape not in allowed:
        text = " or ".join(str(shape) for shape in dict.fromkeys(allowed))
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {text}")


def check_same_quantisation(at: str, a: Tensor, b: Tensor) -> None:
    """TensorFlow Lite moves bytes here; its own check lets scales differ by 10^-6."""
    if a.zero_point != b.zero_point or abs(a.scale - b.scale) > 1e-6:
        raise BadInput(
            f"{at}: tensor {b.name!r}: found scale {b.scale:g} and zero point {b.zero_point}, "
            f"allowed those of the input, {a.scale:g} and {a.zero_point}"
        )


def check_quantisation(at: str, output: Tensor, scale: float, zero_point: int) -> None:
    """The one scale and zero point that the operator knows."""
    if (output.scale, output.zero_point) != (scale, zero_point):
        raise BadInput(
            f"{at}: tensor {output.name!r}: found scale {output.scale:g} and zero point {output.zero_point}, "
            f"allowed 1/{round(1 / scale)} and {zero_point}"
        )


def check_multiplier(at: str, t: Tensor, largest: float) -> None:
    """Shifts to the left end at 30 bits."""
    if largest >= 2.0**30:
        raise BadInput(f"{at}: tensor {t.name!r}: found a multiplier of {largest:g}, allowed below 2^30")


def window(at: str, operator: Operator, source: Tensor, kernel: int, stride: int) -> tuple[int, int]:
    """Rows and columns of the output; the limits are the largest kernel and stride."""
    check_kernel(at, operator, kernel, stride)
    if not all(1 <= n <= MAX_DILATION for n in operator.dilation):
        raise BadInput(f"{at}: found dilation {by(operator.dilation)}, allowed 1x1 to {MAX_DILATION}x{MAX_DILATION}")
    size = source.shape[1:3]
    if operator.padding is Padding.SAME:
        return -(-size[0] // operator.stride[0]), -(-size[1] // operator.stride[1])
    reach = tuple((k - 1) * d + 1 for k, d in zip(operator.kernel, operator.dilation, strict=True))
    if any(k > n for k, n in zip(reach, size, strict=True)):
        raise BadInput(f"{at}: found a kernel of {by(reach)} with padding VALID, allowed up to the input's {by(size)}")
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(size, reach, operator.stride, strict=True))
    return rows, columns


def check_kernel(at: str, operator: Operator, kernel: int, stride: int) -> None:
    """Sizes within the limits."""
    if not all(1 <= n <= kernel for n in operator.kernel):
        raise BadInput(f"{at}: found a kernel of {by(operator.kernel)}, allowed 1x1 to {kernel}x{kernel}")
    if not all(1 <= n <= stride for n in operator.stride):
        raise BadInput(f"{at}: found stride {by(operator.stride)}, allowed 1x1 to {stride}x{stride}")
