"""One operator of a ``.tflite`` file: its options and constants, read from the file's tables."""

from collections.abc import Callable
from typing import Any

import tflite

from ..errors import BadInput
from .graph import Activation, Kind, Operator, Padding, Tensor
from .tflite_constants import amounts_of, axis_of, integers, slice_of

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
    Kind.TRANSPOSE_CONV: tflite.TransposeConvOptions,
    Kind.FULLY_CONNECTED: tflite.FullyConnectedOptions,
    Kind.ADD: tflite.AddOptions,
    Kind.SUB: tflite.SubOptions,
    Kind.MUL: tflite.MulOptions,
    Kind.AVERAGE_POOL_2D: tflite.Pool2DOptions,
    Kind.MAX_POOL_2D: tflite.Pool2DOptions,
    Kind.MEAN: tflite.ReducerOptions,
    Kind.CONCATENATION: tflite.ConcatenationOptions,
    Kind.STRIDED_SLICE: tflite.StridedSliceOptions,
    Kind.RESIZE_NEAREST_NEIGHBOR: tflite.ResizeNearestNeighborOptions,
    Kind.RESIZE_BILINEAR: tflite.ResizeBilinearOptions,
    Kind.LEAKY_RELU: tflite.LeakyReluOptions,
    Kind.SOFTMAX: tflite.SoftmaxOptions,
}
MAX_INPUTS = 64
_INPUTS = {
    Kind.CONV_2D: (2, 3),
    Kind.DEPTHWISE_CONV_2D: (2, 3),
    Kind.TRANSPOSE_CONV: (3, 4),
    Kind.FULLY_CONNECTED: (2, 3),
    Kind.ADD: (2, 2),
    Kind.SUB: (2, 2),
    Kind.MUL: (2, 2),
    Kind.MEAN: (2, 2),
    Kind.PAD: (2, 2),
    Kind.RESHAPE: (1, 2),
    Kind.CONCATENATION: (1, MAX_INPUTS),
    Kind.STRIDED_SLICE: (4, 4),
    Kind.RESIZE_NEAREST_NEIGHBOR: (2, 2),
    Kind.RESIZE_BILINEAR: (2, 2),
    Kind.PRELU: (2, 2),
}
"""How many inputs; all but the first are constants, except where ``_EQUAL_INPUTS`` says otherwise."""
_EQUAL_INPUTS = (Kind.ADD, Kind.SUB, Kind.MUL, Kind.CONCATENATION)
_PAIRS = (Kind.ADD, Kind.SUB, Kind.MUL)
"""One of the two may be a constant."""

Fields = dict[str, Any]
"""Of an :class:`Operator`; ``inputs`` among them when constants have become fields."""


def read_operator(at: str, number: int, kind: Kind, table: Any, inputs: list[Tensor], output: Tensor) -> Operator:
    """The operator with its options; ``at`` begins messages. A TRANSPOSE_CONV has its output shape as last input.

    Raises :class:`BadInput` for options that the graph has no words for (another activation, new axes) and for a
    number of inputs, or constants among them, that the kind does not take.
    """
    least, most = _INPUTS.get(kind, (1, 1))
    if not least <= len(inputs) <= most:
        raise BadInput(f"{at}: found {len(inputs)} inputs, allowed {least} to {most}")
    _check_constants(at, kind, inputs)
    options = _options(at, kind, table)
    fields: Fields = {"inputs": tuple(t.name for t in inputs)}
    if hasattr(options, "FusedActivationFunction"):
        fields["activation"] = _activation(at, options)
    if kind in _READERS:
        fields |= _READERS[kind](at, options, inputs, output)
    return Operator(number, kind, output=output.name, **fields)


def _check_constants(at: str, kind: Kind, inputs: list[Tensor]) -> None:
    if kind in _PAIRS and sum(t.data is not None for t in inputs) == 1:
        return
    for position, t in enumerate(inputs):
        constant = position > 0 and kind not in _EQUAL_INPUTS
        if constant != (t.data is not None):
            found, allowed = ("an activation", "a constant") if constant else ("a constant", "an activation")
            raise BadInput(f"{at}: tensor {t.name!r}: found {found}, allowed {allowed}")


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


def _steps(at: str, options: Any) -> Fields:
    code = options.Padding()
    if code not in _PADDINGS:
        raise BadInput(f"{at}: found padding {code}, allowed SAME, VALID")
    return {"stride": (options.StrideH(), options.StrideW()), "padding": _PADDINGS[code]}


