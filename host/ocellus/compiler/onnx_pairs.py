"""Integer factors for ADD, SUB and MUL of ``.onnx`` networks, tried over all 65,536 pairs of values.

ONNX Runtime adds and multiplies in float32 (fused multiply-add for ADD, as on x86-64 with AVX2). The accelerator's
epilogue has integers: both operands 20 bits up and scaled, their sum scaled again, with double rounding. The two agree
but for pairs close to a half; multipliers a few units beside the nearest ones shift which pairs these are, so a few are
tried and the best is taken.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from .graph import Kind, Operator, Tensor
from .onnx_factors import product_factor
from .quantisation import Factor, add_factors

_F = np.float32
_STEPS = (0, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8, 16, -16, 32, -32, 64, -64, 128, -128)
"""Units beside the nearest multiplier that are tried."""


@dataclass(frozen=True)
class PairFactors:
    """Factors of both operands and of their sum (MUL has only the last one that counts).

    Attributes
    ----------
    differing : int
        Of the 65,536 pairs, how many give another result than ONNX Runtime.
    example : tuple of int
        (first, second, result of ONNX Runtime, result of the integer form) of one of them; empty when there is none.
    """

    first: Factor
    second: Factor
    output: Factor
    differing: int
    example: tuple[int, ...] = ()


def exact_pair_factors(operator: Operator, inputs: list[Tensor], output: Tensor) -> PairFactors:
    """The factors with the fewest differing pairs: none, when the operator runs as ONNX Runtime does."""
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    wanted = _float_result(operator.kind, inputs, output, a, b)
    best: PairFactors | None = None
    for factors in _candidates(operator.kind, inputs, output):
        given = _integer_result(operator.kind, inputs, output, factors, a, b)
        wrong = np.argwhere(given != wanted)
        if best is None or len(wrong) < best.differing:
            i, j = wrong[0] if len(wrong) else (0, 0)
            example = (int(a[i, j]), int(b[i, j]), int(wanted[i, j]), int(given[i, j])) if len(wrong) else ()
            best = PairFactors(*factors, len(wrong), example)
        if not len(wrong):
            break
    assert best is not None
    return best


def _candidates(kind: Kind, inputs: list[Tensor], output: Tensor) -> list[tuple[Factor, Factor, Factor]]:
    if kind is Kind.MUL:
        ratio = _F(inputs[0].scale) * _F(inputs[1].scale) / _F(output.scale)
        largest = prod(max(128 + t.zero_point, 127 - t.zero_point) for t in inputs)
        zero_point = output.zero_point + (128 if output.unsigned else 0)
        limits = -128 - output.zero_point, 127 - output.zero_point
        one = Factor.of(1.0)
        return [(one, one, product_factor(ratio, largest, zero_point, *limits).factor)]
    first, second, last = add_factors(inputs[0], inputs[1], output)
    sets = [(first, second, _beside(last, step)) for step in _STEPS]
    sets += [(_beside(first, step), _beside(second, -step), last) for step in _STEPS[1:]]
    return sets + [(_beside(first, step), second, _beside(last, -step)) for step in _STEPS[1:]]


def _beside(factor: Factor, step: int) -> Factor:
    return Factor(min(max(factor.multiplier + step, 0), (1 << 31) - 1), factor.shift)


def _scaled(x: np.ndarray, factor: Factor) -> np.ndarray:
    """Double rounding: ``x * multiplier / 2^31`` with halves up, then the shift with halves away from zero."""
    product = (x << max(factor.shift, 0)) * np.int64(factor.multiplier)
    high = (product + (1 << 30)) >> 31
    right = max(-factor.shift, 0)
    rest, half = high & ((1 << right) - 1), (1 << right) >> 1
    return (high >> right) + ((rest > half) | ((rest == half) & (high >= 0) & (right > 0)))


def _integer_result(
    kind: Kind,
    inputs: list[Tensor],
    output: Tensor,
    factors: tuple[Factor, Factor, Factor],
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    x, y = a.astype(np.int64) - inputs[0].zero_point, b.astype(np.int64) - inputs[1].zero_point
    if kind is Kind.MUL:
        total = x * y
    else:
        y = -y if kind is Kind.SUB else y
        total = _scaled(x << 20, factors[0]) + _scaled(y << 20, factors[1])
    return np.clip(_scaled(total, factors[2]) + output.zero_point, -128, 127)


def _float_result(kind: Kind, inputs: list[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As the kernels have it; values and zero points are those of the file, 128 more for uint8."""
    above = [128 if t.unsigned else 0 for t in (*inputs, output)]
    zero_a, zero_b, zero_y = (t.zero_point + n for t, n in zip((*inputs, output), above, strict=True))
    scale_a, scale_b, scale_y = (_F(t.scale) for t in (*inputs, output))
    x, y = a + above[0], b + above[1]
    if kind is Kind.SUB:
        difference = (x - zero_a).astype(_F) * scale_a - (y - zero_b).astype(_F) * scale_b
        real = np.rint(difference / scale_y).clip(-1000, 1000) + zero_y
    elif kind is Kind.MUL:
        ratio = scale_a * scale_b / scale_y
        real = np.rint(((x - zero_a) * (y - zero_b)).astype(_F) * ratio + _F(zero_y))
    else:
        terms = [(scale_a / scale_y, zero_a, x), (scale_b / scale_y, zero_b, y)]
        (ratio_a, zero_a, x), (ratio_b, zero_b, y) = terms[::-1] if _first_is_repeated(inputs) else terms
        fixed = _F(zero_y) - fused_multiply_add(ratio_a, np.array(zero_a), ratio_b * _F(zero_b))
        real = np.rint(fused_multiply_add(ratio_a, x, fused_multiply_add(ratio_b, y, fixed)))
    return (real.clip(above[2] - 128, above[2] + 127) - above[2]).astype(np.int64)


def _first_is_repeated(inputs: list[Tensor]) -> bool:
    """Whether the kernel runs along an axis of the file in which the first operand has one value: it swaps them."""
    first, second = (t.shape for t in inputs)
    innermost = (2, 1, 3) if len(first) == 4 else range(len(first))[::-1]  # the file has channels first
    for axis in innermost:
        if (first[axis], second[axis]) != (1, 1):
            return first[axis] == 1
    return False


def fused_multiply_add(a: np.ndarray | np.floating, b: np.ndarray, addend: np.ndarray | np.floating) -> np.ndarray:
    """``a * b + addend`` rounded once to float32; ``a`` and ``addend`` are float32, ``b`` too or whole.

    The product has at most 48 bits and is exact in float64. Where the float64 sum is not exact, its last bit is made
    odd, so that rounding it again goes the way the whole sum would.
    """
    product = np.asarray(a, np.float64) * b.astype(np.float64)
    c = np.asarray(addend, np.float64)
    total = np.asarray(product + c)
    back = total - product
    error = (product - (total - back)) + (c - back)
    toward = np.nextafter(total, np.copysign(np.inf, error))
    return np.where((error != 0) & (total.view(np.int64) % 2 == 0), toward, total).astype(_F)
