"""What a name of an ``.onnx`` file stands for while the file is read, and operators that only rename places."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from ..errors import BadInput

Refuse = Callable[[str], BadInput]
CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Quantisation:
    """Scales, the zero point as int8 has it, and whether the file holds uint8 (128 more)."""

    scales: tuple[float, ...]
    zero_point: int
    unsigned: bool

    @property
    def fields(self) -> tuple[tuple[float, ...], int, int, None, bool]:
        """What :class:`~ocellus.compiler.graph.Tensor` takes behind name and shape."""
        return self.scales, self.zero_point, 0, None, self.unsigned

    @property
    def full_range(self) -> tuple[np.float32, np.float32]:
        """The smallest and largest real number that this quantisation can hold."""
        scale = np.float32(self.scales[0])
        return scale * np.float32(-128 - self.zero_point), scale * np.float32(127 - self.zero_point)


@dataclass(frozen=True, eq=False)
class Constant:
    """An initialiser; ``scales`` is empty until a DequantizeLinear or a QOperator says how to read it.

    ``axis`` is the axis of several scales, None where only their number says so.
    """

    name: str
    data: np.ndarray
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    axis: int | None = None
    unsigned: bool = False

    def quantised(self, quantisation: Quantisation, axis: int | None, refuse: Refuse) -> "Constant":
        """The same with its scales; uint8 becomes int8."""
        data, zero_point = self.data, quantisation.zero_point
        if data.dtype == np.uint8 and quantisation.unsigned:
            data = (data.astype(np.int16) - 128).astype(np.int8)
        elif data.dtype not in (np.int8, np.int32) or quantisation.unsigned:
            raise refuse(f"tensor {self.name!r}: found a constant of {data.dtype.name}, allowed int8, uint8 or int32")
        if axis is not None and axis < 0:
            axis += data.ndim
        return Constant(self.name, data, quantisation.scales, zero_point, axis, quantisation.unsigned)


@dataclass(frozen=True, eq=False)
class Value:
    """A quantised activation: the graph's tensor, seen with the file's shape.

    Attributes
    ----------
    tensor : str
        Its name in the graph; empty for the network's input before anything has said how it is quantised.
    shape : tuple of int
        As the file has it.
    order : tuple of int
        The file's dimension in each place of the graph's tensor: (0, 2, 3, 1) for a picture with channels first.
    places : ndarray or None
        Of a flattened picture: the file's index of each element of the graph's tensor, where these differ.
    """

    tensor: str
    shape: tuple[int, ...]
    order: tuple[int, ...]
    places: np.ndarray | None = None

    def named(self, tensor: str) -> "Value":
        """The same view of another tensor."""
        return replace(self, tensor=tensor)

    @property
    def graph_shape(self) -> tuple[int, ...]:
        """The shape that the graph's tensor has."""
        return tuple(self.shape[axis] for axis in self.order)

    @property
    def is_picture(self) -> bool:
        """Whether this is one picture with channels first in the file and last in the graph."""
        return self.order == CHANNELS_LAST and self.shape[0] == 1


@dataclass(frozen=True, eq=False)
class Real:
    """A float tensor that is a quantised one behind DequantizeLinear."""

    value: Value


@dataclass(frozen=True, eq=False)
class Pending:
    """A float operator that waits for the QuantizeLinear behind it; ``clamps`` are (low, high) of Relu and Clip."""

    number: int
    kind: str
    attributes: dict[str, Any]
    inputs: tuple[Any, ...]
    clamps: tuple[tuple[float, float], ...] = field(default=())

    def clamped(self, kind: str, bounds: list[Any], attributes: dict[str, Any], refuse: Refuse) -> "Pending":
        """The same with a Relu or Clip behind it."""
        return replace(self, clamps=(*self.clamps, clamp_of(kind, bounds, attributes, refuse)))


def clamp_of(kind: str, bounds: list[Any], attributes: dict[str, Any], refuse: Refuse) -> tuple[float, float]:
    """Smallest and largest number that a Relu or Clip lets pass; Clip has them as attributes or as inputs."""
    if kind == "Relu":
        return 0.0, float("inf")
    ends = []
    for place, (name, default) in enumerate((("min", -float("inf")), ("max", float("inf")))):
        held = bounds[place] if place < len(bounds) else None
        if isinstance(held, Constant) and not held.scales and held.data.size == 1:
            ends.append(float(held.data.ravel()[0]))
        elif isinstance(held, Constant) and held.data.size == 1:
            ends.append(float(np.float32(held.data.ravel()[0] - held.zero_point) * np.float32(held.scales[0])))
        elif held is None:
            ends.append(float(attributes.get(name, default)))
        else:
            raise refuse(f"found a computed {name}, allowed a constant")
    return ends[0], ends[1]