def _kernel(at: str, weights: Tensor) -> Fields:
    if len(weights.shape) != 4:
        raise BadInput(f"{at}: tensor {weights.name!r}: found shape {weights.shape}, allowed 4 dimensions")
    return {"kernel": (weights.shape[1], weights.shape[2])}


def _convolution(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    dilation = options.DilationHFactor(), options.DilationWFactor()
    return {**_kernel(at, inputs[1]), **_steps(at, options), "dilation": dilation}


def _depthwise(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    """The file's own depth multiplier is advice that newer kernels ignore."""
    multiplier = inputs[1].shape[-1] // inputs[0].shape[-1] if inputs[1].shape and inputs[0].shape else 1
    return {**_convolution(at, options, inputs, output), "depth_multiplier": max(multiplier, 1)}


def _transpose_convolution(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    *operands, shape = inputs
    if integers(at, shape, 4) != list(output.shape):
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {integers(at, shape, 4)}")
    return {**_kernel(at, inputs[1]), **_steps(at, options), "inputs": tuple(t.name for t in operands)}


def _fully_connected(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    if options.WeightsFormat() != 0:
        raise BadInput(f"{at}: found shuffled weights, allowed the default weight format")
    return {}


def _pool(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    return {"kernel": (options.FilterHeight(), options.FilterWidth()), **_steps(at, options)}


def _mean(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    x, constant = inputs
    axes = sorted({axis_of(at, x, axis) for axis in integers(at, constant)})
    if not axes or axes[-1] == 2:
        raise BadInput(f"{at}: tensor {constant.name!r}: found a mean over channels or nothing, allowed rows, columns")
    averaged = {axis % len(x.shape) for axis in integers(at, constant)}
    shape = tuple(1 if i in averaged else n for i, n in enumerate(x.shape) if options.KeepDims() or i not in averaged)
    if output.shape != shape:
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {shape}")
    return {"inputs": (x.name,), "axes": tuple(axes)}


def _pad(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    return {"inputs": (inputs[0].name,), "amounts": amounts_of(at, inputs[1])}


def _reshape(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    """The new shape is the output's; a constant repeats it, with -1 for one of its dimensions perhaps."""
    if len(inputs) == 2:
        shape = integers(at, inputs[1])
        same = len(shape) == len(output.shape) and all(n in (m, -1) for n, m in zip(shape, output.shape, strict=True))
        if not same or shape.count(-1) > 1:
            raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {tuple(shape)}")
    return {"inputs": (inputs[0].name,)}


def _concatenation(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    if _activation(at, options) is not Activation.NONE:
        raise BadInput(f"{at}: found activation {_activation(at, options)}, allowed NONE")
    axes = {axis_of(at, t, options.Axis()) for t in (*inputs, output)}
    if len(axes) != 1:
        raise BadInput(f"{at}: found inputs of different dimensions, allowed equal ones but for axis {options.Axis()}")
    return {"axes": tuple(axes)}


def _slice(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    begin, count, step = slice_of(at, options, inputs, output)
    return {"inputs": (inputs[0].name,), "begin": begin, "count": count, "step": step}


def _resize(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    size = integers(at, inputs[1], 2)
    if len(output.shape) != 4 or size != list(output.shape[1:3]):
        raise BadInput(f"{at}: tensor {output.name!r}: found shape {output.shape}, allowed {size[0]}x{size[1]} pixels")
    return {
        "inputs": (inputs[0].name,),
        "align_corners": bool(options.AlignCorners()),
        "half_pixel_centers": bool(options.HalfPixelCenters()),
    }


def _leaky_relu(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    return {"alpha": float(options.Alpha())}


def _softmax(at: str, options: Any, inputs: list[Tensor], output: Tensor) -> Fields:
    return {"beta": float(options.Beta())}


_READERS: dict[Kind, Callable[[str, Any, list[Tensor], Tensor], Fields]] = {
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _depthwise,
    Kind.TRANSPOSE_CONV: _transpose_convolution,
    Kind.FULLY_CONNECTED: _fully_connected,
    Kind.AVERAGE_POOL_2D: _pool,
    Kind.MAX_POOL_2D: _pool,
    Kind.MEAN: _mean,
    Kind.PAD: _pad,
    Kind.RESHAPE: _reshape,
    Kind.CONCATENATION: _concatenation,
    Kind.STRIDED_SLICE: _slice,
    Kind.RESIZE_NEAREST_NEIGHBOR: _resize,
    Kind.RESIZE_BILINEAR: _resize,
    Kind.LEAKY_RELU: _leaky_relu,
    Kind.SOFTMAX: _softmax,
}
