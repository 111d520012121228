"""The requantiser's factors: by TensorFlow Lite's rules, or for networks whose measure is ONNX Runtime, by proof."""

from ..graph import Kind, Operator, Runtime, Tensor
from ..onnx_factors import ExactFactor, average_pool_factor, difference_note, exact_factors
from ..onnx_tables import float_table
from ..quantisation import Factor, convolution_factors, fully_connected_factors, mean_factor
from ..tflite_tables import function_table
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
    """Of MEAN; TensorFlow Lite rounds its sums twice in either arithmetic."""
    if not is_onnx(storages):
        return mean_factor(x, output, count)
    if operator.axes != (0, 1):
        raise storages.refuse(operator, f"found an average over axes {operator.axes}, allowed rows and columns")
    found = exact_factors(operator, [x], output)
    _note(storages, operator, found)
    return found[0].factor


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
    return tuple(float_table(operator, x, output).tolist())
