"""ADD, SUB and MUL: an epilogue of the layer that makes one operand, or of a copy of it."""

from dataclasses import replace

import numpy as np

from ...program_formats import Epilogue, LayerOp
from ..graph import Kind, Operator, Tensor
from ..onnx_pairs import PairFactors, float_result
from ..quantisation import activation_range
from .constants import constant_operand, constant_values
from .copies import copied, spread_out
from .layers import ArrayLayer, Combination
from .lower_functions import apply_table
from .quotients import EXACT_SUM
from .scaling import is_onnx, pair_factors
from .storages import Storages


def lower_sum(storages: Storages, operator: Operator) -> None:
    """The second operand is read where the result goes, so both lie alike; it has to be complete before.

    An operand of one value makes a table of the other. What repeats along rows, columns or channels is copied out
    first; a constant of several values becomes a picture.
    """
    inputs, output = storages.tensors(operator)
    for number, (tensor, other) in enumerate(zip(inputs, inputs[::-1], strict=True)):
        single = tensor.data is not None and (tensor.data == tensor.data.flat[0]).all()
        if single and other.picture == output.picture:
            _lower_as_table(storages, operator, inputs, output, number)
            return
    found = pair_factors(storages, operator, inputs, output)
    operands = [_operand(storages, operator, inputs, n, output) for n in (0, 1)]
    if len(found) > 1:
        _lower_as_parts(storages, operator, operands, output, found)
        return
    orders = ((0, 1), (1, 0)) if operator.kind is not Kind.SUB else ((0, 1),)
    ways = [(first, second) for first, second in orders if _fusable(storages, operands[first], operands[second])]
    if ways:
        first, second = max(ways, key=lambda way: _sums(storages, operands[way[0]]))
        plan = storages.plan
        layer = plan.layers.pop(plan.writers(operands[first])[0])  # to the end: it has no other reader
        del plan.shapes[operands[first]], plan.stored_as[operands[first]]
        plan.notes.append(f"{operator} is fused into {layer.operators[0]}")
        layer = replace(layer, operators=(*layer.operators, operator), output=storages.store(output))
    else:
        first, second = 0, 1
        layer = copied((operator,), operands[0], storages.store(output), output.picture)
    combination = _combination(operator, (first, second), operands[second], output, found[0])
    storages.add(replace(layer, combination=combination, multiply=operator.kind is Kind.MUL))


def _operand(storages: Storages, operator: Operator, inputs: list[Tensor], number: int, output: Tensor) -> str:
    """The storage of an operand in the output's shape."""
    tensor, other = inputs[number], inputs[1 - number]
    shape = output.picture
    if tensor.data is not None:
        source, _ = storages.picture(operator, other)
        return constant_operand(storages, operator, source, constant_values(tensor, output))
    storage, had = storages.picture(operator, tensor)
    return storage if had == shape else spread_out(storages, operator, storage, had, shape)


def _lower_as_table(
    storages: Storages, operator: Operator, inputs: list[Tensor], output: Tensor, constant: int
) -> None:
    x, y = inputs[1 - constant], inputs[constant]
    assert y.data is not None
    value = int(y.data.flat[0])
    if is_onnx(storages):
        every, same = np.arange(-128, 128), np.full(256, value)
        pair = (every, same) if constant else (same, every)
        results = float_result(operator.kind, inputs, output, *pair)
        apply_table(storages, operator, x, output, tuple(results.tolist()))
        return
    pairs = ((n, value) if constant else (value, n) for n in range(-128, 128))
    factors = pair_factors(storages, operator, inputs, output)[0]
    low, high = activation_range(operator.activation, output)
    table = [_result(operator, inputs, factors, pair) + output.zero_point for pair in pairs]
    apply_table(storages, operator, x, output, tuple(min(max(n, low), high) for n in table))


def _result(operator: Operator, inputs: list[Tensor], factors: PairFactors, pair: tuple[int, int]) -> int:
    a, b = (value - tensor.zero_point for value, tensor in zip(pair, inputs, strict=True))
    if operator.kind is Kind.MUL:
        return factors.output.times(a * b)
    b = -b if operator.kind is Kind.SUB else b
    return factors.output.times(factors.first.times(a << 20) + factors.second.times(b << 20))


def _fusable(storages: Storages, value: str, other: str) -> bool:
    """One layer makes ``value``, for nobody else."""
    plan = storages.plan
    if plan.stored_as.get(value) != value or value in (other, plan.network.output, plan.input):
        return False
    aliases = [name for name, storage in plan.stored_as.items() if storage == value]
    writers, readers = plan.writers(value), [reader for name in aliases for reader in storages.readers(name)]
    if len(writers) != 1 or len(readers) != 1 or len(aliases) != 1 or plan.readers(value):
        return False
    layer = plan.layers[writers[0]]
    return layer.epilogue is Epilogue.PLAIN and layer.op is not LayerOp.MAXIMUM and layer.out_step == (1, 1)


def _sums(storages: Storages, value: str) -> int:
    """Clocks of a group in the layer that makes ``value``: an epilogue hides behind many."""
    layer: ArrayLayer = storages.plan.layers[storages.plan.writers(value)[0]]
    channels = layer.in_shape[2] if layer.op is LayerOp.POINT else 1
    return layer.kernel[0] * layer.kernel[1] * channels


def _lower_as_parts(
    storages: Storages, operator: Operator, operands: list[str], output: Tensor, found: list[PairFactors]
) -> None:
    """Results up to a level and those above it, each with factors of its own, and their sum."""
    shape, zero = output.picture, output.zero_point
    parts = []
    for factors in found:
        part = storages.temporary(operator, shape)
        combination = _combination(operator, (0, 1), operands[1], output, factors)
        layer = copied((operator,), operands[0], part, shape)
        layer = replace(layer, combination=combination, multiply=operator.kind is Kind.MUL, partial=True)
        storages.add(layer)
        parts.append(part)
    points = (found[0].high, zero, zero)
    both = Combination(parts[0], points, EXACT_SUM[1], (EXACT_SUM[0], EXACT_SUM[0]))
    storages.add(replace(copied((operator,), parts[1], storages.store(output), shape), combination=both))
    storages.plan.notes.append(f"{operator} runs in 2 parts: no single factors round as ONNX Runtime does")


def _combination(
    operator: Operator, order: tuple[int, int], operand: str, output: Tensor, found: PairFactors
) -> Combination:
    minimum, maximum = activation_range(operator.activation, output)
    points, both = found.zero_points, (found.first, found.second)
    zero_points = (points[order[0]], points[order[1]], points[2])
    pair = None if operator.kind is Kind.MUL else (both[order[0]], both[order[1]])
    low, high = max(minimum, found.low), min(maximum, found.high)
    return Combination(operand, zero_points, found.output, pair, operator.kind is Kind.SUB, low, high)
