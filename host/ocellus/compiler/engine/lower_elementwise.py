"""ADD, SUB and MUL: an epilogue of the layer that makes one operand, or of a copy of it."""

from dataclasses import replace

import numpy as np

from ...program_formats import Epilogue, LayerOp
from ..graph import Kind, Operator, Tensor
from ..quantisation import Factor, activation_range, add_factors
from .layers import ArrayLayer, Combination, Shape
from .storages import Storages

IDENTITY = Factor(1 << 30, 1)


def lower_sum(storages: Storages, operator: Operator) -> None:
    """The second operand is read where the result goes, so both lie alike; it has to be complete before."""
    inputs, output = storages.tensors(operator)
    for tensor in inputs:
        if tensor.data is not None or tensor.picture != output.picture:
            raise storages.refuse(
                operator,
                f"tensor {tensor.name!r}: found shape {tensor.shape} or a constant, allowed two activations of "
                f"shape {output.shape}",
            )
        storages.picture(operator, tensor)
    orders = ((0, 1), (1, 0)) if operator.kind is not Kind.SUB else ((0, 1),)
    ways = [(first, second) for first, second in orders if _fusable(storages, inputs[first], inputs[second])]
    if ways:
        first, second = max(ways, key=lambda way: _sums(storages, inputs[way[0]]))
        _fuse(storages, operator, inputs[first], inputs[second], output)
        return
    storage, shape = storages.picture(operator, inputs[0])
    copy = copied((operator,), storage, storages.store(output), shape)
    combination = _combination(storages, operator, inputs[0], inputs[1], output)
    storages.add(replace(copy, combination=combination, multiply=operator.kind is Kind.MUL))


def _fuse(storages: Storages, operator: Operator, x: Tensor, y: Tensor, output: Tensor) -> None:
    """Into the layer that makes ``x``, which moves to the end, for it has no other reader, and ``y`` comes first."""
    plan = storages.plan
    layer = plan.layers.pop(plan.writers(x.name)[0])
    combination = _combination(storages, operator, x, y, output)
    del plan.shapes[x.name], plan.stored_as[x.name]
    storages.add(
        replace(
            layer,
            operators=(*layer.operators, operator),
            output=storages.store(output),
            combination=combination,
            multiply=operator.kind is Kind.MUL,
        )
    )
    plan.notes.append(f"{operator} is fused into {layer.operators[0]}")


def _fusable(storages: Storages, value: Tensor, other: Tensor) -> bool:
    """One layer makes ``value``, for nobody else."""
    plan = storages.plan
    writers, readers = plan.writers(value.name), storages.readers(value.name)
    if len(writers) != 1 or len(readers) != 1 or value.name in (plan.stored_as[other.name], plan.network.output):
        return False
    layer = plan.layers[writers[0]]
    return layer.epilogue is Epilogue.PLAIN and layer.op is not LayerOp.MAXIMUM and layer.out_step == (1, 1)


def _sums(storages: Storages, value: Tensor) -> int:
    """Clocks of a group in the layer that makes ``value``: an epilogue hides behind many."""
    layer = storages.plan.layers[storages.plan.writers(value.name)[0]]
    channels = layer.in_shape[2] if layer.op is LayerOp.POINT else 1
    return layer.kernel[0] * layer.kernel[1] * channels


def _combination(storages: Storages, operator: Operator, x: Tensor, y: Tensor, output: Tensor) -> Combination:
    minimum, maximum = activation_range(operator.activation, output)
    zero_points = (x.zero_point, y.zero_point, output.zero_point)
    operand = storages.plan.stored_as[y.name]
    if operator.kind is Kind.MUL:
        product = np.float32(x.scale) * np.float32(y.scale) / np.float32(output.scale)
        return Combination(operand, zero_points, Factor.of(float(product)), minimum=minimum, maximum=maximum)
    first, second, result = add_factors(x, y, output)
    subtract = operator.kind is Kind.SUB
    return Combination(operand, zero_points, result, (first, second), subtract, minimum, maximum)


def copied(operators: tuple[Operator, ...], source: str, output: str, shape: Shape) -> ArrayLayer:
    """A layer that hands on every pixel."""
    return ArrayLayer(
        operators, LayerOp.WINDOW, source, output, shape, shape, np.ones((1, 1, shape[2]), np.int8),
        np.zeros(shape[2], np.int32), (IDENTITY,) * shape[2],
    )  # fmt: skip
