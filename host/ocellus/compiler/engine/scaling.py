"""The requantiser's factors: by TensorFlow Lite's rules, or for networks whose measure is ONNX Runtime, by proof."""

import numpy as np

from ...formats import Arithmetic
from ..graph import Kind, Operator, Runtime, Tensor
from ..onnx_factors import ExactFactor, average_pool_factor, difference_note, exact_factors
from ..quantisation import Factor, activation_range, convolution_factors, fully_connected_factors, mean_factor
from ..tflite_tables import function_table
from .quotients import rounded_once
from .storages import Storages


def is_onnx(storages: Storages) -> bool:
    """Whether ONNX Runtime is the measure."""
    return storages.plan.network.runtime is Runtime.ONNX


def weighted_factors(
    storages: Storages, operator: Operator, inputs: list[Tensor], output: Tensor, channels: int
) -> tuple[Factor, ...]:
    """One for each channel of a convolution or a fully connected layer."""
    if is_onnx(storages):
        found = exact_factors(operator, inputs, output)
        _note(storages, operator, found)
        factors = [f.factor for f in found]
        return tuple(factors * channels if len(factors) == 1 else factors)
    of = fully_connected_factors if operator.kind is Kind.FULLY_CONNECTED else convolution_factors
    return tuple(of(inputs[0], inputs[1], output, channels))


def mean_scaling(storages: Storages, operator: Operator, x: Tensor, output: Tensor, count: int) -> Factor:
    """Of MEAN, whose sums TensorFlow Lite rounds twice in either arithmetic."""
    if is_onnx(storages):
        if operator.axes != (0, 1):
            raise storages.refuse(operator, f"found an average over axes {operator.axes}, allowed rows and columns")
        found = exact_factors(operator, [x], output)
        _note(storages, operator, found)
        return found[0].factor
    factor = mean_factor(x, output, count)
    if storages.arithmetic is Arithmetic.DOUBLE:
        return factor
    once = rounded_once(factor, count * (-128 - x.zero_point), count * (127 - x.zero_point))
    if once is None:
        raise storages.refuse(
            operator, f"found a mean of {count} pixels that no single rounding gives, allowed arithmetic double"
        )
    return once


def pool_scaling(storages: Storages, operator: Operator, x: Tensor, output: Tensor, taps: int, count: int) -> Factor:
    """Of AVERAGE_POOL_2D in ONNX Runtime: ``taps`` inside the picture, divided by ``count``."""
    found = average_pool_factor(x, output, taps, count)
    _note(storages, operator, [found])
    return found.factor


def _note(storages: Storages, operator: Operator, found: list[ExactFactor]) -> None:
    note = difference_note(operator, found)
    if note is not None:
        storages.plan.notes.append(note)


def table_of(storages: Storages, operator: Operator, x: Tensor, output: Tensor) -> tuple[int, ...]:
    """The 256 results of a function of one value."""
    if not is_onnx(storages):
        return tuple(function_table(operator, x, output).tolist())
    return float_table(storages, operator, x, output)


def float_table(storages: Storages, operator: Operator, x: Tensor, output: Tensor) -> tuple[int, ...]:
    """As ONNX Runtime has it: dequantised, computed and quantised in float32, halves to the even neighbour."""
    reals = (np.arange(-128, 128) - x.zero_point).astype(np.float32) * np.float32(x.scale)
    match operator.kind:
        case Kind.LEAKY_RELU:
            reals = np.where(reals >= 0, reals, np.float32(operator.alpha) * reals)
        case Kind.RELU | Kind.QUANTIZE | Kind.CONCATENATION:
            reals = np.maximum(reals, 0) if operator.kind is Kind.RELU else reals
        case Kind.RELU6:
            reals = np.clip(reals, np.float32(0), np.float32(6))
        case Kind.RELU_N1_TO_1:
            reals = np.clip(reals, np.float32(-1), np.float32(1))
        case _:
            raise storages.refuse(operator, "the engine has no table of ONNX Runtime's float32 function")
    low, high = activation_range(operator.activation, output)
    values = np.rint(np.clip(reals / np.float32(output.scale), -512, 512)).astype(np.int64) + output.zero_point
    return tuple(np.clip(values, low, high).tolist())
