"""Reads an ``.onnx`` file of int8 or uint8 operators into a :class:`~ocellus.compiler.graph.Network`.

Both ways of writing such a network are read: QDQ, where float operators stand between DequantizeLinear and
QuantizeLinear, and QOperator, where they are QLinearConv and the like. A group of the first kind means the operator of
the second kind that ONNX Runtime makes of it.
"""

import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from ..errors import BadInput
from .graph import Network, Operator, Runtime, Tensor
from .onnx_operators import FLOAT_OPERATORS, Step, emit, emit_reshape
from .onnx_values import Constant, Pending, Quantisation, Real, Value, pass_through

MAX_NODES = 8192
MAX_ELEMENTS = (1 << 24) - 1
"""Addresses of the activation memory have 24 bits."""

_TYPES = dict(zip(onnx.TensorProto.DataType.values(), onnx.TensorProto.DataType.keys(), strict=True))
_ACTIVATION_TYPES = ("INT8", "UINT8")
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
_INTEGER_OPERATORS = ("MaxPool", "Slice", "Resize", "Concat")
"""Those that also take int8 as it is."""
_HOST_OPERATORS = ("Softmax", "ArgMax")
"""Behind the last quantised tensor."""


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
    return _Reader(model, name, file, zlib.crc32(content)).network()


