"""Lowers operators to the five things the engine does, one layer each, and says what is left to the host."""

from dataclasses import dataclass, field

import numpy as np

from ..errors import BadInput
from ..formats import LayerOp
from .graph import Kind, Network, Operator, Padding, Tensor
from .quantisation import Factor, activation_range, add_factors, convolution_factors, fully_connected_factor

Shape = tuple[int, int, int]
"""Rows, columns, channels."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One run of the engine, still in shapes and names.

    Attributes
    ----------
    operator : Operator
        Where it comes from.
    inputs, output : str
        Tensors by the name under which they are stored.
    pad : tuple of int
        Rows above and columns to the left.
    weights : ndarray or None
        int8: (out, rows, columns, in) for CONV, (rows, columns, channels) for DEPTHWISE.
    biases : ndarray or None
        int32 a channel, with the input's zero point folded in.
    factors : tuple of Factor
        One a channel for CONV and DEPTHWISE; first input, second input, output for ADD.
    """

    operator: Operator
    op: LayerOp
    inputs: tuple[str, ...]
    output: str
    in_shape: Shape
    out_shape: Shape
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    fill: int = 0
    zero_points: tuple[int, int, int] = (0, 0, 0)
    minimum: int = -128
    maximum: int = 127
    weights: np.ndarray | None = None
    biases: np.ndarray | None = None
    factors: tuple[Factor, ...] = ()

    @property
    def macs(self) -> int:
        """Multiplications that the operator itself asks for."""
        rows, columns, channels = self.out_shape
        if self.weights is None:
            return 0
        return (
            rows * columns * self.weights.size
            if self.op is LayerOp.CONV
            else rows * columns * channels * int(np.prod(self.kernel))
        )


@dataclass
class Schedule:
    """The layers of a network.

    Attributes
    ----------
    stored_as : dict
        Every tensor's storage: a RESHAPE's output lies where its input lies.
    left_to_host : list of Operator
        What the host computes from the accelerator's output.
    """

    network: Network
    layers: list[Layer] = field(default_factory=list)
    stored_as: dict[str, str] = field(default_factory=dict)
    left_to_host: list[Operator] = field(default_factory=list)
    output: str = ""

    @property
    def input(self) -> str:
        """The storage that the sensor writes."""
        return self.network.input

    @property
    def last_reader_of_input(self) -> int:
        """Number of the last layer that reads the input tensor."""
        return max(i for i, layer in enumerate(self.layers) if self.input in layer.inputs)

    @property
    def last_layer(self) -> int:
        """Number of the layer after which the output is complete: all run, so the last."""
        return len(self.layers) - 1


def schedule(network: Network) -> Schedule:
    """The network's layers in the order of its operators; :class:`BadInput` when the accelerator has nothing to do."""
    plan = Schedule(network, stored_as={network.input: network.input}, output=network.output)
    for operator in network.operators:
        _check(network, operator)
        if operator.kind is Kind.SOFTMAX:
            plan.left_to_host.append(operator)
            plan.output = operator.inputs[0]
        elif operator.kind is Kind.RESHAPE:
            plan.stored_as[operator.output] = plan.stored_as[operator.inputs[0]]
        else:
            plan.stored_as[operator.output] = operator.output
            plan.layers.append(_lower(plan, operator))
    if plan.stored_as[plan.output] == network.input or not any(network.input in layer.inputs for layer in plan.layers):
        raise BadInput(
            f"{network.file}: tensor {network.output!r}: found an output that needs no layer, allowed one that does"
        )
    return plan


def _check(network: Network, operator: Operator) -> None:
    """:class:`BadInput` for what the graph can say and the engine cannot do."""
    at = f"{network.file}: {operator}"
    if operator.kind not in (*_LOWERINGS, Kind.RESHAPE, Kind.SOFTMAX):
        allowed = ", ".join(kind for kind in Kind if kind in (*_LOWERINGS, Kind.RESHAPE, Kind.SOFTMAX))
        raise BadInput(f"{at}: found {operator.kind}, allowed {allowed}")
    if operator.kind is Kind.SOFTMAX and operator is not network.operators[-1]:
        raise BadInput(f"{at}: found another operator behind it, allowed the last place")
    if operator.kind is Kind.SOFTMAX and operator.output != network.output:
        raise BadInput(f"{at}: found beside the output, allowed as the output")
    if operator.dilation != (1, 1):
        raise BadInput(f"{at}: found dilation {operator.dilation[0]}x{operator.dilation[1]}, allowed 1x1")
    weighted = operator.kind in (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D)
    if weighted and max(operator.stride) > 2:
        raise BadInput(f"{at}: found stride {operator.stride[0]}x{operator.stride[1]}, allowed 1x1 to 2x2")
    inputs = [network.tensors[name] for name in operator.inputs]
    if operator.depth_multiplier > 1 and inputs[0].picture[2] > 1:
        raise BadInput(f"{at}: found depth multiplier {operator.depth_multiplier}, allowed 1, or any of one channel")
    if operator.kind is Kind.FULLY_CONNECTED and len(inputs[1].scales) > 1:
        raise BadInput(f"{at}: tensor {inputs[1].name!r}: found {len(inputs[1].scales)} scales, allowed 1")
    if operator.kind is Kind.ADD and (inputs[0].shape != inputs[1].shape or any(t.data is not None for t in inputs)):
        shapes = " and ".join(str(t.shape) for t in inputs)
        raise BadInput(f"{at}: found shapes {shapes}, allowed two activations of equal shape")


