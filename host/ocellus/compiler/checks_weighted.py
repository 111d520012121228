"""What the operators with weights ask: convolutions, their transposition, fully connected layers."""

import numpy as np

from ..errors import BadInput
from .checks_common import (
    MAX_CONVOLUTION_KERNEL,
    MAX_CONVOLUTION_STRIDE,
    by,
    check_activations,
    check_kernel,
    check_multiplier,
    check_picture,
    check_shape,
    window,
)
from .graph import Operator, Padding, Tensor


def check_convolution(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """CONV_2D with weights (out, rows, columns, in)."""
    x, weights = inputs[0], inputs[1]
    _check_channels(at, x, weights, output)
    channels = weights.shape[0]
    _check_weights(at, inputs, output, channels, 0)
    rows, columns = window(at, operator, x, MAX_CONVOLUTION_KERNEL, MAX_CONVOLUTION_STRIDE)
    check_shape(at, output, (1, rows, columns, channels))


def check_depthwise(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """DEPTHWISE_CONV_2D with weights (1, rows, columns, out)."""
    x, weights = inputs[0], inputs[1]
    check_activations(at, x, output)
    check_picture(at, x, output)
    batch, *_, channels = weights.shape
    if batch != 1:
        raise BadInput(f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 1 in the first dimension")
    if channels != x.shape[3] * operator.depth_multiplier:
        raise BadInput(
            f"{at}: found {channels} output channels from {x.shape[3]}, "
            f"allowed {operator.depth_multiplier} (the depth multiplier) from each"
        )
    _check_weights(at, inputs, output, channels, 3)
    rows, columns = window(at, operator, x, MAX_CONVOLUTION_KERNEL, MAX_CONVOLUTION_STRIDE)
    check_shape(at, output, (1, rows, columns, channels))


def check_transpose_convolution(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """TRANSPOSE_CONV with weights (out, rows, columns, in): a convolution of the output gives the input's size."""
    x, weights = inputs[0], inputs[1]
    _check_channels(at, x, weights, output)
    channels = weights.shape[0]
    _check_weights(at, inputs, output, channels, 0)
    check_kernel(at, operator, MAX_CONVOLUTION_KERNEL, MAX_CONVOLUTION_STRIDE)
    sizes = []
    for n, kernel, stride in zip(output.shape[1:3], operator.kernel, operator.stride, strict=True):
        sizes.append(-(-(n if operator.padding is Padding.SAME else n - kernel + 1) // stride))
    if output.shape[3] != channels or tuple(sizes) != x.shape[1:3]:
        raise BadInput(
            f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {channels} channels and a size from "
            f"which stride {by(operator.stride)} leads to {by(x.shape[1:3])}"
        )


def check_fully_connected(at: str, operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """FULLY_CONNECTED with weights (out, in)."""
    x, weights = inputs[0], inputs[1]
    check_activations(at, x, output)
    if len(weights.shape) != 2 or x.size % weights.shape[1]:
        raise BadInput(
            f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 2 dimensions, "
            f"the second dividing the input's {x.size} elements"
        )
    channels, depth = weights.shape
    _check_weights(at, inputs, output, channels, 0)
    if not output.shape or output.shape[-1] != channels or output.size != x.size // depth * channels:
        raise BadInput(
            f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed ({x.size // depth}, {channels})"
        )


def _check_channels(at: str, x: Tensor, weights: Tensor, output: Tensor) -> None:
    check_activations(at, x, output)
    check_picture(at, x, output)
    if weights.shape[3] != x.shape[3]:
        raise BadInput(f"{at}: found weights over {weights.shape[3]} channels, allowed the input's {x.shape[3]}")


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
    check_multiplier(at, weights, x.scale * max(weights.scales) / output.scale)
    if len(inputs) == 3:
        bias = inputs[2]
        if bias.data is None or bias.data.dtype != np.int32 or bias.shape != (channels,):
            raise BadInput(f"{at}: tensor {bias.name!r}: found shape {bias.shape}, allowed int32 of ({channels},)")
