"""What the accelerator's operators ask of shapes and quantisation, whichever file they come from."""

from collections.abc import Mapping

import numpy as np

from ..errors import BadInput
from .graph import Activation, Kind, Operator, Padding, Tensor

MAX_CONVOLUTION_KERNEL = 15
MAX_POOL_KERNEL = 255


def check_operator(at: str, operator: Operator, tensors: Mapping[str, Tensor]) -> None:
    """:class:`BadInput`, beginning with ``at``, when the accelerator cannot run the operator."""
    inputs, output = [tensors[name] for name in operator.inputs], tensors[operator.output]
    _CHECKS[operator.kind](at, operator, inputs, output)
    _check_activation(at, operator, output)


def _check_activation(at: str, operator: Operator, output: Tensor) -> None:
    """The clamp's ends are computed at the output's scale in 32 bits."""
    if operator.activation is not Activation.NONE and 6 / output.scale >= 2.0**31:
        raise BadInput(f"{at}: tensor {output.name!r}: found scale {output.scale:g}, allowed 2^-28 and more")


def _check_activations(at: str, *tensors: Tensor) -> None:
    for t in tensors:
        if len(t.scales) != 1:
            raise BadInput(f"{at}: tensor {t.name!r}: found {len(t.scales)} scales, allowed 1 for an activation")


def _check_picture(at: str, *tensors: Tensor) -> None:
    for t in tensors:
        if len(t.shape) != 4 or t.shape[0] != 1:
            raise BadInput(f"{at}: tensor {t.name!r}: found shape {t.shape}, allowed 4 dimensions with batch 1")


def _check_shape(at: str, output: Tensor, want: tuple[int, ...]) -> None:
    if output.shape != want:
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {want}")


def _check_same_quantisation(at: str, a: Tensor, b: Tensor) -> None:
    """TensorFlow Lite moves bytes here; its own check lets scales differ by 10^-6."""
    if a.zero_point != b.zero_point or abs(a.scale - b.scale) > 1e-6:
        raise BadInput(
            f"{at}: tensor {b.name!r}: found scale {b.scale:g} and zero point {b.zero_point}, "
            f"allowed those of the input, {a.scale:g} and {a.zero_point}"
        )


