"""Writes ``.tflite`` files, operator by operator, with exactly the scales and zero points asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as _generated

schema: Any = _generated  # generated code, without usable types

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
PADDINGS = {"SAME": 0, "VALID": 1}


@dataclass(frozen=True)
class Quantisation:
    """Scales (one, or one a channel), zero point and, for one a channel, the axis they belong to."""

    scale: float | np.ndarray
    zero_point: int = 0
    axis: int = 0

    @property
    def scales(self) -> np.ndarray:
        """The scales as a float32 vector."""
        return np.atleast_1d(np.asarray(self.scale, np.float32))


@dataclass(frozen=True)
class Handle:
    """A tensor already in the file."""

    index: int
    shape: tuple[int, ...]
    quantisation: Quantisation


class ModelBuilder:
    """One subgraph with batch 1; each method adds an operator and returns its output tensor."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers = [schema.BufferT()]
        self._codes: list[int] = []
        self._input: Handle | None = None

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        quantisation: Quantisation | None,
        data: np.ndarray | None = None,
        kind: str = "INT8",
    ) -> Handle:
        """A tensor; with ``data`` it is a constant."""
        t = schema.TensorT()
        t.name, t.shape, t.type = name, list(shape), getattr(schema.TensorType, kind)
        if quantisation is not None:
            t.quantization = q = schema.QuantizationParametersT()
            q.scale = quantisation.scales
            q.zeroPoint = np.full(len(quantisation.scales), quantisation.zero_point, np.int64)
            q.quantizedDimension = quantisation.axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            t.buffer = len(self._buffers)
            self._buffers.append(buffer)
        self._tensors.append(t)
        return Handle(len(self._tensors) - 1, tuple(shape), quantisation or Quantisation(0.0))

    def input(self, shape: Sequence[int], quantisation: Quantisation, kind: str = "INT8") -> Handle:
        """The network's input."""
        self._input = self.tensor("input", shape, quantisation, kind=kind)
        return self._input

    def operator(self, kind: str, inputs: Sequence[Handle], output: Handle, options: Any = None) -> Handle:
        """Any operator, its options as the object API's ``...OptionsT``."""
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self._codes:
            self._codes.append(code)
        o = schema.OperatorT()
        o.opcodeIndex = self._codes.index(code)
        o.inputs, o.outputs = [t.index for t in inputs], [output.index]
        if options is not None:
            o.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            o.builtinOptions = options
        self._operators.append(o)
        return output

    def _output(self, kind: str, shape: Sequence[int], quantisation: Quantisation) -> Handle:
        return self.tensor(f"op{len(self._operators):03d}_{kind}", shape, quantisation)

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
        w_q = Quantisation(weight_scale, axis=axis)
        name = f"op{len(self._operators):03d}"
        operands = [x, self.tensor(f"{name}_weights", weights.shape, w_q, weights.astype(np.int8))]
        if bias is not None:
            b_q = Quantisation(x.quantisation.scales[0] * w_q.scales)
            operands.append(self.tensor(f"{name}_bias", bias.shape, b_q, bias.astype(np.int32), "INT32"))
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.strideH, options.strideW = stride
        options.padding, options.fusedActivationFunction = PADDINGS[padding], ACTIVATIONS[activation]
        options.dilationHFactor, options.dilationWFactor = dilation
        if depthwise:
            options.depthMultiplier = weights.shape[3] // x.shape[3]
        rows, columns = window_shape(x.shape[1:3], weights.shape[1:3], stride, padding)
        y = self._output(kind, (1, rows, columns, weights.shape[axis]), out)
        return self.operator(kind, operands, y, options)

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
        w_q = Quantisation(weight_scale)
        name = f"op{len(self._operators):03d}"
        operands = [x, self.tensor(f"{name}_weights", weights.shape, w_q, weights.astype(np.int8))]
        if bias is not None:
            b_q = Quantisation(x.quantisation.scales[0] * w_q.scales)
            operands.append(self.tensor(f"{name}_bias", bias.shape, b_q, bias.astype(np.int32), "INT32"))
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        rows = int(np.prod(x.shape)) // weights.shape[1]
        y = self._output("FULLY_CONNECTED", (rows, weights.shape[0]), out)
        return self.operator("FULLY_CONNECTED", operands, y, options)

    def add(self, a: Handle, b: Handle, out: Quantisation, activation: str = "NONE") -> Handle:
        """``ADD`` of equal shapes."""
        options = schema.AddOptionsT()
        options.fusedActivationFunction = ACTIVATIONS[activation]
        return self.operator("ADD", [a, b], self._output("ADD", a.shape, out), options)

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
        y = self._output(kind, (1, rows, columns, x.shape[3]), x.quantisation)
        return self.operator(kind, [x], y, options)

    def pad(self, x: Handle, top: int, bottom: int, left: int, right: int) -> Handle:
        """``PAD`` of rows and columns."""
        amounts = np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32)
        name = f"op{len(self._operators):03d}_amounts"
        constant = self.tensor(name, (4, 2), None, amounts, "INT32")
        shape = (1, x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3])
        return self.operator("PAD", [x, constant], self._output("PAD", shape, x.quantisation), schema.PadOptionsT())

    def reshape(self, x: Handle, shape: Sequence[int]) -> Handle:
        """``RESHAPE`` to the new shape, given as a constant tensor."""
        name = f"op{len(self._operators):03d}_shape"
        constant = self.tensor(name, (len(shape),), None, np.array(shape, np.int32), "INT32")
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        return self.operator("RESHAPE", [x, constant], self._output("RESHAPE", shape, x.quantisation), options)

    def softmax(self, x: Handle, beta: float = 1.0) -> Handle:
        """``SOFTMAX`` over the last axis, at the scale and zero point that TensorFlow Lite prescribes."""
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        return self.operator("SOFTMAX", [x], self._output("SOFTMAX", x.shape, Quantisation(1 / 256, -128)), options)

    def build(self, *outputs: Handle) -> bytes:
        """The file."""
        if self._input is None:
            raise ValueError("the network has no input")
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = "main", self._tensors, self._operators
        graph.inputs, graph.outputs = [self._input.index], [t.index for t in outputs]
        model = schema.ModelT()
        model.version, model.description = 3, "ocellus test network"
        model.subgraphs, model.buffers, model.operatorCodes = [graph], self._buffers, []
        for code in self._codes:
            c = schema.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode = code, min(code, 127)
            model.operatorCodes.append(c)
        writer = flatbuffers.Builder(1024)
        writer.Finish(model.Pack(writer), file_identifier=b"TFL3")
        return bytes(writer.Output())


def window_shape(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: str) -> tuple[int, int]:
    """Rows and columns that a sliding window leaves."""
    if padding == "SAME":
        return -(-size[0] // stride[0]), -(-size[1] // stride[1])
    return (size[0] - kernel[0]) // stride[0] + 1, (size[1] - kernel[1]) // stride[1] + 1
