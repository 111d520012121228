"""One quantised operation of an ``.onnx`` file as an operator of the graph: shapes, padding, weights in its order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..errors import BadInput
from .graph import Kind, Operator, Tensor
from .onnx_values import Constant, Quantisation, Value, clamp_of, integers


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


def _finish(
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
    value = Value("", shape, order, like.places)
    name = graph.add(Tensor(step.name, value.graph_shape, *step.quantisation.fields))
    graph.operators.append(Operator(step.number, kind, inputs, name, **options))
    return value.named(name)


def _same_quantisation(step: Step, graph: Graph, x: Value) -> None:
    t = graph.tensors[x.tensor]
    if (t.scales, t.zero_point) != (step.quantisation.scales, step.quantisation.zero_point):
        raise step.refuse(
            f"tensor {step.name!r}: found scale {step.quantisation.scales[0]:g} and zero point "
            f"{step.quantisation.zero_point}, allowed those of the input, {t.scale:g} and {t.zero_point}"
        )


def _window(step: Step, size: tuple[int, ...], kernel: list[int]) -> tuple[tuple[int, int], dict[str, Any]]:
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


def _convolution(step: Step, graph: Graph) -> Value:
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
    size, options = _window(step, (rows, columns), kernel)
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
    return _finish(step, graph, kind, (x.tensor, name, *bias), x, (1, channels, *size), **options)


def _matrix(step: Step, graph: Graph) -> Value:
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
    return _finish(step, graph, Kind.FULLY_CONNECTED, (x.tensor, name, *bias), plain, (x.shape[0], channels))


def _two_values(kind: Kind) -> Callable[[Step, Graph], Value]:
    def make(step: Step, graph: Graph) -> Value:
        a, b = step.value(0), step.value(1)
        if (a.shape, a.order) != (b.shape, b.order) or (a.places is None) != (b.places is None):
            raise step.refuse(f"found shapes {a.shape} and {b.shape}, allowed equal ones")
        return _finish(step, graph, kind, (a.tensor, b.tensor), a, a.shape)

    return make


def _average_pool(step: Step, graph: Graph) -> Value:
    x = step.picture()
    size, options = _window(step, x.shape[2:], step.integers("kernel_shape", []))
    if options["dilation"] != (1, 1):
        raise step.refuse(f"found dilation {options['dilation']}, allowed 1x1")
    options["count_include_pad"] = bool(step.attributes.get("count_include_pad", 0))
    return _finish(step, graph, Kind.AVERAGE_POOL_2D, (x.tensor,), x, (1, x.shape[1], *size), **options)


def _global_average_pool(step: Step, graph: Graph) -> Value:
    x = step.picture()
    if step.attributes.get("channels_last", 0):
        raise step.refuse("found channels_last, allowed channels first")
    return _finish(step, graph, Kind.MEAN, (x.tensor,), x, (1, x.shape[1], 1, 1), axes=(0, 1))


def _max_pool(step: Step, graph: Graph) -> Value:
    x = step.picture()
    _same_quantisation(step, graph, x)
    size, options = _window(step, x.shape[2:], step.integers("kernel_shape", []))
    return _finish(step, graph, Kind.MAX_POOL_2D, (x.tensor,), x, (1, x.shape[1], *size), **options)


def _pad(step: Step, graph: Graph) -> Value:
    x = step.picture()
    _same_quantisation(step, graph, x)
    held = step.inputs[1] if len(step.inputs) > 1 else None
    amounts = step.integers("pads", []) or integers(held, "pads", step.refuse)
    value = step.inputs[2] if len(step.inputs) > 2 else None
    mode = step.attributes.get("mode", b"constant").decode()
    real = step.attributes.get("value", 0.0) if value is None else getattr(value, "data", np.ones(1)).ravel()[0]
    if mode != "constant" or real != 0 or len(step.inputs) > 3:
        raise step.refuse(f"found mode {mode} of value {real:g}, allowed constant 0 in every dimension")
    if len(amounts) != 8 or any(amounts[i] for i in (0, 1, 4, 5)) or min(amounts) < 0 or max(amounts) > 255:
        raise step.refuse(f"found pads {amounts}, allowed 0 to 255 for rows and columns alone")
    top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
    shape = (1, x.shape[1], x.shape[2] + top + bottom, x.shape[3] + left + right)
    return _finish(step, graph, Kind.PAD, (x.tensor,), x, shape, amounts=(top, bottom, left, right))


def _axis_of_picture(step: Step, x: Value, axis: int) -> int:
    """The file's axis as one of rows (0), columns (1), channels (2) of the graph's picture."""
    place = x.order.index(axis % len(x.shape))
    if len(x.shape) == 4 and place > 0:
        return place - 1
    if len(x.shape) == 2 and place == 1:
        return 2
    raise step.refuse(f"found axis {axis} of shape {x.shape}, allowed rows, columns or channels of one picture")


def _concatenate(step: Step, graph: Graph) -> Value:
    parts = [step.value(i) for i in range(len(step.inputs))]
    first, axis = parts[0], int(step.attributes.get("axis", 0)) % len(parts[0].shape)
    rest = {(p.order, *p.shape[:axis], *p.shape[axis + 1 :]) for p in parts}
    if len(rest) != 1 or any(p.places is not None for p in parts):
        raise step.refuse(f"found shapes {[p.shape for p in parts]}, allowed ones that differ along axis {axis} alone")
    shape = (*first.shape[:axis], sum(p.shape[axis] for p in parts), *first.shape[axis + 1 :])
    axes = (_axis_of_picture(step, first, axis),)
    return _finish(step, graph, Kind.CONCATENATION, tuple(p.tensor for p in parts), first, shape, axes=axes)


def _slice(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    _same_quantisation(step, graph, x)
    if x.places is not None:
        raise step.refuse("found a flattened picture, allowed the picture")
    lists = [integers(held, "a list", step.refuse) for held in step.inputs[1:] if held is not None]
    if not lists:
        lists = [step.integers(name, []) for name in ("starts", "ends", "axes")]
    starts, ends, axes, steps = (*lists, *([[]] * (4 - len(lists))))
    begin, count, distance, shape = [0, 0, 0], [*graph.tensors[x.tensor].picture], [1, 1, 1], [*x.shape]
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        axis = axes[i] if axes else i
        place = _axis_of_picture(step, x, axis)
        cut = range(x.shape[axis])[start : end : steps[i] if steps else 1]
        if not cut or cut.step < 0:
            raise step.refuse(f"found {start} to {end} of axis {axis}, allowed at least one element, forwards")
        begin[place], count[place], distance[place], shape[axis] = cut.start, len(cut), cut.step, len(cut)
    return _finish(
        step, graph, Kind.STRIDED_SLICE, (x.tensor,), x, tuple(shape),
        begin=tuple(begin), count=tuple(count), step=tuple(distance),
    )  # fmt: skip


def _resize(step: Step, graph: Graph) -> Value:
    """Nearest neighbour, where one of the graph's three rules picks the same places as the file's."""
    x = step.picture()
    _same_quantisation(step, graph, x)
    mode = step.attributes.get("mode", b"nearest").decode()
    if mode != "nearest":
        raise step.refuse(f"found mode {mode}, allowed nearest (ONNX Runtime interpolates in float32)")
    scales, sizes = ([*step.inputs, None, None, None])[2:4]
    if isinstance(sizes, Constant) and sizes.data.size == 4:
        wanted = [int(n) for n in sizes.data.ravel()]
        factors = [w / n for w, n in zip(wanted, x.shape, strict=True)]
    elif isinstance(scales, Constant) and scales.data.size == 4:
        factors = [float(f) for f in scales.data.ravel()]
        wanted = [int(np.floor(n * f)) for n, f in zip(x.shape, factors, strict=True)]
    else:
        raise step.refuse("found no constant sizes or scales of 4 dimensions, allowed one of them")
    if wanted[:2] != list(x.shape[:2]) or min(wanted) < 1 or max(wanted) > 65535:
        raise step.refuse(f"found output {wanted} from {x.shape}, allowed other rows and columns alone")
    index = [_nearest(step, n, w, f) for n, w, f in zip(x.shape[2:], wanted[2:], factors[2:], strict=True)]
    for options in ({}, {"half_pixel_centers": True}, {"align_corners": True}):
        rule = _RULES[next(iter(options), "")]
        if all(i == [rule(o, n, len(i)) for o in range(len(i))] for i, n in zip(index, x.shape[2:], strict=True)):
            return _finish(step, graph, Kind.RESIZE_NEAREST_NEIGHBOR, (x.tensor,), x, tuple(wanted), **options)
    raise step.refuse(f"found {x.shape[2:]} to {wanted[2:]} by places {index}, allowed those of TensorFlow's rules")


_RULES: dict[str, Callable[[int, int, int], int]] = {
    "": lambda place, size, wanted: place * size // wanted,
    "half_pixel_centers": lambda place, size, wanted: (2 * place + 1) * size // (2 * wanted),
    "align_corners": lambda place, size, wanted: (2 * place * (size - 1) // max(wanted - 1, 1) + 1) // 2,
}


def _nearest(step: Step, size: int, wanted: int, factor: float) -> list[int]:
    """The input's place of each output place."""
    transform = step.attributes.get("coordinate_transformation_mode", b"half_pixel").decode()
    rounding = step.attributes.get("nearest_mode", b"round_prefer_floor").decode()
    if step.opset < 11:
        transform, rounding = "asymmetric", "floor"
    out = np.arange(wanted, dtype=np.float32)
    scale = np.float32(factor)
    if transform == "asymmetric":
        places = out / scale
    elif transform in ("half_pixel", "pytorch_half_pixel"):
        places = (out + np.float32(0.5)) / scale - np.float32(0.5)
        places = places * 0 if transform == "pytorch_half_pixel" and wanted == 1 else places
    elif transform == "align_corners":
        places = out * np.float32(size - 1) / np.float32(max(wanted - 1, 1))
    else:
        raise step.refuse(f"found {transform}, allowed asymmetric, half_pixel or align_corners")
    rounded = {
        "floor": np.floor(places),
        "ceil": np.ceil(places),
        "round_prefer_floor": np.ceil(places - np.float32(0.5)),
        "round_prefer_ceil": np.floor(places + np.float32(0.5)),
    }.get(rounding)
    if rounded is None:
        raise step.refuse(f"found {rounding}, allowed floor, ceil, round_prefer_floor or round_prefer_ceil")
    return [int(p) for p in rounded.clip(0, size - 1)]


