"""The tensors of a ``.tflite`` file: names, shapes, scales, values."""

from math import prod
from typing import Any

import numpy as np
import tflite

from ..errors import BadInput
from .graph import Tensor

SCHEMA_VERSION = 3
MAX_TENSORS = 4096
MAX_OPERATORS = 1024
MAX_DIMENSION = 65535
MAX_ELEMENTS = (1 << 24) - 1
"""Addresses of the activation memory have 24 bits."""

_TYPES = {value: name for name, value in vars(tflite.TensorType).items() if isinstance(value, int)}
_CONSTANTS = {"INT8": np.dtype("<i1"), "INT32": np.dtype("<i4"), "INT64": np.dtype("<i8")}
_LOWEST = {"INT8": -128, "UINT8": 0}
"""The types of activations, and their smallest value."""


class TensorReader:
    """The tables of one file as far as tensors go."""

    def __init__(self, content: bytes, name: str, file: str) -> None:
        self.content, self.name, self.file = content, name, file
        self.model: Any = tflite.Model.GetRootAs(content, 0)
        if self.model.Version() != SCHEMA_VERSION:
            raise BadInput(f"{file}: found version {self.model.Version()} of the schema, allowed {SCHEMA_VERSION}")
        graphs = self.count("subgraphs", self.model.SubgraphsLength(), MAX_OPERATORS)
        if graphs != 1:
            raise BadInput(f"{file}: found {graphs} subgraphs, allowed 1")
        self.graph: Any = self.model.Subgraphs(0)
        self._buffers = self.count("buffers", self.model.BuffersLength(), 2 * MAX_TENSORS)
        self.tensors_found = self.count("tensors", self.graph.TensorsLength(), MAX_TENSORS)
        self.names = self._unique_names()
        self._kept: dict[int, Tensor] = {}

    def count(self, what: str, found: int, allowed: int) -> int:
        """``found``, checked before anything loops over it."""
        if 4 * found > len(self.content):
            raise BadInput(
                f"{self.file}: truncated or corrupt ({found} {what} in {len(self.content)} bytes), "
                "allowed a whole .tflite file"
            )
        if found > allowed:
            raise BadInput(f"{self.file}: found {found} {what}, allowed up to {allowed}")
        return found

    def _unique_names(self) -> list[str]:
        """Every tensor's name; a name that occurs again, or none, gets the tensor's number."""
        names: list[str] = []
        seen: set[str] = set()
        for index in range(self.tensors_found):
            raw = self.graph.Tensors(index).Name() or b""
            text = "".join(c if c.isprintable() else "?" for c in raw[:1024].decode("utf-8", "replace"))
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
            if not 0 <= index < self.tensors_found:
                raise BadInput(
                    f"{self.file}: {where}: found tensor number {index}, allowed 0 to {self.tensors_found - 1}"
                )
            self._kept[index] = self._read_tensor(index, where)
        return self._kept[index]

    def _read_tensor(self, index: int, where: str) -> Tensor:
        t, name = self.graph.Tensors(index), self.names[index]
        at = f"{self.file}: {where}: tensor {name!r}"
        rank = self.count("dimensions", t.ShapeLength(), 8)
        shape = tuple(int(t.Shape(i)) for i in range(rank))
        if any(not 1 <= n <= MAX_DIMENSION for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise BadInput(
                f"{at}: found shape {shape}, allowed 1 to {MAX_DIMENSION} in each dimension, "
                f"{MAX_ELEMENTS} elements together"
            )
        kind = self.type_of(index)
        data = self._constant(t, kind, shape, at)
        if kind not in _LOWEST:
            return Tensor(name, shape, data=data)
        scales, zero_point, axis = self._quantisation(t, kind, at)
        return Tensor(name, shape, scales, zero_point, axis, data, unsigned=kind == "UINT8")

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

    def _quantisation(self, t: Any, kind: str, at: str) -> tuple[tuple[float, ...], int, int]:
        """Scales, zero point and axis; a uint8 tensor is read as the int8 tensor whose values are 128 less."""
        lowest = _LOWEST[kind]
        q = t.Quantization()
        count = 0 if q is None else self.count("scales", q.ScaleLength(), MAX_DIMENSION)
        if q is None or not count or self.count("zero points", q.ZeroPointLength(), MAX_DIMENSION) not in (1, count):
            raise BadInput(f"{at}: found no scale and zero point, allowed {kind.lower()} with both")
        scales = tuple(float(s) for s in q.ScaleAsNumpy())
        zero_points = {int(z) for z in q.ZeroPointAsNumpy()}
        wrong = [s for s in scales if not 2.0**-60 <= s <= 2.0**60]
        if wrong:
            raise BadInput(f"{at}: found scale {wrong[0]:g}, allowed 2^-60 to 2^60")
        if len(zero_points) != 1 or not lowest <= min(zero_points) <= lowest + 255:
            raise BadInput(
                f"{at}: found zero points {sorted(zero_points)[:4]}, allowed one from {lowest} to {lowest + 255}"
            )
        return scales, zero_points.pop() - lowest - 128, q.QuantizedDimension()