def _window(at: str, operator: Operator, source: Tensor, kernel: int, stride: int) -> tuple[int, int]:
    """Rows and columns of the output; the limits are the largest kernel and stride."""
    if not all(1 <= n <= kernel for n in operator.kernel):
        raise BadInput(f"{at}: found a kernel of {_by(operator.kernel)}, allowed 1x1 to {kernel}x{kernel}")
    if not all(1 <= n <= stride for n in operator.stride):
        raise BadInput(f"{at}: found stride {_by(operator.stride)}, allowed 1x1 to {stride}x{stride}")
    size = source.shape[1:3]
    if operator.padding is Padding.SAME:
        return -(-size[0] // operator.stride[0]), -(-size[1] // operator.stride[1])
    if any(k > n for k, n in zip(operator.kernel, size, strict=True)):
        raise BadInput(
            f"{at}: found a kernel of {_by(operator.kernel)} with padding VALID, allowed up to the input's {_by(size)}"
        )
    rows, columns = ((n - k) // s + 1 for n, k, s in zip(size, operator.kernel, operator.stride, strict=True))
    return rows, columns


def _by(pair: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in pair)


def _check_weights(at: str, inputs: list[Tensor], output: Tensor, channels: int, axis: int) -> None:
    """Symmetric int8 weights, one scale or one a channel, an int32 bias a channel, and multipliers below 2^30."""
    x, weights = inputs[0], inputs[1]
    if weights.data is None or weights.data.dtype != np.int8 or weights.zero_point != 0:
        raise BadInput(
            f"{at}: tensor {weights.name!r}: found zero point {weights.zero_point} or no int8, allowed int8 around 0"
        )
    if len(weights.scales) not in (1, channels) or (len(weights.scales) > 1 and weights.axis != axis):
        raise BadInput(
            f"{at}: tensor {weights.name!r}: found {len(weights.scales)} scales along axis {weights.axis}, "
            f"allowed 1, or {channels} along axis {axis}"
        )
    largest = x.scale * max(weights.scales) / output.scale
    if largest >= 2.0**30:
        raise BadInput(f"{at}: tensor {weights.name!r}: found a multiplier of {largest:g}, allowed below 2^30")
    if len(inputs) == 3:
        bias = inputs[2]
        if bias.data is None or bias.data.dtype != np.int32 or bias.shape != (channels,):
            raise BadInput(f"{at}: tensor {bias.name!r}: found shape {bias.shape}, allowed int32 of ({channels},)")


def _check_convolution(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, weights = inputs[0], inputs[1]
    _check_activations(at, x, output)
    _check_picture(at, x, output)
    channels, *_, depth = weights.shape
    if depth != x.shape[3]:
        raise BadInput(f"{at}: found weights over {depth} channels, allowed the input's {x.shape[3]}")
    _check_weights(at, inputs, output, channels, 0)
    _check_shape(at, output, (1, *_window(at, operator, x, MAX_CONVOLUTION_KERNEL, 2), channels))


def _check_depthwise(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, weights = inputs[0], inputs[1]
    _check_activations(at, x, output)
    _check_picture(at, x, output)
    batch, *_, channels = weights.shape
    if batch != 1:
        raise BadInput(f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 1 in the first dimension")
    if x.shape[3] not in (1, channels):
        raise BadInput(
            f"{at}: found {channels} output channels from {x.shape[3]} (a depth multiplier), "
            "allowed as many as the input has, or any number from one channel"
        )
    _check_weights(at, inputs, output, channels, 3)
    _check_shape(at, output, (1, *_window(at, operator, x, MAX_CONVOLUTION_KERNEL, 2), channels))


def _check_fully_connected(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x, weights = inputs[0], inputs[1]
    _check_activations(at, x, output)
    if len(weights.shape) != 2 or x.size % weights.shape[1]:
        raise BadInput(
            f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 2 dimensions, "
            f"the second dividing the input's {x.size} elements"
        )
    channels, depth = weights.shape
    # LiteRT 1.2.0, whose arithmetic is the measure, knows one scale for a fully connected layer.
    if len(weights.scales) != 1:
        raise BadInput(f"{at}: tensor {weights.name!r}: found {len(weights.scales)} scales, allowed 1")
    _check_weights(at, inputs, output, channels, 0)
    if output.shape[-1] != channels or output.size != x.size // depth * channels:
        raise BadInput(
            f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed ({x.size // depth}, {channels})"
        )


def _check_add(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    _check_activations(at, *inputs, output)
    a, b = inputs
    if a.shape != b.shape:
        raise BadInput(f"{at}: found shapes {a.shape} and {b.shape}, allowed equal ones")
    _check_shape(at, output, a.shape)
    least = 2 * max(a.scale, b.scale) / 2.0**20
    if output.scale <= least:
        raise BadInput(f"{at}: tensor {output.name!r}: found scale {output.scale:g}, allowed above {least:g}")


def _check_pool(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0]
    _check_activations(at, x, output)
    _check_picture(at, x, output)
    _check_same_quantisation(at, x, output)
    _check_shape(at, output, (1, *_window(at, operator, x, MAX_POOL_KERNEL, 255), x.shape[3]))


def _check_pad(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0]
    _check_activations(at, x, output)
    _check_picture(at, x, output)
    _check_same_quantisation(at, x, output)
    top, bottom, left, right = operator.amounts
    _check_shape(at, output, (1, x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]))


def _check_reshape(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0]
    _check_activations(at, x, output)
    _check_same_quantisation(at, x, output)
    if x.size != output.size or not output.shape:
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {x.size} elements")


def _check_softmax(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    x = inputs[0]
    _check_activations(at, x, output)
    _check_shape(at, output, x.shape)
    if not x.shape:
        raise BadInput(f"{at}: tensor {x.name!r}: found no dimensions, allowed 1 and more")
    if not 2.0**-26 < operator.beta * x.scale < 2.0**20:
        raise BadInput(f"{at}: found beta {operator.beta:g} at scale {x.scale:g}, allowed a product of 2^-26 to 2^20")
    if (output.scale, output.zero_point) != (1 / 256, -128):
        raise BadInput(
            f"{at}: tensor {output.name!r}: found scale {output.scale:g} and zero point {output.zero_point}, "
            "allowed 1/256 and -128"
        )


_CHECKS = {
    Kind.CONV_2D: _check_convolution,
    Kind.DEPTHWISE_CONV_2D: _check_depthwise,
    Kind.FULLY_CONNECTED: _check_fully_connected,
    Kind.ADD: _check_add,
    Kind.AVERAGE_POOL_2D: _check_pool,
    Kind.MAX_POOL_2D: _check_pool,
    Kind.PAD: _check_pad,
    Kind.RESHAPE: _check_reshape,
    Kind.SOFTMAX: _check_softmax,
}
CHECKED = tuple(_CHECKS)
"""The kinds that the accelerator can run."""
