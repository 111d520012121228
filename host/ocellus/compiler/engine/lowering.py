"""Operators to layers of the array: which there are, what is fused, what is left to the host."""

from dataclasses import replace

from ...configurations import Configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ..graph import Kind, Network, Operator
from ..tflite_tables import TABLE_KINDS
from .copies import copied
from .layers import Plan
from .lower_elementwise import lower_sum
from .lower_functions import lower_function
from .lower_means import lower_mean
from .lower_moves import lower_concatenation, lower_resize_nearest, lower_slice
from .lower_places import lower_average_pool, lower_max_pool, lower_pad
from .lower_resample import lower_resize_bilinear, lower_transpose_convolution
from .lower_slopes import lower_slopes
from .lower_weighted import lower_convolution, lower_depthwise, lower_fully_connected
from .storages import Storages
from .unfolding import unfold_input

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
    Kind.CONCATENATION: lower_concatenation,
    Kind.STRIDED_SLICE: lower_slice,
    Kind.RESIZE_NEAREST_NEIGHBOR: lower_resize_nearest,
    Kind.RESIZE_BILINEAR: lower_resize_bilinear,
    Kind.TRANSPOSE_CONV: lower_transpose_convolution,
    Kind.PRELU: lower_slopes,
    **dict.fromkeys(TABLE_KINDS, lower_function),
}


def lower(network: Network, sizes: Configuration, arithmetic: Arithmetic) -> Plan:
    """The network's layers in the order of its operators; :class:`BadInput` where the array cannot do one."""
    picture = _input_picture(network)
    plan = Plan(network, sizes, network.input, picture, output=network.output)
    plan.shapes[network.input] = picture
    plan.stored_as[network.input] = network.input
    storages = Storages(plan, arithmetic)
    for operator in network.operators:
        if _is_for_host(plan, operator):
            _leave_to_host(storages, operator)
        elif operator.kind is Kind.RESHAPE:
            plan.stored_as[operator.output] = plan.stored_as[operator.inputs[0]]
        elif operator.kind in _LOWERINGS:
            _LOWERINGS[operator.kind](storages, operator)
        else:
            raise BadInput(f"{network.file}: {operator}: the engine has no form for it, allowed {_allowed()}")
    plan.output = plan.stored_as[plan.left_to_host[0].inputs[0] if plan.left_to_host else plan.output]
    if not plan.writers(plan.output):  # what the outlet hands on is written by a layer
        shape = plan.shapes[plan.output]
        copy = copied(network.operators[:1], plan.output, storages.temporary(network.operators[0], shape), shape)
        storages.add(replace(copy, partial=True))
        plan.output = copy.output
    _check_tables(plan)
    unfold_input(plan)
    return plan


def _check_tables(plan: Plan) -> None:
    """Names the first operator for which there is no table left."""
    tables: set[tuple[int, ...]] = set()
    for layer in plan.layers:
        tables |= {layer.table} if layer.table is not None else set()
        if len(tables) > plan.sizes.tables:
            raise BadInput(
                f"{plan.network.file}: {layer.operators[-1]}: found another function than the {plan.sizes.tables} "
                "tables hold, allowed as many: functions of the same scales and zero points share one"
            )


def _is_for_host(plan: Plan, operator: Operator) -> bool:
    """SOFTMAX at the end, and what stands behind it."""
    return operator.kind is Kind.SOFTMAX or any(operator.inputs[0] == o.output for o in plan.left_to_host)


def _leave_to_host(storages: Storages, operator: Operator) -> None:
    for reader in storages.readers(operator.output):
        if reader.kind not in (Kind.SOFTMAX, Kind.RESHAPE, Kind.QUANTIZE):
            raise storages.refuse(
                operator,
                f"found {reader} behind it, allowed {Kind.RESHAPE} and {Kind.QUANTIZE}: the host computes it, "
                "at the end of the network",
            )
    storages.plan.left_to_host.append(operator)
    storages.plan.notes.append(f"{operator} is left to the host")


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
