"""Builds ``.onnx`` files of quantised operators, in both ways of writing them: QDQ and QOperator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 14
_Q_OPERATORS = {
    "Conv": ("QLinearConv", ""),
    "MatMul": ("QLinearMatMul", ""),
    "Gemm": ("QGemm", "com.microsoft"),
    "Add": ("QLinearAdd", "com.microsoft"),
    "Mul": ("QLinearMul", "com.microsoft"),
    "AveragePool": ("QLinearAveragePool", "com.microsoft"),
    "GlobalAveragePool": ("QLinearGlobalAveragePool", "com.microsoft"),
    "Concat": ("QLinearConcat", "com.microsoft"),
    "LeakyRelu": ("QLinearLeakyRelu", "com.microsoft"),
    "Sigmoid": ("QLinearSigmoid", "com.microsoft"),
}
_TYPES = {"int8": onnx.TensorProto.INT8, "uint8": onnx.TensorProto.UINT8, "float32": onnx.TensorProto.FLOAT}


@dataclass(frozen=True)
class Quantisation:
    """Scale and zero point as the file has them."""

    scale: float
    zero_point: int


@dataclass(frozen=True, eq=False)
class Handle:
    """A quantised tensor of the file being built; ``shape`` has the channels first."""

    name: str
    shape: tuple[int, ...]
    quantisation: Quantisation


class OnnxBuilder:
    """One network; ``form`` is ``qdq`` or ``qoperator``, ``unsigned`` makes activations uint8."""

    def __init__(self, form: str = "qdq", unsigned: bool = False) -> None:
        self.form, self.kind = form, "uint8" if unsigned else "int8"
        self.nodes: list[Any] = []
        self.initialisers: list[Any] = []
        self.ends: list[Any] = []

    def constant(self, values: np.ndarray | np.floating) -> str:
        """A new initialiser's name."""
        name = f"c{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str = "", domain: str = "", **attributes: Any) -> str:
        """A new node's output."""
        output = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def scale(self, q: Quantisation) -> list[str]:
        """Names of a scale and a zero point."""
        return [self.constant(np.float32(q.scale)), self.constant(np.array(q.zero_point, self.kind))]

    def input(self, shape: tuple[int, ...], q: Quantisation, real: bool = False) -> Handle:
        """The network's input: quantised, or float in front of a QuantizeLinear."""
        self.ends.append(helper.make_tensor_value_info("x", _TYPES["float32" if real else self.kind], shape))
        name = self.node("QuantizeLinear", ["x", *self.scale(q)], "xq") if real else "x"
        return Handle(name, shape, q)

    def dequantise(self, x: Handle) -> str:
        """Its float tensor."""
        return self.node("DequantizeLinear", [x.name, *self.scale(x.quantisation)])

    def quantise(self, real: str, shape: tuple[int, ...], q: Quantisation) -> Handle:
        """A float tensor's quantised one."""
        name = f"q{len(self.nodes)}"
        return Handle(self.node("QuantizeLinear", [real, *self.scale(q)], name), shape, q)

    def weights(
        self, values: np.ndarray, scales: np.ndarray, axis: int, bias: np.ndarray | None, in_scale: float,
        real_bias: bool = False,
    ) -> list[str]:  # fmt: skip
        """Names of the float weights and bias behind DequantizeLinear, or of what a QOperator takes."""
        scale = np.float32(scales[0]) if len(scales) == 1 else scales.astype(np.float32)
        parts = [
            self.constant(values.astype(np.int8)),
            self.constant(scale),
            self.constant(np.zeros_like(scale, np.int8)),
        ]
        if self.form == "qoperator":
            return [*parts, *([] if bias is None else [self.constant(bias.astype(np.int32))])]
        names = [self.node("DequantizeLinear", parts, axis=axis)]
        if bias is not None:
            bias_scale = np.float32(in_scale) * scale
            if real_bias:
                names.append(self.constant((bias * bias_scale).astype(np.float32)))
            else:
                zero = self.constant(np.zeros_like(bias_scale, np.int32))
                held = [self.constant(bias.astype(np.int32)), self.constant(bias_scale), zero]
                names.append(self.node("DequantizeLinear", held, axis=0))
        return names

    def weighted(
        self, kind: str, x: Handle, values: np.ndarray, scales: np.ndarray, bias: np.ndarray | None,
        shape: tuple[int, ...], q: Quantisation, clamp: Sequence[str] = (), real_bias: bool = False, axis: int = 0,
        **attributes: Any,
    ) -> Handle:  # fmt: skip
        """Conv, Gemm or MatMul; ``clamp`` names float operators (``Relu``) between it and its QuantizeLinear."""
        held = self.weights(values, scales, axis, bias, x.quantisation.scale, real_bias)
        if self.form == "qoperator":
            name, domain = _Q_OPERATORS[kind]
            inputs = [x.name, *self.scale(x.quantisation), *held[:3]]
            ends = self.scale(q)
            if kind == "Gemm":
                inputs += [*(held[3:] or [""]), *ends]
            else:
                inputs += [*ends, *held[3:]]
            return Handle(self.node(name, inputs, f"q{len(self.nodes)}", domain, **attributes), shape, q)
        real = self.node(kind, [self.dequantise(x), *held], **attributes)
        for other in clamp:
            real = self.node(other, [real])
        return self.quantise(real, shape, q)

    def operator(
        self, kind: str, inputs: Sequence[Handle], shape: tuple[int, ...], q: Quantisation, others: Sequence[str] = (),
        **attributes: Any,
    ) -> Handle:  # fmt: skip
        """Any other operator between quantised tensors; ``others`` are names of further inputs."""
        if self.form == "qoperator" and kind in _Q_OPERATORS:
            name, domain = _Q_OPERATORS[kind]
            held = [n for x in inputs for n in (x.name, *self.scale(x.quantisation))]
            held = [*self.scale(q), *held] if kind == "Concat" else [*held, *self.scale(q)]
            return Handle(self.node(name, held, f"q{len(self.nodes)}", domain, **attributes), shape, q)
        real = self.node(kind, [*(self.dequantise(x) for x in inputs), *others], **attributes)
        return self.quantise(real, shape, q)

    def held(self, values: np.ndarray, q: Quantisation) -> Handle:
        """A quantised constant as an operand; ``values`` are those of the file."""
        return Handle(self.constant(np.asarray(values, self.kind)), np.shape(values), q)

    def renamed(
        self, kind: str, x: Handle, shape: tuple[int, ...], others: Sequence[str] = (), **attributes: Any
    ) -> Handle:
        """Reshape, Flatten or Transpose: bytes only, directly on the quantised tensor."""
        return Handle(self.node(kind, [x.name, *others], **attributes), shape, x.quantisation)

    def build(self, output: Handle) -> bytes:
        """The file."""
        end = helper.make_tensor_value_info(output.name, _TYPES[self.kind], output.shape)
        graph = helper.make_graph(self.nodes, "network", self.ends, [end], self.initialisers)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
