"""Reads a ``.tflite`` file into a :class:`~ocellus.compiler.graph.Network`, or says in one sentence why not."""

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import tflite

from ..errors import BadInput
from .checks import check_operator
from .graph import Kind, Network, Operator, Tensor
from .tflite_operators import MAX_INPUTS, read_operator
from .tflite_tensors import MAX_OPERATORS, MAX_TENSORS, TensorReader

_IDENTIFIER = b"TFL3"
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
    except (*_CORRUPT, Warning):
        raise BadInput(f"{file}: found a truncated or corrupt model, allowed a whole .tflite file") from None


class _Reader(TensorReader):
    """Walks the operators of one file."""

    def kind_of(self, o: Any) -> str:
        """The operator's name; newer files keep it in the second of two fields."""
        codes = self.count("operator codes", self.model.OperatorCodesLength(), MAX_OPERATORS)
        index = o.OpcodeIndex()
        if not 0 <= index < codes:
            raise BadInput(f"{self.file}: found operator code number {index}, allowed 0 to {codes - 1}")
        code: Any = self.model.OperatorCodes(index)
        value = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return _OPERATORS.get(value, f"operator code {value}")

    def _ends(self, what: str, found: int, at: Any) -> int:
        if self.count(what, found, MAX_TENSORS) != 1:
            raise BadInput(f"{self.file}: found {found} network {what}, allowed 1")
        index = int(at(0))
        if not 0 <= index < self.tensors_found:
            raise BadInput(
                f"{self.file}: network {what}: found tensor number {index}, allowed 0 to {self.tensors_found - 1}"
            )
        return index

    def network(self) -> Network:
        """The whole graph, checked."""
        first = self._ends("inputs", self.graph.InputsLength(), self.graph.Inputs)
        last = self._ends("outputs", self.graph.OutputsLength(), self.graph.Outputs)
        count = self.count("operators", self.graph.OperatorsLength(), MAX_OPERATORS)
        rows = [(i, self.graph.Operators(i)) for i in range(count)]
        notes: list[str] = []
        # Converters wrap an int8 network into float or uint8 ends; those two conversions are the host's.
        for i, o in list(rows):
            found = self._conversion(o, first, last)
            if found is not None:
                first, last, end = found
                rows.remove((i, o))
                notes.append(
                    f"operator {i} ({self.kind_of(o)}) converts the network's {end} end and is left to the host"
                )
        operators: list[Operator] = []
        tensors: dict[str, Tensor] = {}

        def keep(tensor: Tensor) -> Tensor:
            return tensors.setdefault(tensor.name, tensor)

        if self.type_of(first) not in ("INT8", "UINT8"):
            raise BadInput(
                f"{self.file}: network input: tensor {self.names[first]!r}: found {self.type_of(first)}, "
                "allowed INT8, or UINT8 or FLOAT32 before a QUANTIZE"
            )
        source = keep(self.tensor(first, "network input"))
        known = {source.name}
        for i, o in rows:
            kind = self.kind_of(o)
            where = f"operator {i} ({kind})"
            if kind not in Kind.__members__:
                raise BadInput(f"{self.file}: {where}: found {kind}, allowed {', '.join(Kind)}")
            inputs, output = self._operands(o, Kind(kind), where)
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
            known.add(keep(output).name)
            for t in inputs:
                keep(t)
            operators.append(read)
        sink = self.names[last]
        if not operators or sink not in known or sink == source.name:
            raise BadInput(f"{self.file}: tensor {sink!r}: found an output that no operator computes, allowed one")
        return Network(
            self.name, self.file, zlib.crc32(self.content), tensors, tuple(operators), source.name, sink, tuple(notes)
        )

    def _conversion(self, o: Any, first: int, last: int) -> tuple[int, int, str] | None:
        """The network's ends without ``o``, and what it converts from or to, when ``o`` stands at one of the ends.

        That is a QUANTIZE from float or a DEQUANTIZE to float, or a QUANTIZE between uint8 and int8 that only
        moves the zero point by 128.
        """
        kind = self.kind_of(o)
        if kind not in ("QUANTIZE", "DEQUANTIZE") or o.InputsLength() != 1 or o.OutputsLength() != 1:
            return None
        source, sink = int(o.Inputs(0)), int(o.Outputs(0))
        if not (0 <= source < self.tensors_found and 0 <= sink < self.tensors_found):
            return None
        types = self.type_of(source), self.type_of(sink)
        if kind == "QUANTIZE" and source == first and types == ("FLOAT32", "INT8"):
            return sink, last, "float"
        if kind == "DEQUANTIZE" and sink == last and types == ("INT8", "FLOAT32"):
            return first, source, "float"
        if kind == "QUANTIZE" and types in (("UINT8", "INT8"), ("INT8", "UINT8")):
            a, b = self.tensor(source, kind), self.tensor(sink, kind)
            if (a.scales, a.zero_point, a.shape) == (b.scales, b.zero_point, b.shape):
                if source == first and types[0] == "UINT8":
                    return sink, last, "uint8"
                if sink == last and types[1] == "UINT8":
                    return first, source, "uint8"
        return None

    def _operands(self, o: Any, kind: Kind, where: str) -> tuple[list[Tensor], Tensor]:
        """Input and output tensors, the first input an activation; an absent optional input (-1) is left out."""
        found = self.count("operator inputs", o.InputsLength(), MAX_INPUTS), self.count("outputs", o.OutputsLength(), 8)
        if found[0] < 1 or found[1] != 1:
            raise BadInput(
                f"{self.file}: {where}: found {found[0]} inputs and {found[1]} outputs, "
                "allowed at least 1 and exactly 1"
            )
        numbers = [int(o.Inputs(i)) for i in range(found[0])]
        while len(numbers) > 1 and numbers[-1] == -1:
            numbers.pop()
        if kind is Kind.TRANSPOSE_CONV and len(numbers) >= 3:  # output shape, weights, activation, bias
            shape, weights, x, *bias = numbers
            numbers = [x, weights, *bias, shape]
        activation = ("INT8", "UINT8") if kind is Kind.QUANTIZE else ("INT8",)
        for position, index in enumerate((*numbers, int(o.Outputs(0)))):
            allowed = ("INT8", "INT32", "INT64") if 0 < position < len(numbers) else activation
            if 0 <= index < self.tensors_found and self.type_of(index) not in allowed:
                raise BadInput(
                    f"{self.file}: {where}: tensor {self.names[index]!r}: found {self.type_of(index)}, "
                    f"allowed {' or '.join(allowed)}"
                )
        return [self.tensor(i, where) for i in numbers], self.tensor(int(o.Outputs(0)), where)