def integers(held: Any, what: str, refuse: Refuse) -> list[int]:
    """The numbers of a constant that holds shapes or axes."""
    if not isinstance(held, Constant) or held.data.dtype not in (np.int32, np.int64):
        raise refuse(f"found {what} that is no constant of integers, allowed a constant")
    return [int(n) for n in held.data.ravel()]


def pass_through(kind: str, inputs: list[Any], attributes: dict[str, Any], refuse: Refuse) -> Any:
    """The result of an operator that moves no byte, or None when ``kind`` is none of them."""
    if kind not in _SHAPES and kind not in ("Identity", "Dropout", "Transpose"):
        return None
    held = inputs[0] if inputs else None
    if isinstance(held, Constant) and kind in ("Identity", "Transpose"):
        return held if kind == "Identity" else _transposed_constant(held, attributes)
    if not isinstance(held, Real | Value):
        raise refuse("found a float input, allowed a QuantizeLinear and DequantizeLinear in front of it")
    value = held.value if isinstance(held, Real) else held
    if kind == "Transpose":
        perm = [int(p) for p in attributes.get("perm", range(len(value.shape))[::-1])]
        if sorted(perm) != list(range(len(value.shape))) or value.places is not None:
            raise refuse(f"found permutation {perm} of shape {value.shape}, allowed a picture's dimensions")
        shape = tuple(value.shape[p] for p in perm)
        value = Value(value.tensor, shape, tuple(perm.index(axis) for axis in value.order))
    elif kind in _SHAPES:
        value = _reshaped(value, _SHAPES[kind](value.shape, inputs[1:], attributes, refuse), refuse)
    return Real(value) if isinstance(held, Real) else value


def _transposed_constant(held: Constant, attributes: dict[str, Any]) -> Constant:
    perm = [int(p) for p in attributes.get("perm", range(held.data.ndim)[::-1])]
    axis = None if held.axis is None or len(held.scales) == 1 else perm.index(held.axis)
    return replace(held, data=held.data.transpose(perm), axis=axis)


def _reshaped(value: Value, shape: tuple[int, ...], refuse: Refuse) -> Value:
    """The same bytes with another shape: in the graph's order of dimensions, or flattened with its places."""
    size = prod(value.shape)
    if prod(shape) != size or not 1 <= len(shape) <= 4:
        raise refuse(f"found shape {shape} from {value.shape}, allowed as many elements in 1 to 4 dimensions")
    places = value.places
    if places is None:
        places = np.arange(size).reshape(value.shape).transpose(value.order).ravel()
    plain = tuple(range(len(shape)))
    for order in (CHANNELS_LAST, plain) if len(shape) == 4 else (plain,):
        if np.array_equal(np.arange(size).reshape(shape).transpose(order).ravel(), places):
            return Value(value.tensor, shape, order)
    if len(shape) == 2 and shape[0] == 1:
        return Value(value.tensor, shape, plain, places)
    raise refuse(f"found shape {shape} from a picture of {value.shape}, allowed (1, {size})")


def _reshape(shape: tuple[int, ...], inputs: list[Any], attributes: dict[str, Any], refuse: Refuse) -> tuple[int, ...]:
    wanted = integers(inputs[0] if inputs else None, "a shape", refuse)
    wanted = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(wanted)]
    known = prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known > 0:
        wanted[wanted.index(-1)] = prod(shape) // known
    return tuple(wanted)


def _flatten(shape: tuple[int, ...], inputs: list[Any], attributes: dict[str, Any], refuse: Refuse) -> tuple[int, ...]:
    axis = int(attributes.get("axis", 1))
    return prod(shape[:axis]), prod(shape[axis:])


def _axes(inputs: list[Any], attributes: dict[str, Any], refuse: Refuse) -> list[int]:
    return integers(inputs[0], "axes", refuse) if inputs else [int(a) for a in attributes.get("axes", ())]


def _squeeze(shape: tuple[int, ...], inputs: list[Any], attributes: dict[str, Any], refuse: Refuse) -> tuple[int, ...]:
    axes = [a % len(shape) for a in _axes(inputs, attributes, refuse)] or [i for i, n in enumerate(shape) if n == 1]
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _unsqueeze(
    shape: tuple[int, ...], inputs: list[Any], attributes: dict[str, Any], refuse: Refuse
) -> tuple[int, ...]:
    axes = _axes(inputs, attributes, refuse)
    rank = len(shape) + len(axes)
    places = {a % rank for a in axes}
    rest = iter(shape)
    return tuple(1 if i in places else next(rest) for i in range(rank))


_SHAPES = {"Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze, "Unsqueeze": _unsqueeze}
