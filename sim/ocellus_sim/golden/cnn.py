"""The accelerator's golden model: a network run operator by operator on whole arrays, exact to the last bit.

Works on the graph of the file, never on the program image, so that it proves the compiler as well. Written from
the reference kernels of TensorFlow Lite; docs/cnn.md gives the rules.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ocellus.compiler.graph import Activation, Kind, Network, Operator, Padding, Tensor

from .cnn_arithmetic import multiplier, rdbpot, requantise, softmax, srdhm, wrap


def run(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every operator's output tensor by its name, in the order of the operators.

    Parameters
    ----------
    network : Network
        What an importer of ``ocellus.compiler`` made.
    x : ndarray
        int8 in the input's shape, or in one of as many elements.
    """
    if x.dtype != np.int8 or x.size != network.input_tensor.size:
        raise ValueError(
            f"{network.name}: found an input of {x.dtype} {x.shape}, allowed int8 {network.input_tensor.shape}"
        )
    values = {network.input: x.reshape(network.input_tensor.shape)}
    for operator in network.operators:
        inputs = [network.tensors[name] for name in operator.inputs]
        output = network.tensors[operator.output]
        given = [values[t.name] for t in inputs if t.data is None]
        values[output.name] = _OPERATORS[operator.kind](operator, inputs, output, *given).reshape(output.shape)
    del values[network.input]
    return values


def _ends(operator: Operator, output: Tensor) -> tuple[int, int]:
    """Smallest and largest value the fused activation lets pass."""

    def quantised(real: float) -> int:
        ratio = float(np.float32(real) / np.float32(output.scale))
        return output.zero_point + int(np.copysign(np.floor(abs(ratio) + 0.5), ratio))

    low, high = {
        Activation.NONE: (-128, 127),
        Activation.RELU: (quantised(0), 127),
        Activation.RELU6: (quantised(0), quantised(6)),
        Activation.RELU_N1_TO_1: (quantised(-1), quantised(1)),
    }[operator.activation]
    return max(low, -128), min(high, 127)


def _clamp(operator: Operator, output: Tensor, x: np.ndarray) -> np.ndarray:
    low, high = _ends(operator, output)
    # TensorFlow Lite takes the larger first: where the range is empty its upper end wins
    return np.minimum(np.maximum(x, low), high).astype(np.int8)


def _surround(operator: Operator, x: np.ndarray, value: float) -> np.ndarray:
    """``x`` (rows, columns, channels) with the padding the operator asks for."""
    if operator.padding is Padding.VALID:
        return x
    amounts = []
    for size, kernel, stride in zip(x.shape[:2], operator.kernel, operator.stride, strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        amounts.append((total // 2, total - total // 2))
    return np.pad(x, (*amounts, (0, 0)), constant_values=value)


def _windows(operator: Operator, x: np.ndarray) -> np.ndarray:
    """(rows, columns, channels, kernel rows, kernel columns) view of every window's taps."""
    rows, columns = operator.stride
    return sliding_window_view(x, operator.kernel, axis=(0, 1))[::rows, ::columns]


def _bias(inputs: Sequence[Tensor]) -> np.ndarray | int:
    return inputs[2].data.astype(np.int64) if len(inputs) == 3 and inputs[2].data is not None else 0


def _weights(inputs: Sequence[Tensor]) -> np.ndarray:
    if inputs[1].data is None:
        raise ValueError(f"{inputs[1].name}: found no values, allowed constant weights")
    return inputs[1].data


def _scale_accumulators(operator: Operator, inputs: Sequence[Tensor], output: Tensor, acc: np.ndarray) -> np.ndarray:
    """Bias, double rounding, zero point and clamp; ``acc`` ends in the channels and holds exact integers."""
    x, weights = inputs[0], inputs[1]
    factors = [multiplier(x.scale * scale / output.scale) for scale in weights.scales]
    total = wrap(acc.astype(np.int64) + _bias(inputs))
    return _clamp(operator, output, requantise(total, factors) + output.zero_point)


def _convolution(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    # products stay below 2^15 and windows below 2^24 taps: float64 adds them exactly
    x = _surround(operator, given[0].astype(np.float64) - inputs[0].zero_point, 0)
    windows = _windows(operator, x)
    weights = _weights(inputs).astype(np.float64).transpose(3, 1, 2, 0)  # as the windows: channel, row, column
    acc = windows.reshape(*windows.shape[:2], -1) @ weights.reshape(-1, weights.shape[3])
    return _scale_accumulators(operator, inputs, output, acc)


def _depthwise(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    x = _surround(operator, given[0].astype(np.float64) - inputs[0].zero_point, 0)
    acc = np.einsum("rcdij,ijd->rcd", *_depthwise_operands(_windows(operator, x), _weights(inputs)[0]))
    return _scale_accumulators(operator, inputs, output, acc)


def _depthwise_operands(windows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One input channel serves every output channel; otherwise each has its own."""
    shape = (*windows.shape[:2], weights.shape[2], *windows.shape[3:])
    return np.broadcast_to(windows, shape), weights.astype(np.float64)


def _fully_connected(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    x, weights = inputs[0], inputs[1]
    taps = _weights(inputs).astype(np.float64)
    acc = (given.astype(np.float64) - x.zero_point).reshape(-1, taps.shape[1]) @ taps.T
    product = float(np.float32(x.scale) * np.float32(weights.scale))  # rounded to float32, as the kernel does
    total = wrap(acc.astype(np.int64) + _bias(inputs))
    return _clamp(operator, output, requantise(total, [multiplier(product / output.scale)]) + output.zero_point)


def _add(
    operator: Operator, inputs: Sequence[Tensor], output: Tensor, given_a: np.ndarray, given_b: np.ndarray
) -> np.ndarray:
    a, b = inputs
    twice = 2 * max(a.scale, b.scale)
    total = np.zeros(output.shape, np.int64)
    for t, given in ((a, given_a), (b, given_b)):
        m, e = multiplier(t.scale / twice)
        total += rdbpot(srdhm((given.astype(np.int64) - t.zero_point) << 20, m), -e)
    m, e = multiplier(twice / (2**20 * output.scale))
    return _clamp(operator, output, rdbpot(srdhm(total, m), -e) + output.zero_point)


def _average_pool(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    taps = _surround(operator, given[0].astype(np.int64), 0)
    inside = _surround(operator, np.ones((*given.shape[1:3], 1), np.int64), 0)
    total = _windows(operator, taps).sum(axis=(3, 4))
    count = _windows(operator, inside).sum(axis=(3, 4))
    magnitude = (np.abs(total) + count // 2) // count
    return _clamp(operator, output, np.where(total < 0, -magnitude, magnitude))


def _max_pool(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    return _clamp(operator, output, _windows(operator, _surround(operator, given[0], -128)).max(axis=(3, 4)))


def _pad(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    top, bottom, left, right = operator.amounts
    return np.pad(given, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=output.zero_point)


def _reshape(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    return given


def _softmax(operator: Operator, inputs: Sequence[Tensor], output: Tensor, given: np.ndarray) -> np.ndarray:
    return softmax(given, inputs[0].scale, operator.beta)


_OPERATORS: dict[Kind, Callable[..., np.ndarray]] = {
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _depthwise,
    Kind.FULLY_CONNECTED: _fully_connected,
    Kind.ADD: _add,
    Kind.AVERAGE_POOL_2D: _average_pool,
    Kind.MAX_POOL_2D: _max_pool,
    Kind.PAD: _pad,
    Kind.RESHAPE: _reshape,
    Kind.SOFTMAX: _softmax,
}
