"""Integer factors that give ONNX Runtime's ADD, SUB and MUL for all 65,536 pairs of values.

ONNX Runtime adds and multiplies in float32 (fused multiply-add for ADD, as on x86-64 with AVX2). The accelerator's
epilogue has integers: both operands 20 bits up and scaled, their sum scaled again, with double rounding. The two agree
but for pairs close to a half. Factors beside the nearest ones, and zero points that shift all results by almost a whole
number, move what is close to a half; many are tried on the pairs that are in danger, and what passes on all pairs.
Where nothing gives all results, one set of factors gives those below a level and another those above.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .graph import Kind, Operator, Tensor
from .quantisation import Factor, add_factors

_F = np.float32
_BESIDE = 2000
"""Sets of factors beside the nearest ones that are tried with the file's zero points."""
_SHIFTED = 300
"""Sets of zero points that are tried."""
_BESIDE_SHIFTED = 40
"""Sets of factors with each of them."""
_DANGER = 2e-3
"""How close to a half the results are that are tried first."""
_MOST_DANGER = 300
"""Of them, how many."""
_OFF = 1e-4
"""How far zero points may shift the results from a whole number."""


@dataclass(frozen=True)
class PairFactors:
    """Factors of both operands and of the result (MUL has only the last), and the zero points of all three.

    Results are clamped to ``low`` and ``high``.
    """

    first: Factor
    second: Factor
    output: Factor
    zero_points: tuple[int, int, int]
    low: int = -128
    high: int = 127


Found = PairFactors | tuple[int, int]
"""Or a pair of values that differs."""


def exact_pair_factors(operator: Operator, inputs: list[Tensor], output: Tensor) -> list[PairFactors] | tuple[int, int]:
    """Factors with which epilogues give ONNX Runtime's result for every pair; a pair that differs when none do.

    Of two sets the first gives the results up to its ``high``, the second what lies above, from its ``low`` on.
    """
    a, b = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    wanted = float_result(operator.kind, inputs, output, a, b)
    of = _product if operator.kind is Kind.MUL else _sum
    whole = of(operator, inputs, output, a, b, wanted, (-128, 127))
    if isinstance(whole, PairFactors):
        return [whole]
    for between in sorted(range(-120, 121, 10), key=lambda level: abs(level - output.zero_point)):
        below = of(operator, inputs, output, a, b, wanted, (-128, between))
        if isinstance(below, PairFactors):
            above = of(operator, inputs, output, a, b, wanted, (between, 127))
            if isinstance(above, PairFactors):
                return [below, above]
    return whole


