"""The values that every channel can take, whatever the input: interval arithmetic over the network."""

from collections.abc import Callable, Sequence

import numpy as np

from ..graph import Kind, Network, Operator, Padding, Runtime, Tensor
from ..onnx_tables import FLOAT_TABLE_KINDS, float_table
from ..quantisation import Factor, activation_range, add_factors, convolution_factors, fully_connected_factors
from ..tflite_tables import TABLE_KINDS, function_table

Range = tuple[np.ndarray, np.ndarray]
"""Smallest and largest value, int64, one for each channel of a tensor's picture."""


def channel_ranges(network: Network) -> dict[str, Range]:
    """Ranges of all activations; they hold for double and for single rounding, and for ONNX Runtime's float32."""
    ranges = {network.input: _full(network.input_tensor)}
    for operator in network.operators:
        inputs, output = [network.tensors[name] for name in operator.inputs], network.tensors[operator.output]
        onnx = network.runtime is Runtime.ONNX
        of = (_ONNX_RANGES if onnx else _RANGES).get(operator.kind)
        known = [ranges[t.name] for t in inputs if t.data is None]
        found = _full(output) if of is None else of(operator, inputs, output, known)
        if onnx and operator.kind not in _MOVES:
            found = _widened(operator, output, found)
        ranges[output.name] = found
    return ranges