def _lower(plan: Schedule, operator: Operator) -> Layer:
    network = plan.network
    inputs = [network.tensors[name] for name in operator.inputs]
    output = network.tensors[operator.output]
    layer = _LOWERINGS[operator.kind](operator, inputs, output)
    stored = tuple(plan.stored_as[name] for name in layer.inputs)
    return Layer(**{**vars(layer), "inputs": stored})


def _pads(operator: Operator, x: Tensor) -> tuple[int, int]:
    """SAME shares the missing rows out, the smaller half above; columns likewise."""
    if operator.padding is Padding.VALID:
        return 0, 0
    top, left = (
        max(((size - 1) // stride) * stride + kernel - size, 0) // 2
        for size, kernel, stride in zip(x.picture[:2], operator.kernel, operator.stride, strict=True)
    )
    return top, left


def _biases(x: Tensor, inputs: list[Tensor], sums: np.ndarray) -> np.ndarray:
    """Biases minus what the zero point adds to every sum, modulo 2^32 as the accumulator is."""
    given = inputs[2].data if len(inputs) == 3 else None
    bias = np.zeros(len(sums), np.int64) if given is None else given.astype(np.int64)
    return (bias - x.zero_point * sums).astype(np.int32)


def _values(weights: Tensor) -> np.ndarray:
    if weights.data is None:
        raise BadInput(f"tensor {weights.name!r}: found an activation, allowed constant weights")
    return weights.data


def _convolution(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    weights = inputs[1]
    values = _values(weights)
    if operator.kind is Kind.DEPTHWISE_CONV_2D:  # over one channel: (1, rows, columns, out)
        values = values.transpose(3, 1, 2, 0)
    return _weighted(LayerOp.CONV, operator, inputs, output, values, values.sum(axis=(1, 2, 3), dtype=np.int64))


def _depthwise(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    if inputs[0].picture[2] == 1:
        return _convolution(operator, inputs, output)
    values = _values(inputs[1])[0]
    return _weighted(LayerOp.DEPTHWISE, operator, inputs, output, values, values.sum(axis=(0, 1), dtype=np.int64))


def _weighted(
    op: LayerOp, operator: Operator, inputs: list[Tensor], output: Tensor, values: np.ndarray, sums: np.ndarray
) -> Layer:
    x = inputs[0]
    low, high = activation_range(operator.activation, output)
    return Layer(
        operator, op, (x.name,), output.name, x.picture, output.picture, operator.kernel, operator.stride,
        _pads(operator, x), x.zero_point, (x.zero_point, 0, output.zero_point), low, high, values,
        _biases(x, inputs, sums), tuple(convolution_factors(x, inputs[1], output, len(sums))),
    )  # fmt: skip


def _fully_connected(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    """A 1x1 convolution; each vector of the input is a row of a picture one column wide."""
    x, values = inputs[0], _values(inputs[1])
    channels, depth = values.shape
    rows = x.size // depth
    low, high = activation_range(operator.activation, output)
    return Layer(
        operator, LayerOp.CONV, (x.name,), output.name, (rows, 1, depth), (rows, 1, channels),
        fill=x.zero_point, zero_points=(x.zero_point, 0, output.zero_point), minimum=low, maximum=high,
        weights=values.reshape(channels, 1, 1, depth),
        biases=_biases(x, inputs, values.sum(axis=1, dtype=np.int64)),
        factors=(fully_connected_factor(x, inputs[1], output),) * channels,
    )  # fmt: skip


def _add(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    a, b = inputs
    low, high = activation_range(operator.activation, output)
    return Layer(
        operator, LayerOp.ADD, (a.name, b.name), output.name, a.picture, output.picture,
        zero_points=(a.zero_point, b.zero_point, output.zero_point), minimum=low, maximum=high,
        factors=add_factors(a, b, output),
    )  # fmt: skip


def _pool(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    x = inputs[0]
    average = operator.kind is Kind.AVERAGE_POOL_2D
    low, high = activation_range(operator.activation, output)
    return Layer(
        operator, LayerOp.AVERAGE_POOL if average else LayerOp.MAX_POOL, (x.name,), output.name, x.picture,
        output.picture, operator.kernel, operator.stride, _pads(operator, x), 0 if average else -128,
        minimum=low, maximum=high,
    )  # fmt: skip


def _pad(operator: Operator, inputs: list[Tensor], output: Tensor) -> Layer:
    """A pool over single elements, whose fill is the padding value."""
    x, (top, _, left, _) = inputs[0], operator.amounts
    return Layer(
        operator, LayerOp.MAX_POOL, (x.name,), output.name, x.picture, output.picture, pad=(top, left),
        fill=output.zero_point,
    )  # fmt: skip


_LOWERINGS = {
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _depthwise,
    Kind.FULLY_CONNECTED: _fully_connected,
    Kind.ADD: _add,
    Kind.AVERAGE_POOL_2D: _pool,
    Kind.MAX_POOL_2D: _pool,
    Kind.PAD: _pad,
}
