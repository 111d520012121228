"""Reads an ``.onnx`` file of int8 or uint8 operators into a :class:`~ocellus.compiler.graph.Network`.

Both ways of writing such a network are read: QDQ, where float operators stand between DequantizeLinear and
QuantizeLinear, and QOperator, where they are QLinearConv and the like. A group of the first kind means the operator of
the second kind that ONNX Runtime makes of it.
"""

import zlib
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from ..errors import BadInput
from .graph import Network, Runtime
from .onnx_graph import ACTIVATION_TYPES, GraphInProgress
from .onnx_operators import FLOAT_OPERATORS
from .onnx_step import MAX_ELEMENTS
from .onnx_values import CHANNELS_LAST, Constant, Pending, Real, Value, pass_through

MAX_NODES = 8192
_TYPES = dict(zip(onnx.TensorProto.DataType.values(), onnx.TensorProto.DataType.keys(), strict=True))
_DOMAINS = ("", "ai.onnx", "com.microsoft")

# Where a QOperator's inputs lie: (value, scale, zero point) of each operand, bias, then scale and zero point of y.
_QUANTISED = {
    "QLinearConv": ("Conv", ((0, 1, 2), (3, 4, 5)), 8, (6, 7)),
    "QLinearMatMul": ("MatMul", ((0, 1, 2), (3, 4, 5)), None, (6, 7)),
    "QGemm": ("Gemm", ((0, 1, 2), (3, 4, 5)), 6, (7, 8)),
    "QLinearAdd": ("Add", ((0, 1, 2), (3, 4, 5)), None, (6, 7)),
    "QLinearMul": ("Mul", ((0, 1, 2), (3, 4, 5)), None, (6, 7)),
    "QLinearAveragePool": ("AveragePool", ((0, 1, 2),), None, (3, 4)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", ((0, 1, 2),), None, (3, 4)),
    "QLinearLeakyRelu": ("LeakyRelu", ((0, 1, 2),), None, (3, 4)),
    "QLinearSigmoid": ("Sigmoid", ((0, 1, 2),), None, (3, 4)),
    "QLinearSoftmax": ("Softmax", ((0, 1, 2),), None, (3, 4)),
}
_INTEGER_OPERATORS = ("MaxPool", "Slice", "Resize", "Concat", "Pad")
"""Those that also take int8 as it is."""
_HOST_OPERATORS = ("Softmax", "ArgMax")
"""Behind the last quantised tensor."""
_INSTEAD = {
    "BatchNormalization": "the same folded into the Conv in front, as onnxruntime's quant_pre_process does",
    "ReduceMean": "GlobalAveragePool, which sums integers",
    "HardSigmoid": "Sigmoid, or HardSwish for its product with its input",
    "ConvTranspose": "Resize (nearest) and Conv",
}

# What attributes and shapes of the wrong kind end in.
_CORRUPT = (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError, ZeroDivisionError)


def read_onnx(path: str | Path) -> Network:
    """The network in the file at ``path``; :class:`BadInput` when there is none that the accelerator can run."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}), allowed an .onnx file") from None
    return parse_onnx(content, path.stem, str(path))


def parse_onnx(content: bytes, name: str = "network", file: str | None = None) -> Network:
    """The network in the bytes of an ``.onnx`` file; ``file`` is what messages call it."""
    file = f"{name}.onnx" if file is None else file
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise BadInput(f"{file}: truncated or corrupt (no protobuf), allowed a whole .onnx file") from None
    if not model.HasField("graph") or not model.opset_import:
        raise BadInput(f"{file}: found no ONNX model (a graph and operator set), allowed an int8 .onnx file")
    reader = _Reader(model, name, file, zlib.crc32(content))
    try:
        return reader.network()
    except BadInput:
        raise
    except _CORRUPT as error:
        detail = " ".join(str(error).split())[:80]
        raise BadInput(f"{reader.at}: truncated or corrupt ({detail}), allowed a whole .onnx file") from None


class _Reader(GraphInProgress):
    """Walks the nodes of one file in their order."""

    def network(self) -> Network:
        """The whole graph."""
        if len(self.graph.node) > MAX_NODES:
            raise BadInput(f"{self.file}: found {len(self.graph.node)} nodes, allowed up to {MAX_NODES}")
        self.keep_constants()
        self._source()
        self.readers = Counter(name for node in self.graph.node for name in node.input)
        self.readers.update(o.name for o in self.graph.output)
        for number, node in enumerate(self.graph.node):
            self.at = f"{self.file}: operator {number} ({node.op_type})"
            self._node(number, node)
        self.at = self.file
        sink = self._sink()
        if not self.operators or sink.tensor == self.entry:
            raise BadInput(f"{self.file}: found no quantised operators, allowed an int8 .onnx file (QDQ or QOperator)")
        used = {name for o in self.operators for name in (*o.inputs, o.output)} | {self.entry}
        return Network(
            self.name, self.file, self.identity, {k: t for k, t in self.tensors.items() if k in used},
            tuple(self.operators), self.entry, sink.tensor, tuple(self.notes), Runtime.ONNX,
        )  # fmt: skip

    def _source(self) -> None:
        """The network's one input; its tensor is entered where it is quantised."""
        inputs = [i for i in self.graph.input if i.name not in self.known]
        if len(inputs) != 1 or len(self.graph.output) != 1:
            raise BadInput(
                f"{self.file}: found {len(inputs)} network inputs and {len(self.graph.output)} outputs, allowed 1 and 1"
            )
        value = inputs[0]
        kind = _TYPES.get(value.type.tensor_type.elem_type, "no type")
        dims = [d.dim_value if d.HasField("dim_value") else 0 for d in value.type.tensor_type.shape.dim]
        dims = [dims[0] or 1, *dims[1:]] if dims else dims  # an open batch is one picture
        at = f"{self.file}: network input {value.name!r}"
        if not 1 <= len(dims) <= 4 or any(d < 1 for d in dims) or prod(dims) > MAX_ELEMENTS:
            raise BadInput(f"{at}: found shape {tuple(dims)}, allowed 1 to 4 known dimensions, the batch first")
        if kind not in ("FLOAT", *ACTIVATION_TYPES):
            raise BadInput(f"{at}: found {kind}, allowed FLOAT, INT8 or UINT8")
        self.known[value.name] = Value("", tuple(dims), self._order_of_input(value.name, len(dims)))
        if kind == "FLOAT":
            self.known[value.name] = Real(self.known[value.name])
        self.source = value.name

    def _order_of_input(self, name: str, rank: int) -> tuple[int, ...]:
        """Pictures arrive with channels first, unless a Transpose is the first that happens to them."""
        for _ in range(3):
            readers = [n for n in self.graph.node if name in n.input]
            if readers and readers[0].op_type == "Transpose":
                return tuple(range(rank))
            if len(readers) != 1 or readers[0].op_type not in ("QuantizeLinear", "DequantizeLinear"):
                break
            name = readers[0].output[0]
        return CHANNELS_LAST if rank == 4 else tuple(range(rank))

    def _node(self, number: int, node: Any) -> None:
        if node.domain not in _DOMAINS:
            raise self.refuse(f"found domain {node.domain!r}, allowed {', '.join(_DOMAINS[1:])}")
        if sum(bool(name) for name in node.output) != 1 or node.output[0] in self.known:
            raise self.refuse(f"found outputs {list(node.output)}, allowed one that nothing else writes")
        if any(name in self.left_to_host for name in node.input):
            raise self.refuse("found an operator behind one that is left to the host, allowed none")
        result = self._result(number, node)
        if isinstance(result, Pending) and self.readers[node.output[0]] != 1:
            raise self.refuse(
                f"found {self.readers[node.output[0]]} readers of a float result, allowed one QuantizeLinear"
            )
        self.known[node.output[0]] = result

    def _result(self, number: int, node: Any) -> Any:
        """What the node's output stands for."""
        kind, name = node.op_type, node.output[0]
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.type != a.GRAPH}
        if kind == "Constant":
            return self._constant_node(node, attributes)
        inputs = [self._input(held) for held in node.input]
        if kind == "QuantizeLinear":
            return self._quantize(number, name, inputs)
        if kind == "DequantizeLinear":
            return self._dequantize(inputs, attributes)
        if kind in _QUANTISED:
            return self._quantised(number, node, inputs, attributes)
        if kind == "QLinearConcat":
            parts = [self._operand(inputs, (i, i + 1, i + 2)) for i in range(2, len(inputs) - 2, 3)]
            return self._emit(number, "Concat", attributes, parts, name, self._scale(inputs, 0, 1))
        moved = pass_through(kind, inputs, attributes, self.refuse)
        if moved is not None:
            return self._moved(number, moved)
        if kind in _INTEGER_OPERATORS and inputs and isinstance(inputs[0], Value):
            return self._emit(number, kind, attributes, inputs, name, self._of(inputs[0]), on_bytes=True)
        if kind in _HOST_OPERATORS and name in (o.name for o in self.graph.output):
            return self._leave_to_host(number, node, inputs)
        if kind in FLOAT_OPERATORS:
            return self._float(number, node, inputs, attributes)
        better = f"; what would fit: {_INSTEAD[kind]}" if kind in _INSTEAD else ""
        allowed = ", ".join(sorted(set(FLOAT_OPERATORS) - {"Identity"}))
        raise self.refuse(f"found {kind}, allowed {allowed}, and QLinear forms of them{better}")

    def _quantize(self, number: int, name: str, inputs: list[Any]) -> Any:
        x = inputs[0]
        if isinstance(x, Constant) and not x.scales:
            return self._quantise_constant(x, inputs)
        quantisation = self._scale(inputs, 1, 2)
        if isinstance(x, Pending):
            return self._emit(x.number, x.kind, x.attributes, list(x.inputs), name, quantisation, x)
        if not isinstance(x, Real):
            raise self.refuse("found a QuantizeLinear of no float tensor, allowed one")
        if not x.value.tensor:
            self.notes.append(
                f"operator {number} (QuantizeLinear) converts the network's float input, left to the host"
            )
            return self._enter(x.value, name, quantisation)
        if self._of(x.value) == quantisation:
            return x.value
        return self._emit(number, "Identity", {}, [x.value], name, quantisation)

    def _dequantize(self, inputs: list[Any], attributes: dict[str, Any]) -> Any:
        x = inputs[0]
        if isinstance(x, Constant) and not x.scales:
            if len(inputs) < 3 and x.data.dtype == np.int32:
                inputs = [*inputs[:2], Constant("", np.zeros((), np.int32))]
            return x.quantised(self._scale(inputs, 1, 2, many=True), int(attributes.get("axis", 1)), self.refuse)
        if not isinstance(x, Value):
            raise self.refuse("found a DequantizeLinear of no quantised tensor, allowed one")
        quantisation = self._scale(inputs, 1, 2)
        if not x.tensor:
            x = self._enter(x, self.source, quantisation)
        self._same(x, quantisation)
        return Real(x)

    def _quantised(self, number: int, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Value:
        kind, operands, bias, (scale, zero_point) = _QUANTISED[node.op_type]
        parts = [self._operand(inputs, places) for places in operands]
        if bias is not None and bias < len(inputs) and inputs[bias] is not None:
            parts.append(inputs[bias])
        quantisation = self._scale(inputs, scale, zero_point)
        return self._emit(number, kind, attributes, parts, node.output[0], quantisation)

    def _float(self, number: int, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Any:
        """A float operator waits for the QuantizeLinear behind it; RELU and Clip join the one in front."""
        if any(isinstance(i, Pending) for i in inputs):
            first = inputs[0]
            if node.op_type not in ("Relu", "Clip") or not isinstance(first, Pending):
                raise self._refuse_float(node, inputs)
            return first.clamped(node.op_type, inputs[1:], attributes, self.refuse)
        reals = [i.value if isinstance(i, Real) else i for i in inputs]
        if any(isinstance(i, Value) and not i.tensor for i in reals) or not any(isinstance(i, Value) for i in reals):
            raise self._refuse_float(node, inputs)
        return Pending(number, node.op_type, attributes, tuple(reals))

    def _refuse_float(self, node: Any, inputs: list[Any]) -> BadInput:
        """Names the first input that is no quantised tensor."""
        values = [held.value if isinstance(held, Real) else held for held in inputs]
        quantised = [isinstance(held, Value) and bool(held.tensor) for held in values]
        name = node.input[quantised.index(False)] if False in quantised else node.input[0]
        return self.refuse(
            f"tensor {name!r}: found a float input, allowed a QuantizeLinear and DequantizeLinear in front of it"
        )

    def _leave_to_host(self, number: int, node: Any, inputs: list[Any]) -> Any:
        if not isinstance(inputs[0], Real | Value):
            raise self._refuse_float(node, inputs)
        self.notes.append(f"operator {number} ({node.op_type}) computes the network's float end, left to the host")
        self.left_to_host.add(node.output[0])
        return inputs[0]

    def _sink(self) -> Value:
        name = self.graph.output[0].name
        held = self.known.get(name)
        if isinstance(held, Real):
            if name not in self.left_to_host:
                self.notes.append("the last DequantizeLinear converts the network's float output, left to the host")
            held = held.value
        if not isinstance(held, Value) or not held.tensor:
            found = f"the float result of operator {held.number} ({held.kind})" if isinstance(held, Pending) else "none"
            raise BadInput(
                f"{self.file}: network output {name!r}: found {found}, allowed a quantised tensor, or one behind "
                "a DequantizeLinear, Softmax or ArgMax"
            )
        if held.places is not None:
            raise BadInput(f"{self.file}: network output {name!r}: found a flattened picture, allowed the picture")
        return held