def pads(operator: Operator, x: Tensor) -> bool:
    """Whether a window may reach beyond the picture."""
    if operator.pads is not None:
        return any(operator.pads)
    if operator.padding is Padding.VALID:
        return False
    sizes = zip(x.picture[:2], operator.kernel, operator.stride, operator.dilation, strict=True)
    return any((-(-n // s) - 1) * s + (k - 1) * d + 1 > n for n, k, s, d in sizes)


def _full(tensor: Tensor) -> Range:
    channels = tensor.picture[2]
    return np.full(channels, -128), np.full(channels, 127)


def _widened(operator: Operator, output: Tensor, found: Range) -> Range:
    """A value more at both ends, within the clamp: float32 scaling may round otherwise."""
    low, high = activation_range(operator.activation, output)
    return np.maximum(found[0] - 1, min(low, high)), np.minimum(found[1] + 1, high)


def _weighted(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    x, weights = inputs[0], inputs[1].data
    assert weights is not None
    low, high = (end - x.zero_point for end in known[0])
    if operator.kind is Kind.DEPTHWISE_CONV_2D:  # (1, rows, columns, out): each output channel reads one
        values = weights[0].astype(np.int64)
        low, high = (np.repeat(end, operator.depth_multiplier) for end in (low, high))
        least, most = _products(values, low, high, pads(operator, x))
        least, most = least.sum(axis=(0, 1)), most.sum(axis=(0, 1))
        factors = convolution_factors(x, inputs[1], output, len(least))
    else:
        values = weights.astype(np.int64).reshape(len(weights), -1, weights.shape[-1])
        repeats = weights.shape[-1] // len(low)  # a fully connected layer over a flattened picture
        least, most = _products(values, np.tile(low, repeats), np.tile(high, repeats), pads(operator, x))
        least, most = least.sum(axis=(1, 2)), most.sum(axis=(1, 2))
        factors_of = fully_connected_factors if operator.kind is Kind.FULLY_CONNECTED else convolution_factors
        factors = factors_of(x, inputs[1], output, len(least))
    if len(inputs) == 3 and inputs[2].data is not None:
        bias = inputs[2].data.astype(np.int64).reshape(-1)
        least, most = least + bias, most + bias
    ends = [_scaled(factor, int(a), int(b)) for factor, a, b in zip(factors, least, most, strict=True)]
    return _clamped(operator, output, np.array(ends, np.int64).T)


def _products(weights: np.ndarray, low: np.ndarray, high: np.ndarray, padded: bool) -> Range:
    """Of every weight with its channel's value; padding contributes nothing."""
    first, second = weights * low, weights * high
    least, most = np.minimum(first, second), np.maximum(first, second)
    return (np.minimum(least, 0), np.maximum(most, 0)) if padded else (least, most)


def _scaled(factor: Factor, least: int, most: int) -> tuple[int, int]:
    """Both roundings of both ends; no bound where the sum or the shifted sum may leave 32 bits."""
    reach = max(abs(least), abs(most)) << max(factor.shift, 0)
    if reach >= 1 << 31:
        return -(1 << 31), 1 << 31
    found = [factor.times(end) for end in (least, most)]
    right = 31 - factor.shift
    found += [(end * factor.multiplier + (1 << right - 1)) >> right for end in (least, most)]
    return min(found), max(found)


def _clamped(operator: Operator, output: Tensor, ends: np.ndarray | Sequence[np.ndarray]) -> Range:
    low, high = activation_range(operator.activation, output)
    least, most = (np.minimum(np.maximum(np.asarray(end) + output.zero_point, low), high) for end in ends)
    return least, most


def _added(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    """ADD of two activations rises with both."""
    if len(known) != 2 or len(known[0][0]) != len(known[1][0]):
        return _full(output)
    first, second, result = add_factors(inputs[0], inputs[1], output)

    def total(a: int, b: int) -> int:
        x, y = (a - inputs[0].zero_point) << 20, (b - inputs[1].zero_point) << 20
        return result.times(first.times(x) + second.times(y))

    ends = [[total(int(a), int(b)) for a, b in zip(*pair, strict=True)] for pair in zip(*known, strict=True)]
    return _clamped(operator, output, [np.array(end) for end in ends])


def _pooled(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    low, high = activation_range(operator.activation, output)
    least, most = (np.minimum(np.maximum(end, low), high) for end in known[0])
    return least, most


def _padded(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    return np.minimum(known[0][0], output.zero_point), np.maximum(known[0][1], output.zero_point)


def _reshaped(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    channels, had = output.picture[2], len(known[0][0])
    if channels % had:
        return _full(output)
    return np.tile(known[0][0], channels // had), np.tile(known[0][1], channels // had)


def _looked_up(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    return _parts(function_table(operator, inputs[0], output), known)


def _looked_up_in_float(operator: Operator, inputs: list[Tensor], output: Tensor, known: Sequence[Range]) -> Range:
    return _parts(float_table(operator, inputs[0], output), known)


def _parts(table: np.ndarray, known: Sequence[Range]) -> Range:
    """The smallest and largest entry of a table between both ends of each channel."""
    parts = [table[low + 128 : high + 129] for low, high in zip(*known[0], strict=True)]
    return np.array([int(part.min()) for part in parts]), np.array([int(part.max()) for part in parts])


_RANGES: dict[Kind, Callable[[Operator, list[Tensor], Tensor, Sequence[Range]], Range]] = {
    Kind.CONV_2D: _weighted,
    Kind.DEPTHWISE_CONV_2D: _weighted,
    Kind.FULLY_CONNECTED: _weighted,
    Kind.ADD: _added,
    Kind.AVERAGE_POOL_2D: _pooled,
    Kind.MAX_POOL_2D: _pooled,
    Kind.PAD: _padded,
    Kind.RESHAPE: _reshaped,
    **dict.fromkeys(TABLE_KINDS, _looked_up),
}
_ONNX_RANGES: dict[Kind, Callable[[Operator, list[Tensor], Tensor, Sequence[Range]], Range]] = {
    **{kind: of for kind, of in _RANGES.items() if kind is not Kind.AVERAGE_POOL_2D},  # which has a scale of its own
    **dict.fromkeys((kind for kind in FLOAT_TABLE_KINDS if kind is not Kind.CONCATENATION), _looked_up_in_float),
}
_MOVES = (Kind.MAX_POOL_2D, Kind.PAD, Kind.RESHAPE)
