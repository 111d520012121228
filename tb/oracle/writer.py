"""Writes ``.tflite`` files: tensors and operators, with exactly the scales and zero points asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as _generated

schema: Any = _generated  # generated code, without usable types


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


class ModelWriter:
    """One subgraph with batch 1."""

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

    def constant(self, values: np.ndarray, quantisation: Quantisation) -> Handle:
        """An int8 constant."""
        name = f"constant{len(self._tensors):03d}"
        return self.tensor(name, values.shape, quantisation, values.astype(np.int8))

    def integers(self, values: Sequence[int] | np.ndarray, name: str = "integers") -> Handle:
        """An int32 constant: shapes, axes, amounts."""
        data = np.array(values, np.int32)
        return self.tensor(f"op{len(self._operators):03d}_{name}", data.shape, None, data, "INT32")

    def output(self, kind: str, shape: Sequence[int], quantisation: Quantisation) -> Handle:
        """A tensor for the output of the next operator."""
        return self.tensor(f"op{len(self._operators):03d}_{kind}", shape, quantisation)

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

    def weighted(
        self, x: Handle, weights: np.ndarray, bias: np.ndarray | None, weight_scale: float | np.ndarray, axis: int
    ) -> list[Handle]:
        """Constants beside ``x``: weights with scales along ``axis``, and a bias at the product of the scales."""
        w_q = Quantisation(weight_scale, axis=axis)
        name = f"op{len(self._operators):03d}"
        operands = [self.tensor(f"{name}_weights", weights.shape, w_q, weights.astype(np.int8))]
        if bias is not None:
            b_q = Quantisation(x.quantisation.scales[0] * w_q.scales)
            operands.append(self.tensor(f"{name}_bias", bias.shape, b_q, bias.astype(np.int32), "INT32"))
        return operands

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