def emit_reshape(number: int, source: str, output: str, graph: Graph) -> None:
    """Another name for the same bytes."""
    graph.operators.append(Operator(number, Kind.RESHAPE, (source,), output))


def _softmax(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    axis = int(step.attributes.get("axis", -1 if step.opset >= 13 else 1)) % len(x.shape)
    if len(x.shape) != 2 or axis != 1 or x.places is not None:
        raise step.refuse(f"found axis {axis} of shape {x.shape}, allowed the last of 2 dimensions")
    return _finish(step, graph, Kind.SOFTMAX, (x.tensor,), x, x.shape)


def _function(kind: Kind) -> Callable[[Step, Graph], Value]:
    def make(step: Step, graph: Graph) -> Value:
        x = step.value(0)
        options = {"alpha": float(np.float32(step.attributes.get("alpha", 0.01)))} if kind is Kind.LEAKY_RELU else {}
        return _finish(step, graph, kind, (x.tensor,), x, x.shape, **options)

    return make


def _clip(step: Step, graph: Graph) -> Value:
    x = step.value(0)
    clamp = clamp_of(step.kind, step.inputs[1:], step.attributes, step.refuse)
    kinds = {(0.0, float("inf")): Kind.RELU, (0.0, 6.0): Kind.RELU6, (-1.0, 1.0): Kind.RELU_N1_TO_1}
    if clamp not in kinds:
        raise step.refuse(f"found a Clip to {clamp[0]:g} and {clamp[1]:g}, allowed 0 and 6, -1 and 1, 0 and no end")
    return _finish(step, graph, kinds[clamp], (x.tensor,), x, x.shape)


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
    return _finish(step, graph, Kind.PRELU, (x.tensor, name), x, x.shape)


FLOAT_OPERATORS: dict[str, Callable[[Step, Graph], Value]] = {
    "Conv": _convolution,
    "Gemm": _matrix,
    "MatMul": _matrix,
    "Add": _two_values(Kind.ADD),
    "Sub": _two_values(Kind.SUB),
    "Mul": _two_values(Kind.MUL),
    "AveragePool": _average_pool,
    "GlobalAveragePool": _global_average_pool,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "Concat": _concatenate,
    "Slice": _slice,
    "Resize": _resize,
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
