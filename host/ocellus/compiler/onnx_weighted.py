"""Conv, Gemm and MatMul of an ``.onnx`` file: weights in the graph's order, biases at the scale of the sums."""

from typing import Any

import numpy as np

from .graph import Kind, Tensor
from .onnx_step import Graph, Step, finish, window
from .onnx_values import Constant, Value


def _bias(step: Step, graph: Graph, place: int, x: Tensor, scales: tuple[float, ...], channels: int) -> tuple[str, ...]:
    """The bias as int32 at the scale of the sums; float values are rounded to it, as ONNX Runtime does."""
    held = step.inputs[place] if place < len(step.inputs) else None
    if held is None:
        return ()
    if not isinstance(held, Constant) or held.data.size != channels:
        raise step.refuse(f"input {place}: found no constant of {channels} values, allowed a bias of them")
    wanted = np.float32(x.scale) * np.array(scales, np.float32)
    data = held.data.reshape(channels)
    if data.dtype == np.float32:
        data = np.rint(data / wanted)
        if np.abs(data).max(initial=0) >= 2**31:
            raise step.refuse(f"tensor {held.name!r}: found a bias beyond 32 bits, allowed less")
        data = data.astype(np.int32)
    elif data.dtype != np.int32 or held.zero_point:
        raise step.refuse(f"tensor {held.name!r}: found a bias of {data.dtype.name}, allowed int32 or float32")
    elif held.scales and np.abs(np.array(held.scales, np.float32) / wanted - 1).max() > 1e-5:
        raise step.refuse(
            f"tensor {held.name!r}: found scale {held.scales[0]:g}, "
            f"allowed input scale times weight scale, {wanted[0]:g}"
        )
    return (graph.add(Tensor(held.name or f"{step.name}:bias", (channels,), data=data)),)


def convolution(step: Step, graph: Graph) -> Value:
    """Conv of one group, or depthwise."""
    x, weights = step.picture(), step.constant(1, "weights")
    source = graph.tensors[x.tensor]
    _, depth, rows, columns = x.shape
    if weights.data.ndim != 4 or list(weights.data.shape[2:]) != step.integers(
        "kernel_shape", [*weights.data.shape[2:]]
    ):
        raise step.refuse(f"tensor {weights.name!r}: found shape {weights.data.shape}, allowed 4 dimensions")
    channels, a_group, *kernel = weights.data.shape
    groups = int(step.attributes.get("group", 1))
    if len(weights.scales) not in (1, channels) or (len(weights.scales) > 1 and weights.axis not in (0, None)):
        raise step.refuse(
            f"tensor {weights.name!r}: found {len(weights.scales)} scales along axis {weights.axis}, "
            f"allowed 1, or {channels} along axis 0"
        )
    options: dict[str, Any]
    size, options = window(step, (rows, columns), kernel)
    if groups == 1 and a_group == depth:
        kind, axis, data = Kind.CONV_2D, 0, weights.data.transpose(0, 2, 3, 1)
    elif groups == depth and a_group == 1 and channels % depth == 0:
        kind, axis, data = Kind.DEPTHWISE_CONV_2D, 3, weights.data.transpose(1, 2, 3, 0)
        options["depth_multiplier"] = channels // depth
    else:
        raise step.refuse(f"found {groups} groups over {depth} channels, allowed 1, or {depth} (depthwise)")
    data = np.ascontiguousarray(data)
    name = graph.add(Tensor(weights.name, data.shape, weights.scales, 0, axis, data))
    bias = _bias(step, graph, 2, source, weights.scales, channels)
    return finish(step, graph, kind, (x.tensor, name, *bias), x, (1, channels, *size), **options)


def matrix(step: Step, graph: Graph) -> Value:
    """Gemm and MatMul: a fully connected layer of each row."""
    x, weights = step.value(0), step.constant(1, "weights")
    transposed = bool(step.attributes.get("transB", 0))
    for name in ("alpha", "beta"):
        if step.attributes.get(name, 1.0) != 1.0:
            raise step.refuse(f"found {name} {step.attributes[name]:g}, allowed 1")
    if len(x.shape) != 2 or step.attributes.get("transA", 0) or weights.data.ndim != 2:
        raise step.refuse(f"tensor {x.tensor!r}: found shape {x.shape}, allowed 2 dimensions, not transposed")
    data = weights.data if transposed else weights.data.T
    channels, depth = data.shape
    axis = 0 if transposed else 1
    if depth != x.shape[1]:
        raise step.refuse(f"tensor {weights.name!r}: found weights over {depth} values, allowed {x.shape[1]}")
    if len(weights.scales) not in (1, channels) or (len(weights.scales) > 1 and weights.axis not in (axis, None)):
        raise step.refuse(
            f"tensor {weights.name!r}: found {len(weights.scales)} scales along axis {weights.axis}, "
            f"allowed 1, or {channels} along axis {axis}"
        )
    if x.places is not None:  # the file flattens channels first, the graph's tensor has them last
        data = data[:, x.places]
    data = np.ascontiguousarray(data)
    name = graph.add(Tensor(weights.name, data.shape, weights.scales, 0, 0, data))
    bias = _bias(step, graph, 2, graph.tensors[x.tensor], weights.scales, channels)
    plain = Value(x.tensor, x.shape, x.order)
    return finish(step, graph, Kind.FULLY_CONNECTED, (x.tensor, name, *bias), plain, (x.shape[0], channels))
