"""One operator of a ``.tflite`` file: its options, read from the file's tables."""

from typing import Any

import numpy as np
import tflite

from ..errors import BadInput
from .graph import Activation, Kind, Operator, Padding, Tensor

_PADDINGS = {tflite.Padding.SAME: Padding.SAME, tflite.Padding.VALID: Padding.VALID}
_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: Activation.NONE,
    tflite.ActivationFunctionType.RELU: Activation.RELU,
    tflite.ActivationFunctionType.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
    tflite.ActivationFunctionType.RELU6: Activation.RELU6,
}
_OPTIONS = {
    Kind.CONV_2D: tflite.Conv2DOptions,
    Kind.DEPTHWISE_CONV_2D: tflite.DepthwiseConv2DOptions,
    Kind.FULLY_CONNECTED: tflite.FullyConnectedOptions,
    Kind.ADD: tflite.AddOptions,
    Kind.AVERAGE_POOL_2D: tflite.Pool2DOptions,
    Kind.MAX_POOL_2D: tflite.Pool2DOptions,
    Kind.SOFTMAX: tflite.SoftmaxOptions,
}
_CONSTANTS_AFTER = {Kind.CONV_2D: 1, Kind.DEPTHWISE_CONV_2D: 1, Kind.FULLY_CONNECTED: 1, Kind.PAD: 1, Kind.RESHAPE: 1}
"""From which input on an operator takes constants."""
_INPUTS = {
    Kind.CONV_2D: (2, 3),
    Kind.DEPTHWISE_CONV_2D: (2, 3),
    Kind.FULLY_CONNECTED: (2, 3),
    Kind.ADD: (2, 2),
    Kind.PAD: (2, 2),
    Kind.RESHAPE: (1, 2),
}


def read_operator(at: str, number: int, kind: Kind, table: Any, inputs: list[Tensor], output: Tensor) -> Operator:
    """The operator with its options; ``at`` begins messages.

    Raises :class:`BadInput` for options that the graph has no words for (dilation, another activation) and for a
    number of inputs that the kind does not take.
    """
    least, most = _INPUTS.get(kind, (1, 1))
    if not least <= len(inputs) <= most:
        raise BadInput(f"{at}: found {len(inputs)} inputs, allowed {least} to {most}")
    for position, t in enumerate(inputs):
        constant = position >= _CONSTANTS_AFTER.get(kind, len(inputs))
        if constant != (t.data is not None):
            found, allowed = ("an activation", "a constant") if constant else ("a constant", "an activation")
            raise BadInput(f"{at}: tensor {t.name!r}: found {found}, allowed {allowed}")
    options = _options(at, kind, table)
    operands = tuple(t.name for t in inputs)
    activation = _activation(at, options) if hasattr(options, "FusedActivationFunction") else Activation.NONE
    if kind in (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D):
        dilation = options.DilationHFactor(), options.DilationWFactor()
        if dilation != (1, 1):
            raise BadInput(f"{at}: found dilation {dilation[0]}x{dilation[1]}, allowed 1x1")
        weights = inputs[1]
        if len(weights.shape) != 4:
            raise BadInput(f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 4 dimensions")
        kernel = weights.shape[1], weights.shape[2]
        return Operator(
            number, kind, operands, output.name, kernel, _stride(options), _padding(at, options), activation
        )
    if kind in (Kind.AVERAGE_POOL_2D, Kind.MAX_POOL_2D):
        kernel = options.FilterHeight(), options.FilterWidth()
        return Operator(
            number, kind, operands, output.name, kernel, _stride(options), _padding(at, options), activation
        )
    if kind is Kind.FULLY_CONNECTED and options.WeightsFormat() != 0:
        raise BadInput(f"{at}: found shuffled weights, allowed the default weight format")
    if kind is Kind.PAD:
        return Operator(number, kind, operands[:1], output.name, amounts=_amounts(at, inputs[1]))
    if kind is Kind.RESHAPE:  # the new shape is the output's; the constant only repeats it
        return Operator(number, kind, operands[:1], output.name)
    if kind is Kind.SOFTMAX:
        return Operator(number, kind, operands, output.name, beta=float(options.Beta()))
    return Operator(number, kind, operands, output.name, activation=activation)


def _options(at: str, kind: Kind, table: Any) -> Any:
    if kind not in _OPTIONS:
        return None
    options: Any = _OPTIONS[kind]()
    union = table.BuiltinOptions()
    if union is None or table.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, type(options).__name__):
        raise BadInput(f"{at}: found no {type(options).__name__}, allowed an operator with its options")
    options.Init(union.Bytes, union.Pos)
    return options


def _activation(at: str, options: Any) -> Activation:
    code = options.FusedActivationFunction()
    if code not in _ACTIVATIONS:
        raise BadInput(f"{at}: found activation {code}, allowed {', '.join(_ACTIVATIONS.values())}")
    return _ACTIVATIONS[code]


def _padding(at: str, options: Any) -> Padding:
    code = options.Padding()
    if code not in _PADDINGS:
        raise BadInput(f"{at}: found padding {code}, allowed SAME, VALID")
    return _PADDINGS[code]


def _stride(options: Any) -> tuple[int, int]:
    return options.StrideH(), options.StrideW()


def _amounts(at: str, constant: Tensor) -> tuple[int, int, int, int]:
    """Rows and columns to add; batch and channels stay."""
    amounts = np.zeros((4, 2), np.int64)
    if constant.data is None or constant.shape != (4, 2) or constant.data.dtype not in (np.int32, np.int64):
        raise BadInput(f"{at}: tensor {constant.name!r}: found shape {constant.shape}, allowed 4x2 integers")
    amounts[...] = constant.data
    if amounts[[0, 3]].any() or amounts.min() < 0 or amounts.max() > 255:
        raise BadInput(f"{at}: found amounts {amounts.tolist()}, allowed 0 to 255 for rows and columns alone")
    return int(amounts[1, 0]), int(amounts[1, 1]), int(amounts[2, 0]), int(amounts[2, 1])
