"""Operators to layers of the array: which there are, what is fused, what is left to the host."""

from dataclasses import replace

from ...engine import Configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ...program_formats import LayerOp
from ..graph import Kind, Network, Operator
from .layers import ArrayLayer, Plan, Unfolding
from .lower_elementwise import lower_sum
from .lower_places import lower_average_pool, lower_max_pool, lower_mean, lower_pad
from .lower_weighted import lower_convolution, lower_depthwise, lower_fully_connected
from .storages import Storages

_LOWERINGS = {
    Kind.CONV_2D: lower_convolution,
    Kind.DEPTHWISE_CONV_2D: lower_depthwise,
    Kind.FULLY_CONNECTED: lower_fully_connected,
    Kind.ADD: lower_sum,
    Kind.SUB: lower_sum,
    Kind.MUL: lower_sum,
    Kind.AVERAGE_POOL_2D: lower_average_pool,
    Kind.MAX_POOL_2D: lower_max_pool,
    Kind.MEAN: lower_mean,
    Kind.PAD: lower_pad,
}


def lower(network: Network, sizes: Configuration, arithmetic: Arithmetic) -> Plan:
    """The network's layers in the order of its operators; :class:`BadInput` where the array cannot do one."""
    picture = _input_picture(network)
    plan = Plan(network, sizes, network.input, picture, output=network.output)
    plan.shapes[network.input] = picture
    plan.stored_as[network.input] = network.input
    storages = Storages(plan, arithmetic)
    for operator in network.operators:
        if operator.kind is Kind.SOFTMAX and operator.output == network.output:
            plan.left_to_host.append(operator)
            plan.output = operator.inputs[0]
            plan.notes.append(f"{operator} is left to the host")
        elif operator.kind is Kind.RESHAPE:
            plan.stored_as[operator.output] = plan.stored_as[operator.inputs[0]]
        elif operator.kind in _LOWERINGS:
            _LOWERINGS[operator.kind](storages, operator)
        else:
            raise BadInput(f"{network.file}: {operator}: the engine has no form for it, allowed {_allowed()}")
    plan.output = plan.stored_as[plan.output]
    if not plan.writers(plan.output) or not plan.readers(plan.input):
        raise BadInput(
            f"{network.file}: tensor {network.output!r}: found an output that needs no layer, allowed one that does"
        )
    _unfold(plan)
    return plan


def _allowed() -> str:
    return ", ".join([*_LOWERINGS, Kind.RESHAPE, Kind.SOFTMAX]) + " (the last at the end)"


def _input_picture(network: Network) -> tuple[int, int, int]:
    """Rows, columns, channels as they come; a RESHAPE that is the input's only reader says how they are meant."""
    name, readers = network.input, _readers(network, network.input)
    while len(readers) == 1 and readers[0].kind is Kind.RESHAPE and len(network.tensors[readers[0].output].shape) == 4:
        name = readers[0].output
        readers = _readers(network, name)
    return network.tensors[name].picture


def _readers(network: Network, name: str) -> list[Operator]:
    return [operator for operator in network.operators if name in operator.inputs]


def _unfold(plan: Plan) -> None:
    """Lets the inlet gather a first convolution's kernel columns where that saves clocks or memory."""
    readers = plan.readers(plan.input)
    layer = plan.layers[readers[0]]
    if len(readers) > 1 or plan.input == layer.operand or layer.op is not LayerOp.POINT or layer.weights is None:
        return
    columns, channels = layer.kernel[1], layer.in_shape[2]
    gathered, sizes = columns * channels, plan.sizes
    if columns == 1 or layer.dilation[1] > 1 or gathered > sizes.unfold_bytes or layer.in_origin != (0, 0, 0):
        return
    if layer.in_shape != plan.picture:
        return
    clocks = columns * -(-channels // sizes.inputs), -(-gathered // sizes.inputs)
    words = layer.in_shape[1] * -(-channels // sizes.word), layer.out_shape[1] * -(-gathered // sizes.word)
    if (clocks[1], words[1]) >= (clocks[0], words[0]):
        return
    plan.unfolding = Unfolding(columns, layer.stride[1], layer.pad[1], layer.fill)
    shape = (layer.in_shape[0], layer.out_shape[1], gathered)
    plan.shapes[plan.input] = shape
    plan.layers[readers[0]] = unfolded(layer, shape)
    plan.notes.append(
        f"{layer.operators[0]}: the inlet gathers {columns} columns of {channels} channels into one pixel"
    )


def unfolded(layer: ArrayLayer, shape: tuple[int, int, int]) -> ArrayLayer:
    """The layer over gathered pixels: its kernel columns have become channels."""
    assert layer.weights is not None
    out, rows, _, _ = layer.weights.shape
    return replace(
        layer,
        in_shape=shape,
        weights=layer.weights.reshape(out, rows, 1, shape[2]),
        kernel=(rows, 1),
        stride=(layer.stride[0], 1),
        pad=(layer.pad[0], 0),
    )