class _Reader:
    """Walks the nodes of one file in their order; ``known`` says what each name stands for."""

    def __init__(self, model: Any, name: str, file: str, identity: int) -> None:
        self.graph, self.name, self.file, self.identity = model.graph, name, file, identity
        self.opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []
        self.notes: list[str] = []
        self.known: dict[str, Any] = {}
        self.left_to_host: set[str] = set()
        self.source = self.entry = ""
        self.at = file
        if len(self.graph.node) > MAX_NODES:
            raise BadInput(f"{file}: found {len(self.graph.node)} nodes, allowed up to {MAX_NODES}")
        for proto in self.graph.initializer:
            self.known[proto.name] = Constant(proto.name, self._array(proto))

    def _array(self, proto: Any) -> np.ndarray:
        at = f"{self.file}: tensor {proto.name!r}"
        if proto.data_location == onnx.TensorProto.EXTERNAL:
            raise BadInput(f"{at}: found values in another file, allowed values inside the .onnx file")
        try:
            return numpy_helper.to_array(proto)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            detail = " ".join(str(error).split())[:80]
            raise BadInput(f"{at}: truncated or corrupt ({detail}), allowed a whole .onnx file") from None

    def refuse(self, text: str) -> BadInput:
        """The error to raise, with file and operator in front."""
        return BadInput(f"{self.at}: {text}")

    def network(self) -> Network:
        """The whole graph."""
        self._source()
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
        if kind not in ("FLOAT", *_ACTIVATION_TYPES):
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
        return (0, 2, 3, 1) if rank == 4 else tuple(range(rank))

    def _node(self, number: int, node: Any) -> None:
        if node.domain not in _DOMAINS:
            raise self.refuse(f"found domain {node.domain!r}, allowed {', '.join(d or 'ONNX' for d in _DOMAINS[1:])}")
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute if a.type != a.GRAPH}
        if any(i in self.left_to_host for i in node.input):
            raise self.refuse("found an operator behind one that is left to the host, allowed none")
        if node.op_type == "Constant":
            self.known[node.output[0]] = self._constant_node(node, attributes)
            return None
        inputs = [self._input(name) for name in node.input]
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            result = getattr(self, f"_{node.op_type.lower()}")(number, node, inputs, attributes)
        elif node.op_type in _QUANTISED:
            result = self._quantised(number, node, inputs, attributes)
        elif node.op_type == "QLinearConcat":
            parts = [self._operand(inputs, (i, i + 1, i + 2)) for i in range(2, len(inputs) - 2, 3)]
            result = self._emit(number, "Concat", attributes, parts, node.output[0], self._scale(inputs, 0, 1))
        elif (moved := pass_through(node.op_type, inputs, attributes, self.refuse)) is not None:
            result = self._moved(number, moved)
        elif node.op_type in _INTEGER_OPERATORS and inputs and isinstance(inputs[0], Value):
            quantisation = self._of(inputs[0])
            result = self._emit(number, node.op_type, attributes, inputs, node.output[0], quantisation)
        elif node.op_type in _HOST_OPERATORS and node.output[0] in (o.name for o in self.graph.output):
            return self._leave_to_host(number, node, inputs)
        elif node.op_type in FLOAT_OPERATORS:
            result = self._float(number, node, inputs, attributes)
        else:
            raise self.refuse(f"found {node.op_type}, allowed {', '.join(FLOAT_OPERATORS)}, and QLinear forms of them")
        self.known[node.output[0]] = result
        return None

    def _constant_node(self, node: Any, attributes: dict[str, Any]) -> Constant:
        if "value" in attributes:
            return Constant(node.output[0], self._array(attributes["value"]))
        for key, kind in (("value_float", np.float32), ("value_int", np.int64), ("value_floats", np.float32)):
            if key in attributes:
                return Constant(node.output[0], np.array(attributes[key], kind))
        if "value_ints" in attributes:
            return Constant(node.output[0], np.array(attributes["value_ints"], np.int64))
        raise self.refuse("found no number, allowed a Constant with one")

    def _input(self, name: str) -> Any:
        if not name:
            return None
        if name not in self.known:
            raise self.refuse(
                f"tensor {name!r}: found a tensor that no operator has computed yet, allowed the network's input "
                "and earlier outputs"
            )
        return self.known[name]

    def _scale(self, inputs: list[Any], scale: int, zero_point: int, *, many: bool = False) -> Quantisation:
        """Scale and zero point from these places of an operator's inputs; ``many`` allows one a channel."""

        def array(place: int) -> np.ndarray | None:
            held = inputs[place] if place < len(inputs) else None
            if held is not None and not (isinstance(held, Constant) and not held.scales):
                raise self.refuse(f"input {place}: found a computed scale or zero point, allowed a constant")
            return None if held is None else held.data

        scales, zeros = array(scale), array(zero_point)
        zeros = np.uint8(0) if zeros is None else zeros
        if scales is None or scales.dtype != np.float32 or (scales.size != 1 and not many) or scales.ndim > 1:
            raise self.refuse(f"input {scale}: found no float32 scale for the whole tensor, allowed one")
        wrong = [float(s) for s in scales.ravel() if not 2.0**-60 <= s <= 2.0**60]
        if wrong:
            raise self.refuse(f"input {scale}: found scale {wrong[0]:g}, allowed 2^-60 to 2^60")
        kind = zeros.dtype.name.upper()
        if zeros.size not in (1, scales.size) or kind not in (*_ACTIVATION_TYPES, "INT32"):
            raise self.refuse(f"input {zero_point}: found {zeros.size} zero points of {kind}, allowed INT8 or UINT8")
        if len(set(zeros.ravel().tolist())) != 1:
            raise self.refuse(f"input {zero_point}: found different zero points a channel, allowed equal ones")
        unsigned = kind == "UINT8"
        return Quantisation(
            tuple(float(s) for s in scales.ravel()), int(zeros.ravel()[0]) - (128 if unsigned else 0), unsigned
        )

    def _of(self, value: Value) -> Quantisation:
        """The quantisation of a tensor that is known."""
        if value.tensor not in self.tensors:
            raise self.refuse("found an input that is not quantised yet, allowed one behind QuantizeLinear")
        t = self.tensors[value.tensor]
        return Quantisation(t.scales, t.zero_point, t.unsigned)

    def add(self, tensor: Tensor) -> str:
        """Keeps a new tensor; the name it got."""
        name = tensor.name
        while name in self.tensors:
            name += "#"
        self.tensors[name] = Tensor(
            name, tensor.shape, tensor.scales, tensor.zero_point, tensor.axis, tensor.data, tensor.unsigned
        )
        return name

    def _enter(self, value: Value, name: str, quantisation: Quantisation) -> Value:
        """The network's input, from where it is quantised on."""
        if not self.entry:
            self.entry = self.add(Tensor(name, value.graph_shape, *quantisation.fields))
        held = value.named(self.entry)
        self._same(held, quantisation)
        if self.tensors[self.entry].shape != held.graph_shape:
            raise self.refuse(f"found the network's input also as {held.graph_shape}, allowed one order of dimensions")
        return held

    def _quantizelinear(self, number: int, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Any:
        x, name = inputs[0], node.output[0]
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

    def _quantise_constant(self, x: Constant, inputs: list[Any]) -> Constant:
        quantisation = self._scale(inputs, 1, 2)
        low, high = (0, 255) if quantisation.unsigned else (-128, 127)
        zero_point = quantisation.zero_point + (128 if quantisation.unsigned else 0)
        levels = np.rint(x.data.astype(np.float32) / np.float32(quantisation.scales[0])) + zero_point
        return Constant(x.name, levels.clip(low, high).astype(np.uint8 if quantisation.unsigned else np.int8))

    def _dequantizelinear(self, number: int, node: Any, inputs: list[Any], attributes: dict[str, Any]) -> Any:
        x = inputs[0]
        if isinstance(x, Constant) and not x.scales:
            if len(inputs) < 3 and x.data.dtype == np.int32:
                inputs = [*inputs[:2], Constant("", np.int32(0) * np.ones((), np.int32))]
            return x.quantised(self._scale(inputs, 1, 2, many=True), int(attributes.get("axis", 1)), self.refuse)
        if not isinstance(x, Value):
            raise self.refuse("found a DequantizeLinear of no quantised tensor, allowed one")
        quantisation = self._scale(inputs, 1, 2)
        if not x.tensor:
            x = self._enter(x, self.source, quantisation)
        self._same(x, quantisation)
        return Real(x)

    def _same(self, x: Value, quantisation: Quantisation) -> None:
        found = self._of(x)
        if found != quantisation:
            raise self.refuse(
                f"tensor {x.tensor!r}: found scale {quantisation.scales[0]:g} and zero point "
                f"{quantisation.zero_point}, allowed those it was made with, {found.scales[0]:g} and {found.zero_point}"
            )

    def _operand(self, inputs: list[Any], places: tuple[int, int, int]) -> Any:
        """An operand of a QOperator with its scale and zero point."""
        held = inputs[places[0]]
        quantisation = self._scale(inputs, places[1], places[2], many=True)
        if isinstance(held, Constant) and not held.scales:
            return held.quantised(quantisation, None, self.refuse)
        if not isinstance(held, Value):
            raise self.refuse(f"input {places[0]}: found no quantised tensor, allowed one")
        if not held.tensor:
            held = self._enter(held, self.source, quantisation)
        self._same(held, quantisation)
        return held

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
                raise self.refuse("found a float input, allowed a QuantizeLinear and DequantizeLinear in front of it")
            return first.clamped(node.op_type, inputs[1:], attributes, self.refuse)
        reals = [i.value if isinstance(i, Real) else i for i in inputs]
        if any(isinstance(i, Value) and not i.tensor for i in reals) or not any(isinstance(i, Value) for i in reals):
            raise self.refuse("found a float input, allowed a QuantizeLinear and DequantizeLinear in front of it")
        return Pending(number, node.op_type, attributes, tuple(reals))

    def _leave_to_host(self, number: int, node: Any, inputs: list[Any]) -> None:
        if not isinstance(inputs[0], Real | Value):
            raise self.refuse("found a float input, allowed a QuantizeLinear and DequantizeLinear in front of it")
        self.notes.append(f"operator {number} ({node.op_type}) computes the network's float end, left to the host")
        self.left_to_host.add(node.output[0])
        self.known[node.output[0]] = inputs[0]

    def _moved(self, number: int, moved: Any) -> Any:
        """The result of an operator that only renames places; where the bytes' shape changes, a RESHAPE says so."""
        value = moved.value if isinstance(moved, Real) else moved
        if value.tensor and value.graph_shape != self.tensors[value.tensor].shape:
            t = self.tensors[value.tensor]
            name = f"{value.tensor}:{number}"
            name = self.add(Tensor(name, value.graph_shape, t.scales, t.zero_point, unsigned=t.unsigned))
            emit_reshape(number, value.tensor, name, self)
            value = value.named(name)
        return Real(value) if isinstance(moved, Real) else value

    def _emit(
        self, number: int, kind: str, attributes: dict[str, Any], inputs: list[Any], name: str,
        quantisation: Quantisation, pending: Pending | None = None,
    ) -> Value:  # fmt: skip
        """Makes the operator that ends in the quantised tensor ``name``."""
        reals = [i.value if isinstance(i, Real) else i for i in inputs]
        clamps = pending.clamps if pending is not None else ()
        step = Step(number, kind, attributes, reals, name, quantisation, clamps, self.opset, self.file)
        return emit(step, self)

    def _sink(self) -> Value:
        name = self.graph.output[0].name
        held = self.known.get(name)
        if isinstance(held, Real):
            if name not in self.left_to_host:
                self.notes.append("the last DequantizeLinear converts the network's float output, left to the host")
            held = held.value
        if not isinstance(held, Value) or not held.tensor:
            raise BadInput(f"{self.file}: network output {name!r}: found no quantised tensor, allowed one")
        if held.places is not None:
            raise BadInput(f"{self.file}: network output {name!r}: found a flattened picture, allowed the picture")
        return held
