"""Lets the inlet gather a first convolution's kernel columns into pixels of more channels, which fill the array."""

from dataclasses import replace

from ...program_formats import LayerOp
from .geometry import clocks, walk
from .layers import ArrayLayer, Plan, Shape, Unfolding


def unfold_input(plan: Plan) -> None:
    """Gathers what saves clocks, or words of memory at the same clocks."""
    readers = plan.readers(plan.input)
    layer = plan.layers[readers[0]]
    plain = layer.in_shape == plan.picture and layer.in_origin == (0, 0, 0) and layer.operand != plan.input
    if len(readers) > 1 or layer.op is not LayerOp.POINT or not plain:
        return
    columns, channels = layer.kernel[1], layer.in_shape[2]
    if columns == 1 or layer.dilation[1] > 1 or columns * channels > plan.sizes.unfold_bytes:
        return
    best = min((layer, _by_inlet(layer), _by_reader(layer)), key=lambda variant: _cost(plan, variant))
    if best is layer:
        return
    stride = layer.stride[1] // best.stride[1]
    plan.unfolding = Unfolding(columns, stride, layer.pad[1], layer.fill)
    plan.shapes[plan.input] = best.in_shape
    plan.layers[readers[0]] = best
    plan.notes.append(
        f"{layer.operators[0]}: the inlet gathers {columns} columns of {channels} channels into one pixel"
    )


def _cost(plan: Plan, layer: ArrayLayer) -> tuple[int, int]:
    """Clocks at the pitch that suits best, and words of a row."""
    words = layer.in_shape[1] * -(-layer.in_shape[2] // plan.sizes.word)
    ways = (walk(layer, plan.sizes, words + n, None) for n in range(plan.sizes.banks))
    return min((clocks(layer, way, plan.sizes, layer.out_shape[0]), words) for way in ways)


def _by_inlet(layer: ArrayLayer) -> ArrayLayer:
    """A stored pixel for each output column."""
    return _gathered(layer, layer.out_shape[1], 1)


def _by_reader(layer: ArrayLayer) -> ArrayLayer:
    """A stored pixel for each input column, of which the layer takes every stride-th: another distance of banks."""
    return _gathered(layer, (layer.out_shape[1] - 1) * layer.stride[1] + 1, layer.stride[1])


def _gathered(layer: ArrayLayer, stored: int, stride: int) -> ArrayLayer:
    assert layer.weights is not None
    out, rows, columns, channels = layer.weights.shape
    shape: Shape = (layer.in_shape[0], stored, columns * channels)
    return replace(
        layer,
        in_shape=shape,
        weights=layer.weights.reshape(out, rows, 1, columns * channels),
        kernel=(rows, 1),
        stride=(layer.stride[0], stride),
        pad=(layer.pad[0], 0),
    )