def _sum(
    operator: Operator, inputs: list[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray, wanted: np.ndarray,
    ends: tuple[int, int],
) -> Found:  # fmt: skip
    """ADD and SUB, clamped to ``ends``."""
    epilogue = _Sums(operator.kind, inputs, output)
    example, clamped = (0, 0), wanted.clip(*ends)
    for zero_points, multipliers in epilogue.tries(a, b, wanted, ends):
        wrong = np.argwhere(epilogue.result(a, b, zero_points, multipliers).clip(*ends) != clamped)
        if not len(wrong):
            first, second, last = (Factor(int(m), f.shift) for m, f in zip(multipliers, epilogue.factors, strict=True))
            points = int(zero_points[0]), int(zero_points[1]), int(zero_points[2])
            return PairFactors(first, second, last, points, *ends)
        example = (int(wrong[0][0]) - 128, int(wrong[0][1]) - 128)
    return example


class _Sums:
    """ADD and SUB as the epilogue computes them."""

    def __init__(self, kind: Kind, inputs: list[Tensor], output: Tensor) -> None:
        self._sign = -1 if kind is Kind.SUB else 1
        self._inputs, self._output = inputs, output
        self.factors = add_factors(inputs[0], inputs[1], output)
        self._nearest = np.array([f.multiplier for f in self.factors])
        self._zero_points = np.array([t.zero_point for t in (*inputs, output)])

    def result(self, a: np.ndarray, b: np.ndarray, zero_points: np.ndarray, multipliers: np.ndarray) -> np.ndarray:
        """The last axes of both arguments are the three tensors; the others are those of ``a`` and ``b``, or 1."""
        first, second, last = self.factors
        x, y = (a - zero_points[..., 0]) << 20, self._sign * (b - zero_points[..., 1]) << 20
        total = _scaled(x, multipliers[..., 0], first.shift) + _scaled(y, multipliers[..., 1], second.shift)
        return np.clip(_scaled(total, multipliers[..., 2], last.shift) + zero_points[..., 2], -128, 127)

    def tries(
        self, a: np.ndarray, b: np.ndarray, wanted: np.ndarray, ends: tuple[int, int]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Zero points and multipliers: the nearest ones, then what is right for the pairs in danger."""
        yield self._zero_points, self._nearest
        real = sum(
            sign * (v - t.zero_point) * (t.scale / self._output.scale)
            for sign, v, t in zip((1, self._sign), (a, b), self._inputs, strict=True)
        )
        near = np.abs(real - np.floor(real) - 0.5) < _DANGER
        near &= (wanted >= ends[0] - 1) & (wanted <= ends[1] + 1)
        near = np.nonzero(near)
        order = np.argsort(np.abs(real - np.floor(real) - 0.5)[near], kind="stable")[:_MOST_DANGER]
        near_a, near_b, near_wanted = (values[near][order] for values in (a, b, wanted.clip(*ends)))
        for zero_points, multipliers in (self._beside(), self._shifted()):
            for n in range(0, len(zero_points), 1000):
                some = slice(n, n + 1000)
                points, factors = zero_points[some, np.newaxis], multipliers[some, np.newaxis]
                right = (self.result(near_a, near_b, points, factors).clip(*ends) == near_wanted).all(axis=1)
                yield from zip(zero_points[some][right][:8], multipliers[some][right][:8], strict=True)

    def _multipliers(self, count: int) -> np.ndarray:
        """Beside the nearest ones, by 2^-30 to 2^-17 of them; the same ones every time."""
        random = np.random.default_rng(count)
        away = random.choice([-1, 1], (count, 3)) * 2.0 ** random.uniform(-30, -17, (count, 3))
        return np.rint(self._nearest * (1 + away)).clip(1, (1 << 31) - 1).astype(np.int64)

    def _beside(self) -> tuple[np.ndarray, np.ndarray]:
        return np.broadcast_to(self._zero_points, (_BESIDE, 3)), self._multipliers(_BESIDE)

    def _shifted(self) -> tuple[np.ndarray, np.ndarray]:
        """Zero points of the operands that shift the results by nearly a whole number, which the third takes back."""
        ratios = [t.scale / self._output.scale for t in self._inputs]
        places = np.arange(-128, 128)
        by = ratios[0] * (places[:, np.newaxis] - self._zero_points[0])
        by = by + self._sign * ratios[1] * (places - self._zero_points[1])
        whole = np.rint(by)
        last = self._zero_points[2] + whole
        i, j = np.nonzero((np.abs(by - whole) < _OFF) & (np.abs(last + 0.5) < 128))
        nearest = np.argsort(np.abs(by - whole)[i, j], kind="stable")[:_SHIFTED]
        i, j = i[nearest], j[nearest]
        points = np.stack([places[i], places[j], last[i, j].astype(np.int64)], axis=1)
        points = np.repeat(points, _BESIDE_SHIFTED, axis=0)
        return points, self._multipliers(len(points))


def _product(
    operator: Operator, inputs: list[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray, wanted: np.ndarray,
    ends: tuple[int, int],
) -> Found:  # fmt: skip
    """MUL: a factor without a right shift, which leaves only the first of both roundings, halves up.

    Each product bounds the multiplier from both sides, unless its result is clamped.
    """
    wanted = wanted.clip(*ends)
    products, levels = (a - inputs[0].zero_point) * (b - inputs[1].zero_point), wanted - output.zero_point
    ratio = _F(inputs[0].scale) * _F(inputs[1].scale) / _F(output.scale)
    right = min(31 - Factor.of(float(ratio)).shift, 31)
    half = 1 << (right - 1)
    above, below = (2 * levels - 1) * half, (2 * levels + 1) * half - 1
    least, most = 1, (1 << 31) - 1
    for sign in (1, -1):
        here = products * sign > 0
        lower, upper = (above, below) if sign > 0 else (-below, -above)
        bounded = wanted > ends[0] if sign > 0 else wanted < ends[1]
        lowest = -(-lower[here & bounded] // (products * sign)[here & bounded])
        bounded = wanted < ends[1] if sign > 0 else wanted > ends[0]
        highest = upper[here & bounded] // (products * sign)[here & bounded]
        least, most = max([least, *lowest.ravel().tolist()]), min([most, *highest.ravel().tolist()])
    multiplier = min(max(round(float(ratio) * 2.0**right), least), max(least, most))
    wrong = np.zeros((0, 2), np.int64)
    for factor in (Factor(multiplier, 31 - right), Factor.of(float(ratio))):
        result = _scaled(products, np.array(factor.multiplier), factor.shift) + output.zero_point
        wrong = np.argwhere(np.clip(result, *ends) != wanted)
        if not len(wrong):
            points = (inputs[0].zero_point, inputs[1].zero_point, output.zero_point)
            return PairFactors(Factor.of(1.0), Factor.of(1.0), factor, points, *ends)
    return int(wrong[0][0]) - 128, int(wrong[0][1]) - 128


def _scaled(x: np.ndarray, multiplier: np.ndarray, shift: int) -> np.ndarray:
    """Double rounding: ``x * multiplier / 2^31`` with halves up, then the shift with halves away from zero."""
    high = ((x << max(shift, 0)) * multiplier + (1 << 30)) >> 31
    right = max(-shift, 0)
    rest, half = high & ((1 << right) - 1), (1 << right) >> 1
    return (high >> right) + ((rest > half) | ((rest == half) & (high >= 0) & (right > 0)))


def float_result(kind: Kind, inputs: list[Tensor], output: Tensor, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the kernels give; values and zero points are those of the file, 128 more for uint8."""
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
