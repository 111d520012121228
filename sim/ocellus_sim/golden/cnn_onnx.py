"""The accelerator's golden model of networks from .onnx files: what ONNX Runtime's quantised operators compute.

Written from the kernels of its CPU provider on x86-64, which scale integer sums in float32 and round halves to even.
Every float operation below stands where the kernel has one, in its order; docs/compiler.md gives the rules.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ocellus.compiler.graph import Kind, Network, Operator, Tensor

from .cnn_onnx_functions import FUNCTIONS, Floats, fused_multiply_add

_F = np.float32


def run(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every operator's output tensor by its name, in the order of the operators.

    Parameters
    ----------
    network : Network
        Of an .onnx file.
    x : ndarray
        int8 in the shape of the network's input: rows, columns, channels; uint8 values less 128.
    """
    given = {network.input: x.reshape(network.input_tensor.shape)}
    for operator in network.operators:
        inputs = [network.tensors[name] for name in operator.inputs]
        output = network.tensors[operator.output]
        paired = operator.kind in (Kind.ADD, Kind.SUB, Kind.MUL)  # where a constant is an operand like the other
        values = [given[t.name] if t.data is None else t.data for t in inputs if t.data is None or paired]
        if operator.kind in _OPERATORS:
            y = _OPERATORS[operator.kind](operator, inputs, output, *values)
        else:
            y = _scale_sums(operator, inputs, output, _SUMS[operator.kind](operator, inputs, *values))
        given[output.name] = y.reshape(output.shape)
    del given[network.input]
    return given


def _zero_point(t: Tensor) -> int:
    """As the file has it, which is what enters a float sum."""
    return t.zero_point + (128 if t.unsigned else 0)


def _dequantise(x: np.ndarray, t: Tensor) -> Floats:
    return (x.astype(np.int32) - t.zero_point).astype(_F) * _F(t.scale)


def _round(x: Floats, t: Tensor) -> np.ndarray:
    """Halves to even, then the zero point, then the range of int8."""
    low, high = _F(-128 - t.zero_point), _F(127 - t.zero_point)
    return (np.rint(np.clip(x, low, high)).astype(np.int32) + t.zero_point).astype(np.int8)


def _round_with_zero_point(x: Floats, t: Tensor) -> np.ndarray:
    """For kernels that add the zero point, the file's, while they still calculate in float32."""
    low = 0 if t.unsigned else -128
    return (np.rint(np.clip(x, _F(low - 1), _F(low + 256))).clip(low, low + 255).astype(np.int32) - low - 128).astype(
        np.int8
    )


def _quantise(x: Floats, t: Tensor) -> np.ndarray:
    return _round(x / _F(t.scale), t)


def _surround(operator: Operator, x: np.ndarray, value: int) -> np.ndarray:
    """``x`` (batch, rows, columns, channels) with the padding the operator asks for."""
    top, bottom, left, right = operator.pads or (0, 0, 0, 0)
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)


def _windows(operator: Operator, x: np.ndarray) -> np.ndarray:
    """(rows, columns, channels, kernel rows, kernel columns) view of every window's taps."""
    rows, columns = operator.kernel
    down, right = operator.dilation
    reach = ((rows - 1) * down + 1, (columns - 1) * right + 1)
    step_rows, step_columns = operator.stride
    windows = sliding_window_view(x[0], reach, axis=(0, 1))[::step_rows, ::step_columns]
    return windows[..., ::down, ::right]


def _constant(t: Tensor) -> np.ndarray:
    if t.data is None:
        raise ValueError(f"{t.name}: found no values, allowed a constant")
    return t.data


def _scale_sums(operator: Operator, inputs: Sequence[Tensor], output: Tensor, sums: np.ndarray) -> np.ndarray:
    """One multiplication in float32, then rounding; the channels are the last axis of the 32-bit sums."""
    x = inputs[0]
    if operator.kind is Kind.MEAN:
        rows, columns, _ = x.picture
        factors = _F(x.scale) / (_F(output.scale) * _F(rows * columns))
    else:
        factors = _F(x.scale) * np.array(inputs[1].scales, _F) / _F(output.scale)
    return _round(sums.astype(np.int32).astype(_F) * factors, output)


