"""Builds ``.tflite`` networks operator by operator."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .writer import Handle, ModelWriter, Quantisation, schema

__all__ = ["ACTIVATIONS", "PADDINGS", "Handle", "ModelBuilder", "Quantisation", "schema", "window_shape"]

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
PADDINGS = {"SAME": 0, "VALID": 1}


class ModelBuilder(ModelWriter):
    """Each method adds an operator and returns its output tensor."""

    def convolution(
        self,
        kind: str,
        x: Handle,
        weights: np.ndarray,
        bias: np.ndarray | None,
        weight_scale: float | np.ndarray,
        out: Quantisation,
        stride: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
        dilation: tuple[int, int] = (1, 1),
    ) -> Handle:
        """``CONV_2D`` with weights (out, rows, columns, in) or ``DEPTHWISE_CONV_2D`` with (1, rows, columns, out)."""
        depthwise = kind == "DEPTHWISE_CONV_2D"
        axis = 3 if depthwise else 0
        operands = [x, *self.weighted(x, weights, bias, weight_scale, axis)]
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.strideH, options.strideW = stride
        options.padding, options.fusedActivationFunction = PADDINGS[padding], ACTIVATIONS[activation]
        options.dilationHFactor, options.dilationWFactor = dilation
        if depthwise:
            options.depthMultiplier = weights.shape[3] // x.shape[3]
        reach = [(k - 1) * d + 1 for k, d in zip(weights.shape[1:3], dilation, strict=True)]
        rows, columns = window_shape(x.shape[1:3], reach, stride, padding)
        return self.operator(kind, operands, self.output(kind, (1, rows, columns, weights.shape[axis]), out), options)

    def transpose_convolution(
        self,
        x: Handle,
        weights: np.ndarray,
        bias: np.ndarray | None,
        weight_scale: float | np.ndarray,
        out: Quantisation,
        size: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
    ) -> Handle:
        """``TRANSPOSE_CONV`` with weights (out, rows, columns, in), to an output of ``size`` pixels."""
        w, *b = self.weighted(x, weights, bias, weight_scale, 0)
        shape = (1, *size, weights.shape[0])
        options = schema.TransposeConvOptionsT()
        options.strideH, options.strideW = stride
        options.padding, options.fusedActivationFunction = PADDINGS[padding], ACTIVATIONS[activation]
        operands = [self.integers(shape, "shape"), w, x, *b]
        return self.operator("TRANSPOSE_CONV", operands, self.output("TRANSPOSE_CONV", shape, out), options)

    def fully_connected(
        self,
        x: Handle,
        weights: np.ndarray,
        bias: np.ndarray | None,
        weight_scale: float | np.ndarray,
        out: Quantisation,
        activation: str = "NONE",
    ) -> Handle:
        """``FULLY_CONNECTED`` with weights (out, in)."""
        operands = [x, *self.weighted(x, weights, bias, weight_scale, 0)]
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        rows = int(np.prod(x.shape)) // weights.shape[1]
        return self.operator(
            "FULLY_CONNECTED", operands, self.output("FULLY_CONNECTED", (rows, weights.shape[0]), out), options
        )

    def add(self, a: Handle, b: Handle, out: Quantisation, activation: str = "NONE") -> Handle:
        """``ADD``."""
        return self.pair("ADD", a, b, out, activation)

    def pair(self, kind: str, a: Handle, b: Handle, out: Quantisation, activation: str = "NONE") -> Handle:
        """``ADD``, ``SUB`` or ``MUL``; dimensions of size 1 repeat."""
        options = getattr(schema, f"{kind.capitalize()}OptionsT")()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        return self.operator(kind, [a, b], self.output(kind, np.broadcast_shapes(a.shape, b.shape), out), options)

    def pool(
        self,
        kind: str,
        x: Handle,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> Handle:
        """``AVERAGE_POOL_2D`` or ``MAX_POOL_2D``."""
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = kernel
        options.strideH, options.strideW = stride
        options.padding, options.fusedActivationFunction = PADDINGS[padding], ACTIVATIONS[activation]
        rows, columns = window_shape(x.shape[1:3], kernel, stride, padding)
        y = self.output(kind, (1, rows, columns, x.shape[3]), x.quantisation)
        return self.operator(kind, [x], y, options)

    def mean(self, x: Handle, axes: Sequence[int], out: Quantisation, keep: bool = True) -> Handle:
        """``MEAN`` over dimensions, which stay with size 1 when ``keep`` is true."""
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        averaged = {axis % len(x.shape) for axis in axes}
        shape = [1 if i in averaged else n for i, n in enumerate(x.shape) if keep or i not in averaged]
        return self.operator("MEAN", [x, self.integers(axes, "axes")], self.output("MEAN", shape, out), options)

    def pad(self, x: Handle, top: int, bottom: int, left: int, right: int) -> Handle:
        """``PAD`` of rows and columns."""
        amounts = self.integers(np.array([[0, 0], [top, bottom], [left, right], [0, 0]]), "amounts")
        shape = (1, x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3])
        return self.operator("PAD", [x, amounts], self.output("PAD", shape, x.quantisation), schema.PadOptionsT())

    def reshape(self, x: Handle, shape: Sequence[int]) -> Handle:
        """``RESHAPE`` to the new shape, given as a constant tensor."""
        constant = self.integers(shape, "shape")
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        return self.operator("RESHAPE", [x, constant], self.output("RESHAPE", shape, x.quantisation), options)

    def concatenation(self, inputs: Sequence[Handle], axis: int) -> Handle:
        """``CONCATENATION``; the inputs share scale and zero point."""
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        shape = list(inputs[0].shape)
        shape[axis] = sum(t.shape[axis] for t in inputs)
        return self.operator(
            "CONCATENATION", inputs, self.output("CONCATENATION", shape, inputs[0].quantisation), options
        )

    def strided_slice(
        self,
        x: Handle,
        begin: Sequence[int],
        end: Sequence[int],
        step: Sequence[int],
        masks: tuple[int, int, int] = (0, 0, 0),
    ) -> Handle:
        """``STRIDED_SLICE``; ``masks`` are those of begin, end and the dimensions that are dropped."""
        options = schema.StridedSliceOptionsT()
        options.beginMask, options.endMask, options.shrinkAxisMask = masks
        shape = []
        for i, size in enumerate(x.shape):
            if not masks[2] >> i & 1:
                low, high = (None if mask >> i & 1 else n[i] for mask, n in zip(masks, (begin, end), strict=False))
                shape.append(len(range(size)[low : high : step[i]]))
        constants = [self.integers(n, what) for n, what in ((begin, "begin"), (end, "end"), (step, "step"))]
        y = self.output("STRIDED_SLICE", shape, x.quantisation)
        return self.operator("STRIDED_SLICE", [x, *constants], y, options)

    def resize(
        self, kind: str, x: Handle, size: tuple[int, int], align_corners: bool = False, half_pixel: bool = False
    ) -> Handle:
        """``RESIZE_NEAREST_NEIGHBOR`` or ``RESIZE_BILINEAR``."""
        nearest = kind == "RESIZE_NEAREST_NEIGHBOR"
        options = schema.ResizeNearestNeighborOptionsT() if nearest else schema.ResizeBilinearOptionsT()
        options.alignCorners, options.halfPixelCenters = align_corners, half_pixel
        y = self.output(kind, (1, *size, x.shape[3]), x.quantisation)
        return self.operator(kind, [x, self.integers(size, "size")], y, options)

    def function(self, kind: str, x: Handle, out: Quantisation, options: Any = None) -> Handle:
        """An operator that takes one tensor and keeps its shape: ``QUANTIZE``, ``LOGISTIC``, ``RELU``, ..."""
        return self.operator(kind, [x], self.output(kind, x.shape, out), options)

    def leaky_relu(self, x: Handle, alpha: float, out: Quantisation) -> Handle:
        """``LEAKY_RELU``."""
        options = schema.LeakyReluOptionsT()
        options.alpha = alpha
        return self.function("LEAKY_RELU", x, out, options)

    def prelu(self, x: Handle, slopes: Handle, out: Quantisation) -> Handle:
        """``PRELU``."""
        return self.operator("PRELU", [x, slopes], self.output("PRELU", x.shape, out))

    def softmax(self, x: Handle, beta: float = 1.0) -> Handle:
        """``SOFTMAX`` over the last axis, at the scale and zero point that TensorFlow Lite prescribes."""
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        return self.function("SOFTMAX", x, Quantisation(1 / 256, -128), options)


def window_shape(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: str) -> tuple[int, int]:
    """Rows and columns that a sliding window leaves."""
    if padding == "SAME":
        return -(-size[0] // stride[0]), -(-size[1] // stride[1])
    return (size[0] - kernel[0]) // stride[0] + 1, (size[1] - kernel[1]) // stride[1] + 1
