"""MEAN: windows of ones whose sums are divided in the multiplier."""

from dataclasses import replace
from itertools import product

import numpy as np

from ...formats import Arithmetic
from ...program_formats import LayerOp
from ..graph import Operator
from ..quantisation import Factor, mean_factor
from .layers import ArrayLayer, Combination
from .quotients import EXACT_SUM
from .scaling import is_onnx, mean_stairs
from .stacks import stacked
from .staircase import Staircase, staircases
from .storages import Storages
from .sums import alone, part_of, passes, summed


def lower_mean(storages: Storages, operator: Operator) -> None:
    """MEAN over rows, columns or both: the count goes into the multiplier, which loses its lowest bits.

    A program that rounds once gives the sums that TensorFlow Lite rounds twice as staircases, which are added.
    """
    (x,), output = storages.tensors(operator)
    storage, shape = storages.picture(operator, x)
    if 2 in operator.axes:
        raise storages.refuse(operator, "found an average over channels, allowed rows and columns")
    kernel = (shape[0] if 0 in operator.axes else 1, shape[1] if 1 in operator.axes else 1)
    out_shape = (shape[0] // kernel[0], shape[1] // kernel[1], shape[2])
    count = kernel[0] * kernel[1]
    factor = mean_factor(x, output, count)
    base = ArrayLayer(
        (operator,), LayerOp.WINDOW, storage, storages.store(output, out_shape), shape, out_shape, None,
        np.full(shape[2], -count * x.zero_point, np.int32), (factor,) * shape[2], kernel, kernel,
        zero_point=output.zero_point,
    )  # fmt: skip
    layers = [base]
    if is_onnx(storages):
        layers = stacked(storages, operator, base, mean_stairs(storages, operator, x, output))
    elif storages.arithmetic is Arithmetic.SINGLE:
        sums = np.arange(count * (-128 - x.zero_point), count * (127 - x.zero_point) + 1)
        wanted = _rounded_twice(sums, factor).clip(-128 - output.zero_point, 127 - output.zero_point)
        steps = staircases(sums, wanted, factor)
        if steps is None:
            raise storages.refuse(
                operator, f"found a mean of {count} pixels that no single rounding gives, allowed arithmetic double"
            )
        layers = _stacked(storages, operator, base, steps)
    for layer in layers:
        _add(storages, layer)


def _rounded_twice(sums: np.ndarray, factor: Factor) -> np.ndarray:
    """As :meth:`Factor.times`."""
    left, right = max(factor.shift, 0), max(-factor.shift, 0)
    high = ((sums << left) * np.int64(factor.multiplier) + (1 << 30)) >> 31
    return np.sign(high) * ((np.abs(high) + (1 << right >> 1)) >> right)


def _stacked(storages: Storages, operator: Operator, base: ArrayLayer, steps: list[Staircase]) -> list[ArrayLayer]:
    """A layer for each staircase, which adds what it rises to those before it."""
    layers, zero = [], base.zero_point
    for n, step in enumerate(steps):
        last = n == len(steps) - 1
        layer = replace(
            base,
            output=base.output if last else storages.temporary(operator, base.out_shape),
            biases=base.biases * step.weight + np.int32(step.bias),
            factors=(step.factor,) * base.out_shape[2],
            weights=np.full((1, 1, 1), step.weight, np.int8),
            minimum=zero + step.low,
            maximum=zero + step.high,
            partial=not last,
        )
        if layers:
            zero_points = (zero + step.low, zero, zero)
            combination = Combination(layers[-1].output, zero_points, EXACT_SUM[1], (EXACT_SUM[0], EXACT_SUM[0]))
            layer = replace(layer, combination=combination)
        layers.append(layer)
    return layers


def _add(storages: Storages, layer: ArrayLayer) -> None:
    """All at once; window by window where one takes more passes than there are sets of weights, or is alone."""
    single = alone(layer, passes(layer.kernel))
    weight = 1 if layer.weights is None else int(layer.weights.flat[0])
    for top, left in product(range(layer.out_shape[0]), range(layer.out_shape[1])) if single else [(0, 0)]:
        part = summed(part_of(layer, top, 1, left, 1) if single else layer, single)
        assert part.weights is not None
        storages.add(replace(part, weights=part.weights * np.int8(weight)))
