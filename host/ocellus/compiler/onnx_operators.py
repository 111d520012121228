"""One quantised operation of an ``.onnx`` file as an operator of the graph, by its name in ONNX."""

from collections.abc import Callable
from math import prod

import numpy as np

from . import onnx_places, onnx_weighted
from .graph import Kind, Tensor
from .onnx_step import Graph, Step, finish
from .onnx_values import Constant, Quantisation, Value, clamp_of


def emit(step: Step, graph: Graph) -> Value:
    """Adds the operator and its tensors to ``graph``; the activation it makes."""
    if step.clamps and not all(_is_redundant(clamp, step.quantisation) for clamp in step.clamps):
        low, high = step.quantisation.full_range
        raise step.refuse(
            f"tensor {step.name!r}: found a Relu or Clip to {step.clamps} in front of values from {low:g} to {high:g}, "
            "allowed one that the quantised range makes needless (ONNX Runtime computes others in float sums)"
        )
    return FLOAT_OPERATORS[step.kind](step, graph)


def _is_redundant(clamp: tuple[float, float], quantisation: Quantisation) -> bool:
    """As ONNX Runtime decides whether the clamp of the quantised range does it."""
    epsilon = np.finfo(np.float32).eps
    low, high = quantisation.full_range
    return bool(np.float32(clamp[0]) - low <= epsilon and high - np.float32(clamp[1]) <= epsilon)


def _two_values(kind: Kind) -> Callable[[Step, Graph], Value]:
    """Two activations, or one and a constant; an axis of size 1 is repeated along the other operand's."""

    def make(step: Step, graph: Graph) -> Value:
        values = [held for held in step.inputs if isinstance(held, Value)]
        like = max(values, key=lambda held: prod(held.shape)) if values else step.value(0)
        names, shapes = [], []
        for place, held in enumerate(step.inputs):
            if isinstance(held, Constant):
                constant = _constant_operand(step, place, held, like)
                names.append(graph.add(constant))
                shapes.append(constant.shape)
                continue
            value = step.value(place)
            if value.order != like.order or (value.places is None) != (like.places is None):
                raise step.refuse(f"found shapes {like.shape} and {value.shape}, allowed ones of equal rank")
            names.append(value.tensor)
            shapes.append(value.graph_shape)
        if any(n not in (1, m) for shape in shapes for n, m in zip(shape, like.graph_shape, strict=True)):
            raise step.refuse(f"found shapes {shapes}, allowed equal ones, or 1 where one operand is repeated")
        return finish(step, graph, kind, (names[0], names[1]), like, like.shape)

    return make


def _constant_operand(step: Step, place: int, held: Constant, like: Value) -> Tensor:
    """A quantised constant with the dimensions of ``like``, in the graph's order."""
    missing = len(like.shape) - held.data.ndim
    if not held.scales or held.data.dtype != np.int8 or len(held.scales) != 1 or missing < 0 or like.places is not None:
        raise step.refuse(f"input {place}: found no quantised constant of one scale, allowed one of {like.shape}")
    data = held.data.reshape((1,) * missing + held.data.shape).transpose(like.order)
    return Tensor(held.name, data.shape, held.scales, held.zero_point, data=data.copy(), unsigned=held.unsigned)


def _softmax(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    axis = int(step.attributes.get("axis", -1 if step.opset >= 13 else 1)) % len(x.shape)
    if len(x.shape) != 2 or axis != 1 or x.places is not None:
        raise step.refuse(f"found axis {axis} of shape {x.shape}, allowed the last of 2 dimensions")
    if 1 / step.quantisation.scales[0] >= 148 * x.shape[1]:  # e^5: the room that the kernel's table leaves above
        raise step.refuse(
            f"tensor {step.name!r}: found scale {step.quantisation.scales[0]:g} over {x.shape[1]} values, "
            f"allowed above {1 / (148 * x.shape[1]):g} (ONNX Runtime overflows float32 otherwise)"
        )
    return finish(step, graph, Kind.SOFTMAX, (x.tensor,), x, x.shape)


def _function(kind: Kind) -> Callable[[Step, Graph], Value]:
    def make(step: Step, graph: Graph) -> Value:
        x = step.value(0)
        options = {"alpha": float(np.float32(step.attributes.get("alpha", 0.01)))} if kind is Kind.LEAKY_RELU else {}
        return finish(step, graph, kind, (x.tensor,), x, x.shape, **options)

    return make


def _clip(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    clamp = clamp_of(step.kind, step.inputs[1:], step.attributes, step.refuse)
    kinds = {(0.0, float("inf")): Kind.RELU, (0.0, 6.0): Kind.RELU6, (-1.0, 1.0): Kind.RELU_N1_TO_1}
    if clamp not in kinds:
        raise step.refuse(f"found a Clip to {clamp[0]:g} and {clamp[1]:g}, allowed 0 and 6, -1 and 1, 0 and no end")
    return finish(step, graph, kinds[clamp], (x.tensor,), x, x.shape)


def _prelu(step: Step, graph: Graph) -> Value:
    x, held = step.picture(), step.inputs[1]
    channels = x.shape[1]
    if not isinstance(held, Constant) or held.data.size not in (1, channels):
        raise step.refuse(f"input 1: found no constant of 1 or {channels} slopes, allowed one of them")
    data = held.data.ravel()
    if held.scales:
        scales = np.array(held.scales, np.float32)
        data = (data.astype(np.int32) - held.zero_point).astype(np.float32) * scales
    slopes = np.broadcast_to(data.astype(np.float32), (channels,)).copy()
    name = graph.add(Tensor(held.name or f"{step.name}:slopes", (channels,), data=slopes))
    return finish(step, graph, Kind.PRELU, (x.tensor, name), x, x.shape)


FLOAT_OPERATORS: dict[str, Callable[[Step, Graph], Value]] = {
    "Conv": onnx_weighted.convolution,
    "Gemm": onnx_weighted.matrix,
    "MatMul": onnx_weighted.matrix,
    "Add": _two_values(Kind.ADD),
    "Sub": _two_values(Kind.SUB),
    "Mul": _two_values(Kind.MUL),
    "AveragePool": onnx_places.average_pool,
    "GlobalAveragePool": onnx_places.global_average_pool,
    "MaxPool": onnx_places.max_pool,
    "Pad": onnx_places.pad,
    "Concat": onnx_places.join,
    "Slice": onnx_places.cut,
    "Resize": onnx_places.resize,
    "Softmax": _softmax,
    "Identity": _function(Kind.QUANTIZE),
    "Relu": _clip,
    "Clip": _clip,
    "LeakyRelu": _function(Kind.LEAKY_RELU),
    "PRelu": _prelu,
    "Sigmoid": _function(Kind.LOGISTIC),
    "Tanh": _function(Kind.TANH),
    "HardSwish": _function(Kind.HARD_SWISH),
}
"""By ONNX's names; Identity is a DequantizeLinear and a QuantizeLinear with nothing between."""