def _biased(sums: np.ndarray, inputs: Sequence[Tensor]) -> np.ndarray:
    return sums.astype(np.int64) + (_constant(inputs[2]).astype(np.int64) if len(inputs) == 3 else 0)


def _convolution(operator: Operator, inputs: Sequence[Tensor], given: np.ndarray) -> np.ndarray:
    # products stay below 2^16 and windows below 2^24 taps: float64 adds them exactly
    x = _surround(operator, given.astype(np.float64) - inputs[0].zero_point, 0)
    windows = _windows(operator, x)
    weights = _constant(inputs[1]).astype(np.float64).transpose(3, 1, 2, 0)
    return _biased(windows.reshape(*windows.shape[:2], -1) @ weights.reshape(-1, weights.shape[3]), inputs)


def _depthwise(operator: Operator, inputs: Sequence[Tensor], given: np.ndarray) -> np.ndarray:
    x = _surround(operator, given.astype(np.float64) - inputs[0].zero_point, 0)
    windows = np.repeat(_windows(operator, x), operator.depth_multiplier, axis=2)
    return _biased(np.einsum("rcdij,ijd->rcd", windows, _constant(inputs[1])[0].astype(np.float64)), inputs)


def _fully_connected(operator: Operator, inputs: Sequence[Tensor], given: np.ndarray) -> np.ndarray:
    weights = _constant(inputs[1]).astype(np.float64)
    return _biased((given.astype(np.float64) - inputs[0].zero_point).reshape(-1, weights.shape[1]) @ weights.T, inputs)


def _mean(operator: Operator, inputs: Sequence[Tensor], given: np.ndarray) -> np.ndarray:
    """The pool over the whole picture has an integer sum, and so a factor."""
    return (given.astype(np.int64) - inputs[0].zero_point).sum(axis=(1, 2))


