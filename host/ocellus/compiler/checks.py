"""What the accelerator's operators ask of shapes and quantisation, whichever file they come from."""

from collections.abc import Callable, Mapping

from ..errors import BadInput
from .checks_elementwise import check_function, check_prelu, check_product, check_softmax, check_sum
from .checks_places import (
    check_concatenation,
    check_mean,
    check_pad,
    check_pool,
    check_reshape,
    check_resize,
    check_slice,
)
from .checks_weighted import check_convolution, check_depthwise, check_fully_connected, check_transpose_convolution
from .graph import Activation, Kind, Operator, Tensor


def check_operator(at: str, operator: Operator, tensors: Mapping[str, Tensor]) -> None:
    """:class:`BadInput`, beginning with ``at``, when the accelerator cannot run the operator."""
    inputs, output = [tensors[name] for name in operator.inputs], tensors[operator.output]
    _CHECKS[operator.kind](at, operator, inputs, output)
    clamped = operator.activation is not Activation.NONE or operator.kind in (Kind.RELU6, Kind.RELU_N1_TO_1)
    if clamped and 6 / output.scale >= 2.0**31:  # the clamp's ends are computed at the output's scale in 32 bits
        raise BadInput(f"{at}: tensor {output.name!r}: found scale {output.scale:g}, allowed 2^-28 and more")


_CHECKS: dict[Kind, Callable[[str, Operator, list[Tensor], Tensor], None]] = {
    Kind.CONV_2D: check_convolution,
    Kind.DEPTHWISE_CONV_2D: check_depthwise,
    Kind.TRANSPOSE_CONV: check_transpose_convolution,
    Kind.FULLY_CONNECTED: check_fully_connected,
    Kind.ADD: check_sum,
    Kind.SUB: check_sum,
    Kind.MUL: check_product,
    Kind.AVERAGE_POOL_2D: check_pool,
    Kind.MAX_POOL_2D: check_pool,
    Kind.MEAN: check_mean,
    Kind.PAD: check_pad,
    Kind.RESHAPE: check_reshape,
    Kind.CONCATENATION: check_concatenation,
    Kind.STRIDED_SLICE: check_slice,
    Kind.RESIZE_NEAREST_NEIGHBOR: check_resize,
    Kind.RESIZE_BILINEAR: check_resize,
    Kind.QUANTIZE: check_function,
    Kind.LOGISTIC: check_function,
    Kind.TANH: check_function,
    Kind.HARD_SWISH: check_function,
    Kind.RELU: check_function,
    Kind.RELU6: check_function,
    Kind.RELU_N1_TO_1: check_function,
    Kind.LEAKY_RELU: check_function,
    Kind.PRELU: check_prelu,
    Kind.SOFTMAX: check_softmax,
}
