"""Reads a ``.tflite`` file into a :class:`~ocellus.compiler.graph.Network`, or says in one sentence why not."""

import struct
import warnings
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from ..errors import BadInput
from .checks import CHECKED, check_operator
from .graph import Kind, Network, Operator, Tensor
from .tflite_operators import read_operator

MAX_TENSORS = 4096
MAX_OPERATORS = 1024
MAX_DIMENSION = 65535
MAX_ELEMENTS = (1 << 24) - 1
"""Addresses of the activation memory have 24 bits."""

_IDENTIFIER = b"TFL3"
_TYPES = {value: name for name, value in vars(tflite.TensorType).items() if isinstance(value, int)}
_CONSTANTS = {"INT8": np.dtype("<i1"), "INT32": np.dtype("<i4"), "INT64": np.dtype("<i8")}
_OPERATORS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}

# What the flatbuffers library raises when an offset leads out of the file or into the wrong place.
_CORRUPT = (struct.error, TypeError, ValueError, IndexError, AttributeError, OverflowError, AssertionError)


def read_network(path: str | Path) -> Network:
    """The network in the file at ``path``; :class:`BadInput` when there is none that the accelerator can run."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}), allowed a .tflite file") from None
    return parse_network(content, path.stem, str(path))


def parse_network(content: bytes, name: str = "network", file: str | None = None) -> Network:
    """The network in the bytes of a ``.tflite`` file; ``file`` is what messages call it."""
    file = f"{name}.tflite" if file is None else file
    if content[4:8] != _IDENTIFIER:
        raise BadInput(f"{file}: found no TensorFlow Lite model (no mark TFL3 at byte 4), allowed an int8 .tflite file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns where a value does not fit
            return _Reader(content, name, file).network()
    except BadInput:
        raise
    except (*_CORRUPT, Warning) as error:
        detail = " ".join(str(error).split())[:80]
        raise BadInput(f"{file}: truncated or corrupt ({detail}), allowed a whole .tflite file") from None


class _Reader:
    """Walks the tables of one file."""

    def __init__(self, content: bytes, name: str, file: str) -> None:
        self.content, self.name, self.file = content, name, file
        self.model: Any = tflite.Model.GetRootAs(content, 0)
        graphs = self._count("subgraphs", self.model.SubgraphsLength(), MAX_OPERATORS)
        if graphs != 1:
            raise BadInput(f"{file}: found {graphs} subgraphs, allowed 1")
        self.graph: Any = self.model.Subgraphs(0)
        self._buffers = self._count("buffers", self.model.BuffersLength(), 2 * MAX_TENSORS)
        self._tensors = self._count("tensors", self.graph.TensorsLength(), MAX_TENSORS)
        self._names = self._unique_names()
        self._kept: dict[int, Tensor] = {}

    def _count(self, what: str, found: int, allowed: int) -> int:
        """``found``, checked before anything loops over it."""
        if 4 * found > len(self.content):
            raise BadInput(f"{self.file}: truncated or corrupt ({found} {what} in {len(self.content)} bytes)")
        if found > allowed:
            raise BadInput(f"{self.file}: found {found} {what}, allowed up to {allowed}")
        return found

    def _unique_names(self) -> list[str]:
        """Every tensor's name; a name that occurs again, or none, gets the tensor's number."""
        names: list[str] = []
        seen: set[str] = set()
        for index in range(self._tensors):
            raw = self.graph.Tensors(index).Name() or b""
            text = "".join(c if c.isprintable() else "?" for c in raw[:200].decode("utf-8", "replace"))
            names.append(text if text and text not in seen else f"{text}#{index}")
            seen.add(names[-1])
        return names

    def type_of(self, index: int) -> str:
        """The tensor's element type, as TensorFlow Lite calls it."""
        code = self.graph.Tensors(index).Type()
        return _TYPES.get(code, f"type {code}")

    def tensor(self, index: int, where: str) -> Tensor:
        """The tensor with this number; ``where`` names the operator that uses it."""
        if index not in self._kept:
            if not 0 <= index < self._tensors:
                raise BadInput(f"{self.file}: {where}: found tensor number {index}, allowed 0 to {self._tensors - 1}")
            self._kept[index] = self._read_tensor(index, where)
        return self._kept[index]

    def _read_tensor(self, index: int, where: str) -> Tensor:
        t, name = self.graph.Tensors(index), self._names[index]
        at = f"{self.file}: {where}: tensor {name!r}"
        rank = self._count("dimensions", t.ShapeLength(), 8)
        shape = tuple(int(t.Shape(i)) for i in range(rank))
        if any(not 1 <= n <= MAX_DIMENSION for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise BadInput(
                f"{at}: found shape {shape}, allowed 1 to {MAX_DIMENSION} in each dimension, "
                f"{MAX_ELEMENTS} elements together"
            )
        kind = self.type_of(index)
        data = self._constant(t, kind, shape, at)
        if kind != "INT8":
            return Tensor(name, shape, data=data)
        scales, zero_point, axis = self._quantisation(t, at)
        return Tensor(name, shape, scales, zero_point, axis, data)

    def _constant(self, t: Any, kind: str, shape: tuple[int, ...], at: str) -> np.ndarray | None:
        """The values of a constant, None for an activation."""
        number = t.Buffer()
        if not 0 <= number < self._buffers:
            raise BadInput(f"{at}: found buffer number {number}, allowed 0 to {self._buffers - 1}")
        buffer: Any = self.model.Buffers(number)
        if buffer.Offset() > 1:
            raise BadInput(f"{at}: found values outside the flatbuffer, allowed inside")
        if buffer.DataIsNone() or buffer.DataLength() == 0:
            return None
        if kind not in _CONSTANTS:
            raise BadInput(f"{at}: found a constant of {kind}, allowed {', '.join(_CONSTANTS)}")
        want = prod(shape) * _CONSTANTS[kind].itemsize
        if buffer.DataLength() != want:
            raise BadInput(f"{at}: found {buffer.DataLength()} bytes of values, allowed {want} for shape {shape}")
        return np.frombuffer(buffer.DataAsNumpy().tobytes(), _CONSTANTS[kind]).reshape(shape)

    def _quantisation(self, t: Any, at: str) -> tuple[tuple[float, ...], int, int]:
        """Scales, zero point and axis of an int8 tensor."""
        q = t.Quantization()
        count = 0 if q is None else self._count("scales", q.ScaleLength(), MAX_DIMENSION)
        if q is None or not count or self._count("zero points", q.ZeroPointLength(), MAX_DIMENSION) not in (1, count):
            raise BadInput(f"{at}: found no scale and zero point, allowed int8 with both")
        scales = tuple(float(s) for s in q.ScaleAsNumpy())
        zero_points = {int(z) for z in q.ZeroPointAsNumpy()}
        wrong = [s for s in scales if not 2.0**-60 <= s <= 2.0**60]
        if wrong:
            raise BadInput(f"{at}: found scale {wrong[0]:g}, allowed 2^-60 to 2^60")
        if len(zero_points) != 1 or not -128 <= min(zero_points) <= 127:
            raise BadInput(f"{at}: found zero points {sorted(zero_points)[:4]}, allowed one from -128 to 127")
        return scales, zero_points.pop(), q.QuantizedDimension()

    def kind_of(self, o: Any) -> str:
        """The operator's name; newer files keep it in the second of two fields."""
        codes = self._count("operator codes", self.model.OperatorCodesLength(), MAX_OPERATORS)
        index = o.OpcodeIndex()
        if not 0 <= index < codes:
            raise BadInput(f"{self.file}: found operator code number {index}, allowed 0 to {codes - 1}")
        code: Any = self.model.OperatorCodes(index)
        value = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return _OPERATORS.get(value, f"operator code {value}")

    def _ends(self, what: str, found: int, at: Any) -> int:
        if self._count(what, found, MAX_TENSORS) != 1:
            raise BadInput(f"{self.file}: found {found} network {what}, allowed 1")
        index = int(at(0))
        if not 0 <= index < self._tensors:
            raise BadInput(
                f"{self.file}: network {what}: found tensor number {index}, allowed 0 to {self._tensors - 1}"
            )
        return index

    def network(self) -> Network:
        """The whole graph, checked."""
        first = self._ends("inputs", self.graph.InputsLength(), self.graph.Inputs)
        last = self._ends("outputs", self.graph.OutputsLength(), self.graph.Outputs)
        count = self._count("operators", self.graph.OperatorsLength(), MAX_OPERATORS)
        rows = [(i, self.graph.Operators(i)) for i in range(count)]
        notes: list[str] = []
        # Converters wrap an int8 network into float ends; those two conversions are the host's.
        for i, o in list(rows):
            ends = self._conversion(o, first, last)
            if ends is not None:
                first, last = ends
                rows.remove((i, o))
                notes.append(
                    f"operator {i} ({self.kind_of(o)}) converts the network's float end and is left to the host"
                )
        operators: list[Operator] = []
        tensors: dict[str, Tensor] = {}

        def keep(tensor: Tensor) -> Tensor:
            return tensors.setdefault(tensor.name, tensor)

        if self.type_of(first) != "INT8":
            raise BadInput(
                f"{self.file}: network input: tensor {self._names[first]!r}: found {self.type_of(first)}, allowed INT8"
            )
        source = keep(self.tensor(first, "network input"))
        known = {source.name}
        for i, o in rows:
            kind = self.kind_of(o)
            where = f"operator {i} ({kind})"
            if kind not in CHECKED:
                raise BadInput(f"{self.file}: {where}: found {kind}, allowed {', '.join(CHECKED)}")
            inputs, output = self._operands(o, where)
            read = read_operator(f"{self.file}: {where}", i, Kind(kind), o, inputs, output)
            check_operator(f"{self.file}: {read}", read, {t.name: t for t in (*inputs, output)})
            for t in inputs:
                if t.data is None and t.name not in known:
                    raise BadInput(
                        f"{self.file}: {where}: tensor {t.name!r}: found a tensor that no operator has computed yet, "
                        f"allowed the network's input and earlier outputs"
                    )
            if output.name in known or output.data is not None:
                raise BadInput(f"{self.file}: {where}: tensor {output.name!r}: found a second writer, allowed one")
            if operators and operators[-1].kind is Kind.SOFTMAX:
                raise BadInput(
                    f"{self.file}: {operators[-1]}: found another operator behind it, allowed the last place"
                )
            known.add(keep(output).name)
            for t in inputs:
                keep(t)
            operators.append(read)
        sink = self._names[last]
        if not operators or sink not in known or sink == source.name:
            raise BadInput(f"{self.file}: tensor {sink!r}: found an output that no operator computes, allowed one")
        if operators[-1].kind is Kind.SOFTMAX and operators[-1].output != sink:
            raise BadInput(f"{self.file}: {operators[-1]}: found beside the output, allowed as the output")
        return Network(
            self.name, self.file, zlib.crc32(self.content), tensors, tuple(operators), source.name, sink, tuple(notes)
        )

    def _conversion(self, o: Any, first: int, last: int) -> tuple[int, int] | None:
        """The network's ends without ``o``, when ``o`` is the QUANTIZE or DEQUANTIZE between one of them and float."""
        kind = self.kind_of(o)
        if kind not in ("QUANTIZE", "DEQUANTIZE") or o.InputsLength() != 1 or o.OutputsLength() != 1:
            return None
        source, sink = int(o.Inputs(0)), int(o.Outputs(0))
        if not (0 <= source < self._tensors and 0 <= sink < self._tensors):
            return None
        types = self.type_of(source), self.type_of(sink)
        if kind == "QUANTIZE" and source == first and types == ("FLOAT32", "INT8"):
            return sink, last
        if kind == "DEQUANTIZE" and sink == last and types == ("INT8", "FLOAT32"):
            return first, source
        return None

    def _operands(self, o: Any, where: str) -> tuple[list[Tensor], Tensor]:
        """Input and output tensors; an absent optional input (-1) is left out."""
        if self._count("operator inputs", o.InputsLength(), 8) < 1 or self._count("outputs", o.OutputsLength(), 8) != 1:
            raise BadInput(
                f"{self.file}: {where}: found {o.InputsLength()} inputs and {o.OutputsLength()} outputs, "
                "allowed at least 1 and exactly 1"
            )
        numbers = [int(o.Inputs(i)) for i in range(o.InputsLength())]
        while len(numbers) > 1 and numbers[-1] == -1:
            numbers.pop()
        for position, index in enumerate((*numbers, int(o.Outputs(0)))):
            allowed = ("INT8", "INT32", "INT64") if 0 < position < len(numbers) else ("INT8",)
            if 0 <= index < self._tensors and self.type_of(index) not in allowed:
                raise BadInput(
                    f"{self.file}: {where}: tensor {self._names[index]!r}: found {self.type_of(index)}, "
                    f"allowed {' or '.join(allowed)}"
                )
        return [self.tensor(i, where) for i in numbers], self.tensor(int(o.Outputs(0)), where)
