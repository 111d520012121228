"""Operators of an ``.onnx`` file that choose, move or average places of a picture."""

from collections.abc import Callable

import numpy as np

from .graph import Kind, Operator
from .onnx_step import Graph, Step, finish, finish_moved, window
from .onnx_values import Constant, Value, integers


def average_pool(step: Step, graph: Graph) -> Value:
    """Windows of one stride; padding counts as zeros or not at all."""
    x = step.picture()
    size, options = window(step, x.shape[2:], step.integers("kernel_shape", []))
    if options["dilation"] != (1, 1):
        raise step.refuse(f"found dilation {options['dilation']}, allowed 1x1")
    options["count_include_pad"] = bool(step.attributes.get("count_include_pad", 0))
    return finish(step, graph, Kind.AVERAGE_POOL_2D, (x.tensor,), x, (1, x.shape[1], *size), **options)


def global_average_pool(step: Step, graph: Graph) -> Value:
    """The pool over the whole picture, which has an integer sum."""
    x = step.picture()
    if step.attributes.get("channels_last", 0):
        raise step.refuse("found channels_last, allowed channels first")
    return finish(step, graph, Kind.MEAN, (x.tensor,), x, (1, x.shape[1], 1, 1), axes=(0, 1))


def max_pool(step: Step, graph: Graph) -> Value:
    """The largest value of each window."""
    x = step.picture()
    size, options = window(step, x.shape[2:], step.integers("kernel_shape", []))
    return finish_moved(step, graph, Kind.MAX_POOL_2D, x, (1, x.shape[1], *size), **options)


def pad(step: Step, graph: Graph) -> Value:
    """Zeros around rows and columns."""
    x = step.picture()
    held = step.inputs[1] if len(step.inputs) > 1 else None
    amounts = step.integers("pads", []) or integers(held, "pads", step.refuse)
    value = step.inputs[2] if len(step.inputs) > 2 else None
    mode = step.attributes.get("mode", b"constant").decode()
    real = _real_zero(step, graph, x, value)
    if mode != "constant" or real != 0 or len(step.inputs) > 3:
        raise step.refuse(f"found mode {mode} of value {real:g}, allowed constant 0 in every dimension")
    if len(amounts) != 8 or any(amounts[i] for i in (0, 1, 4, 5)) or min(amounts) < 0 or max(amounts) > 255:
        raise step.refuse(f"found pads {amounts}, allowed 0 to 255 for rows and columns alone")
    top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
    shape = (1, x.shape[1], x.shape[2] + top + bottom, x.shape[3] + left + right)
    return finish_moved(step, graph, Kind.PAD, x, shape, amounts=(top, bottom, left, right))


def _real_zero(step: Step, graph: Graph, x: Value, value: object) -> float:
    """What lies around the picture, as a number that is 0 where it is the tensor's zero point."""
    t = graph.tensors[x.tensor]
    zero_point = t.zero_point + (128 if t.unsigned else 0) if step.on_bytes else 0
    if value is None:
        return float(step.attributes.get("value", 0.0)) - zero_point
    if not isinstance(value, Constant) or value.data.size != 1:
        raise step.refuse("input 2: found a computed value, allowed a constant")
    return float(value.data.ravel()[0]) - (value.zero_point if value.scales else zero_point)


def _axis_of_picture(step: Step, x: Value, axis: int) -> int:
    """The file's axis as one of rows (0), columns (1), channels (2) of the graph's picture."""
    place = x.order.index(axis % len(x.shape))
    if len(x.shape) == 4 and place > 0:
        return place - 1
    if len(x.shape) == 2 and place == 1:
        return 2
    raise step.refuse(f"found axis {axis} of shape {x.shape}, allowed rows, columns or channels of one picture")


def join(step: Step, graph: Graph) -> Value:
    """Concat: along rows, columns or channels."""
    parts = [step.value(i) for i in range(len(step.inputs))]
    first, axis = parts[0], int(step.attributes.get("axis", 0)) % len(parts[0].shape)
    rest = {(p.order, *p.shape[:axis], *p.shape[axis + 1 :]) for p in parts}
    if len(rest) != 1 or any(p.places is not None for p in parts):
        raise step.refuse(f"found shapes {[p.shape for p in parts]}, allowed ones that differ along axis {axis} alone")
    shape = (*first.shape[:axis], sum(p.shape[axis] for p in parts), *first.shape[axis + 1 :])
    axes = (_axis_of_picture(step, first, axis),)
    return finish(step, graph, Kind.CONCATENATION, tuple(p.tensor for p in parts), first, shape, axes=axes)


def cut(step: Step, graph: Graph) -> Value:
    """Slice: rows, columns and channels, forwards."""
    x = step.value(0)
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
    return finish_moved(
        step, graph, Kind.STRIDED_SLICE, x, tuple(shape),
        begin=tuple(begin), count=tuple(count), step=tuple(distance),
    )  # fmt: skip


def resize(step: Step, graph: Graph) -> Value:
    """Nearest neighbour, where one of the graph's three rules picks the same places as the file's."""
    x = step.picture()
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
            return finish_moved(step, graph, Kind.RESIZE_NEAREST_NEIGHBOR, x, tuple(wanted), **options)
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


def reshape(number: int, source: str, output: str, graph: Graph) -> None:
    """Another name for the same bytes."""
    graph.operators.append(Operator(number, Kind.RESHAPE, (source,), output))