def _add(operator: Operator, inputs: Sequence[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    first, second = inputs
    if _is_repeated(a, b):
        (first, a), (second, b) = (second, b), (first, a)
    ratio_a, ratio_b = _F(first.scale) / _F(output.scale), _F(second.scale) / _F(output.scale)
    zero_a, zero_b = _F(_zero_point(first)), _F(_zero_point(second))
    fixed = _F(_zero_point(output)) - fused_multiply_add(ratio_a, zero_a, ratio_b * zero_b)
    stored_a = a.astype(_F) + _F(128 if first.unsigned else 0)
    stored_b = b.astype(_F) + _F(128 if second.unsigned else 0)
    total = fused_multiply_add(stored_a, ratio_a, fused_multiply_add(stored_b, ratio_b, fixed))
    return _round_with_zero_point(total, output)


def _is_repeated(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the kernel sees one value of ``a`` beside a run of ``b``: it then swaps the two.

    Runs lie along the innermost of the file's axes (columns, rows, channels of a picture) that is not 1 in both.
    """
    axes = (2, 1, 3) if a.ndim == 4 else range(a.ndim)[::-1]
    return next((a.shape[i] == 1 for i in axes if (a.shape[i], b.shape[i]) != (1, 1)), False)


def _subtract(operator: Operator, inputs: Sequence[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _quantise(_dequantise(a, inputs[0]) - _dequantise(b, inputs[1]), output)


def _multiply(operator: Operator, inputs: Sequence[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    first, second = inputs
    product = (a.astype(np.int32) - first.zero_point) * (b.astype(np.int32) - second.zero_point)
    ratio = _F(first.scale) * _F(second.scale) / _F(output.scale)
    return _round_with_zero_point(product.astype(_F) * ratio + _F(_zero_point(output)), output)


def _average_pool(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    """A float32 sum in the order of rows and columns; taps outside the picture are left out."""
    taps = _windows(operator, _surround(operator, _dequantise(given, inputs[0]), 0))
    inside = _windows(operator, _surround(operator, np.ones((1, *given.shape[1:3], 1), np.int32), 0))
    total = np.zeros(taps.shape[:3], _F)
    for row in range(operator.kernel[0]):
        for column in range(operator.kernel[1]):
            total = total + taps[..., row, column]
    count = operator.kernel[0] * operator.kernel[1] if operator.count_include_pad else inside.sum(axis=(3, 4))
    mean = total / np.asarray(count).astype(_F)
    return _round_with_zero_point(mean / _F(output.scale) + _F(_zero_point(output)), output)


def _max_pool(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    return _windows(operator, _surround(operator, given, -128)).max(axis=(3, 4))


def _pad(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    top, bottom, left, right = operator.amounts
    return np.pad(given, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=output.zero_point)


def _reshape(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    return given


def _concatenate(operator: Operator, inputs: Sequence[Tensor], output: Tensor, *given: np.ndarray) -> np.ndarray:
    parts = [
        x if (t.scale, t.zero_point) == (output.scale, output.zero_point) else _quantise(_dequantise(x, t), output)
        for t, x in zip(inputs, given, strict=True)
    ]
    return np.concatenate([p.reshape(t.picture) for t, p in zip(inputs, parts, strict=True)], operator.axes[0])


def _slice(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    triples = zip(operator.begin, operator.count, operator.step, strict=True)
    return given.reshape(inputs[0].picture)[tuple(slice(b, b + (n - 1) * s + 1, s) for b, n, s in triples)]


def _resize(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    """Nearest neighbour: the input's row of each output row, and so for columns."""
    index = []
    for size, wanted in zip(given.shape[1:3], output.shape[1:3], strict=True):
        place = np.arange(wanted)
        if operator.align_corners and wanted > 1:
            index.append(np.floor(place * (size - 1) / (wanted - 1) + 0.5).astype(int))
        elif operator.half_pixel_centers:
            index.append((2 * place + 1) * size // (2 * wanted))
        else:
            index.append(place * size // wanted)
    return given[:, index[0]][:, :, index[1]]


def _softmax(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    """A table of exponentials, rounded to float32, shifted so that the largest value meets its end."""
    x = inputs[0]
    scale, length = _F(x.scale), given.shape[-1]
    room = max(0.0, float(np.log(np.finfo(_F).max / _F(length))) - 5) / float(scale)
    table = np.exp((np.arange(256) - 255 + room) * float(scale)).astype(_F)
    terms = table[given.astype(np.int32) - given.max(axis=-1, keepdims=True) + 255]
    total = np.zeros(terms.shape[:-1], _F)
    for position in range(length):
        total = total + terms[..., position]
    levels = np.floor(_F(1) / _F(output.scale))
    whole = np.rint(terms * levels / total[..., np.newaxis]).astype(np.int32) + output.zero_point
    return np.minimum(whole, 127).astype(np.int8)


def _function(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    """Through float32: dequantise, the function, quantise."""
    slopes = [_constant(t) for t in inputs[1:]]
    return _quantise(FUNCTIONS[operator.kind](operator, _dequantise(given, inputs[0]), *slopes), output)


_SUMS: dict[Kind, Callable[..., np.ndarray]] = {
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _depthwise,
    Kind.FULLY_CONNECTED: _fully_connected,
    Kind.MEAN: _mean,
}
"""Operators that scale integer sums."""

_OPERATORS: dict[Kind, Callable[..., np.ndarray]] = {
    Kind.ADD: _add,
    Kind.SUB: _subtract,
    Kind.MUL: _multiply,
    Kind.AVERAGE_POOL_2D: _average_pool,
    Kind.MAX_POOL_2D: _max_pool,
    Kind.PAD: _pad,
    Kind.RESHAPE: _reshape,
    Kind.CONCATENATION: _concatenate,
    Kind.STRIDED_SLICE: _slice,
    Kind.RESIZE_NEAREST_NEIGHBOR: _resize,
    Kind.SOFTMAX: _softmax,
    **dict.fromkeys(FUNCTIONS, _function),
}
