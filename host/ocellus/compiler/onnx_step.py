"""One quantised operation of an ``.onnx`` file, and how its operator enters the graph."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol

import numpy as np

from ..errors import BadInput
from .graph import Kind, Operator, Tensor
from .onnx_values import Constant, Quantisation, Value

MAX_ELEMENTS = (1 << 24) - 1
"""Addresses of the activation memory have 24 bits."""


class Graph(Protocol):
    """What is being made."""

    tensors: dict[str, Tensor]
    operators: list[Operator]

    def add(self, tensor: Tensor) -> str:
        """Keeps a new tensor; the name it got."""
        ...


@dataclass(frozen=True, eq=False)
class Step:
    """An operation between quantised tensors.

    Attributes
    ----------
    kind : str
        The float operator's name in ONNX.
    inputs : list
        :class:`Value`, :class:`Constant` or None, in that operator's order.
    clamps : tuple
        (low, high) of Relu and Clip between the operation and its QuantizeLinear.
    on_bytes : bool
        The file's operator takes int8 or uint8 as it is: a number among its inputs is a byte too.
    """

    number: int
    kind: str
    attributes: dict[str, Any]
    inputs: list[Any]
    name: str
    quantisation: Quantisation
    clamps: tuple[tuple[float, float], ...]
    opset: int
    at: str
    on_bytes: bool = False

    def refuse(self, text: str) -> BadInput:
        """The error to raise, with file and operator in front."""
        return BadInput(f"{self.at}: {text}")

    def value(self, place: int) -> Value:
        """The activation in this place."""
        held = self.inputs[place] if place < len(self.inputs) else None
        if not isinstance(held, Value) or not held.tensor:
            found = "a constant" if isinstance(held, Constant) else "no quantised tensor"
            raise self.refuse(f"input {place}: found {found}, allowed an activation")
        return held

    def picture(self, place: int = 0) -> Value:
        """The activation in this place, one picture."""
        held = self.value(place)
        if not held.is_picture:
            raise self.refuse(f"tensor {held.tensor!r}: found shape {held.shape}, allowed one picture, channels first")
        return held

    def constant(self, place: int, what: str) -> Constant:
        """The quantised constant in this place: int8 around 0."""
        held = self.inputs[place] if place < len(self.inputs) else None
        if not isinstance(held, Constant) or not held.scales or held.data.dtype != np.int8:
            raise self.refuse(f"input {place}: found no quantised constant, allowed int8 {what}")
        if held.zero_point:
            raise self.refuse(f"tensor {held.name!r}: found zero point {held.zero_point}, allowed int8 {what} around 0")
        return held

    def integers(self, name: str, default: list[int]) -> list[int]:
        """An attribute of whole numbers."""
        return [int(n) for n in self.attributes.get(name, default)]


def finish(
    step: Step,
    graph: Graph,
    kind: Kind,
    inputs: tuple[str, ...],
    like: Value,
    shape: tuple[int, ...],
    /,
    **options: Any,
) -> Value:
    """The operator's output has ``shape`` in the file and its dimensions in the order of ``like``."""
    order = like.order if len(shape) == len(like.order) else tuple(range(len(shape)))
    if prod(shape) > MAX_ELEMENTS:
        raise step.refuse(f"tensor {step.name!r}: found shape {shape}, allowed {MAX_ELEMENTS} elements")
    value = Value("", shape, order, like.places)
    name = graph.add(Tensor(step.name, value.graph_shape, *step.quantisation.fields))
    graph.operators.append(Operator(step.number, kind, inputs, name, **options))
    return value.named(name)


def finish_moved(
    step: Step, graph: Graph, kind: Kind, x: Value, shape: tuple[int, ...], /, **options: Any
) -> Value:  # fmt: skip
    """As :func:`finish`, for what moves bytes: where the output has another quantisation, a QUANTIZE follows."""
    t = graph.tensors[x.tensor]
    had = Quantisation(t.scales, t.zero_point, t.unsigned)
    if had == step.quantisation:
        return finish(step, graph, kind, (x.tensor,), x, shape, **options)
    first = replace(step, name=f"{step.name} as its input is quantised", quantisation=had)
    moved = finish(first, graph, kind, (x.tensor,), x, shape, **options)
    return finish(step, graph, Kind.QUANTIZE, (moved.tensor,), moved, shape)


def window(step: Step, size: tuple[int, ...], kernel: list[int]) -> tuple[tuple[int, int], dict[str, Any]]:
    """Rows and columns of the output, and the options kernel, stride, dilation and pads."""
    stride, dilation = step.integers("strides", [1, 1]), step.integers("dilations", [1, 1])
    pads = step.integers("pads", [0, 0, 0, 0])
    auto = step.attributes.get("auto_pad", b"NOTSET").decode()
    if len(kernel) != 2 or len(stride) != 2 or len(dilation) != 2 or len(pads) != 4:
        raise step.refuse(f"found a kernel of {len(kernel)} dimensions, allowed 2")
    if min(*kernel, *stride, *dilation) < 1 or min(pads) < 0 or max(*kernel, *stride, *dilation, *pads) > 255:
        raise step.refuse(
            f"found kernel {kernel}, strides {stride}, dilations {dilation}, pads {pads}, allowed 1 to 255"
        )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if auto.startswith("SAME"):
        total = [max((-(-n // s) - 1) * s + r - n, 0) for n, s, r in zip(size, stride, reach, strict=True)]
        small, large = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = small + large if auto == "SAME_UPPER" else large + small
    elif auto == "VALID":
        pads = [0, 0, 0, 0]
    padded = [n + pads[i] + pads[i + 2] for i, n in enumerate(size)]
    if any(r > n for r, n in zip(reach, padded, strict=True)):
        raise step.refuse(f"found a kernel that reaches over {reach}, allowed up to the padded picture's {padded}")
    spans = [(n - r, s) for n, r, s in zip(padded, reach, stride, strict=True)]
    if step.attributes.get("ceil_mode", 0) and any(n % s for n, s in spans):
        raise step.refuse("found ceil_mode with a window that leaves the picture, allowed windows inside")
    rows, columns = (n // s + 1 for n, s in spans)
    return (rows, columns), {
        "kernel": (kernel[0], kernel[1]),
        "stride": (stride[0], stride[1]),
        "dilation": (dilation[0], dilation[1]),
        "pads": (pads[0], pads[2], pads[1], pads[3]),
    }
