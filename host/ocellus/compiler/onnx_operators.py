"""One quantised operation of an ``.onnx`` file as an operator of the graph, by its name in ONNX."""

from collections.abc import Callable

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
    def make(step: Step, graph: Graph) -> Value:
        a, b = step.value(0), step.value(1)
        if (a.shape, a.order) != (b.shape, b.order) or (a.places is None) != (b.places is None):
            raise step.refuse(f"found shapes {a.shape} and {b.shape}, allowed equal ones")
        return finish(step, graph, kind, (a.tensor, b.tensor), a, a.shape)

    return make


def _softmax(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    axis = int(step.attributes.get("axis", -1 if step.opset >= 13 else 1)) % len(x.shape)
    if len(x.shape) != 2 or axis != 1 or x.places is not None:
        raise step.refuse(f"found axis {axis} of shape {x.shape}, allowed the last of 2 dimensions")
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
