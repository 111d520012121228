"""The requantiser's factors: by TensorFlow Lite's rules, or for networks whose measure is ONNX Runtime, by proof."""

from ..graph import Kind, Operator, Runtime, Tensor
from ..onnx_factors import pool_thresholds, sum_thresholds
from ..onnx_pairs import PairFactors, exact_pair_factors
from ..onnx_stairs import MAX_STAIRS, Stair, stairs
from ..onnx_tables import float_table
from ..onnx_thresholds import Share, Thresholds
from ..quantisation import (
    Factor,
    add_factors,
    convolution_factors,
    fully_connected_factors,
    product_factor,
)
from ..tflite_tables import function_table
from .storages import Storages


def is_onnx(storages: Storages) -> bool:
    """Whether ONNX Runtime is the measure."""
    return storages.plan.network.runtime is Runtime.ONNX


def weighted_stairs(
    storages: Storages, operator: Operator, inputs: list[Tensor], output: Tensor, channels: int
) -> list[Stair]:
    """Of a convolution or a fully connected layer, a share for each channel; one stair by TensorFlow Lite's rules."""
    if is_onnx(storages):
        return _stairs(storages, operator, inputs[0], output, sum_thresholds(operator, inputs, output))
    of = fully_connected_factors if operator.kind is Kind.FULLY_CONNECTED else convolution_factors
    return [_plain(of(inputs[0], inputs[1], output, channels))]


def mean_stairs(storages: Storages, operator: Operator, x: Tensor, output: Tensor) -> list[Stair]:
    """Of MEAN in ONNX Runtime, which averages whole pictures."""
    if operator.axes != (0, 1):
        raise storages.refuse(operator, f"found an average over axes {operator.axes}, allowed rows and columns")
    return _stairs(storages, operator, x, output, sum_thresholds(operator, [x], output))


def pool_stairs(
    storages: Storages, operator: Operator, x: Tensor, output: Tensor, taps: int, count: int
) -> list[Stair]:
    """Of AVERAGE_POOL_2D in ONNX Runtime: ``taps`` inside the picture, divided by ``count``."""
    found = pool_thresholds(x, output, taps, count)
    if isinstance(found, Thresholds):
        return _stairs(storages, operator, x, output, [found])
    if found == taps:
        raise storages.refuse(
            operator, f"found windows of {taps} pixels, allowed up to 1024, or GlobalAveragePool, which sums integers"
        )
    raise storages.refuse(
        operator,
        f"tensor {output.name!r}: found windows of {taps} pixels at scales {x.scale:g} and {output.scale:g}, whose "
        f"float32 sums ONNX Runtime rounds by the order of the pixels (those of the integer sum {found}), allowed "
        "others: another output scale, GlobalAveragePool, or a depthwise Conv",
    )


def _plain(factors: list[Factor]) -> Stair:
    return Stair(0, 0, 0, -128, 127, tuple(Share(factor) for factor in factors))


def _stairs(
    storages: Storages, operator: Operator, x: Tensor, output: Tensor, channels: list[Thresholds]
) -> list[Stair]:
    found = stairs(channels)
    if isinstance(found, int):
        real = channels[found].real
        raise storages.refuse(
            operator,
            f"tensor {output.name!r}, channel {found}: found a factor of {real:g} (input scale {x.scale:g}, output "
            f"scale {output.scale:g}) whose float32 results no {MAX_STAIRS} integer multiplications give, "
            "allowed others: another output scale, such as other samples give",
        )
    if len(found) > 1:
        storages.plan.notes.append(
            f"{operator} runs {len(found)} times: in some channels no single multiplication rounds as ONNX Runtime does"
        )
    return found


def pair_factors(storages: Storages, operator: Operator, inputs: list[Tensor], output: Tensor) -> list[PairFactors]:
    """Of ADD, SUB and MUL: both operands and the result; two sets where one gives the results up to a level."""
    if is_onnx(storages):
        found = exact_pair_factors(operator, inputs, output)
        if isinstance(found, list):
            return found
        scales = ", ".join(f"{t.scale:g}" for t in (*inputs, output))
        raise storages.refuse(
            operator,
            f"tensor {output.name!r}: found scales {scales}, at which no integer factors give ONNX Runtime's float32 "
            f"result of every pair (as of {found[0]} and {found[1]}), allowed others: another output scale, "
            "such as other samples give",
        )
    points = (inputs[0].zero_point, inputs[1].zero_point, output.zero_point)
    if operator.kind is Kind.MUL:
        return [PairFactors(Factor(0, 0), Factor(0, 0), product_factor(inputs[0], inputs[1], output), points)]
    return [PairFactors(*add_factors(inputs[0], inputs[1], output), points)]


def table_of(storages: Storages, operator: Operator, x: Tensor, output: Tensor) -> tuple[int, ...]:
    """The 256 results of a function of one value."""
    if not is_onnx(storages):
        return tuple(function_table(operator, x, output).tolist())
    return tuple(float_table(operator, x, output).tolist())
