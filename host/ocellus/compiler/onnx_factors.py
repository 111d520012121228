"""Integer multipliers and shifts that give what ONNX Runtime's float32 scaling gives, proven for every sum.

Its kernels compute ``zero_point + rint(float32(sum) * float32 factor)``: the product is rounded to 24 bits before
halves go to the even neighbour. The accelerator computes ``zero_point + ((sum * multiplier + half) >> right)``. Both
rise with the sum, so they are equal when they step at the same sums. Each step bounds the multiplier from both sides;
where the bounds of all steps meet, any multiplier between them is exact. Where they do not, the best one differs at a
few sums, and these are named.
"""

from dataclasses import dataclass

import numpy as np

from .graph import Kind, Operator, Tensor
from .quantisation import Factor

LARGEST_MULTIPLIER = (1 << 31) - 1
LARGEST_RIGHT_SHIFT = 62


@dataclass(frozen=True)
class ExactFactor:
    """A channel's factor.

    Attributes
    ----------
    factor : Factor
        For single rounding.
    differing : tuple
        (sum, result of ONNX Runtime, result of the integer form) where the two differ, results without zero point and
        clamp; empty when the factor is exact.
    """

    factor: Factor
    differing: tuple[tuple[int, int, int], ...] = ()


def difference_note(operator: Operator, factors: list[ExactFactor]) -> str | None:
    """A sentence that says how far the operator is from ONNX Runtime, None when it computes the same for every sum."""
    wrong = [(channel, f.differing) for channel, f in enumerate(factors) if f.differing]
    if not wrong:
        return None
    channel, ((total, theirs, ours), *_) = wrong[0]
    return (
        f"{operator} gives another result than ONNX Runtime for {sum(len(d) for _, d in wrong)} sums in {len(wrong)} "
        f"of {len(factors)} channels; the first, sum {total} in channel {channel}, gives {ours} and not {theirs}"
    )


def float_factors(operator: Operator, inputs: list[Tensor], output: Tensor) -> np.ndarray:
    """The float32 factor of each channel's sum, in ONNX Runtime's order of operations.

    For CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, and for MEAN over a whole picture, whose sum has one factor.
    """
    x_scale, y_scale = np.float32(inputs[0].scale), np.float32(output.scale)
    if operator.kind is Kind.MEAN:
        rows, columns, _ = inputs[0].picture
        return np.array([x_scale / (y_scale * np.float32(rows * columns))])
    factors = x_scale * np.array(inputs[1].scales, np.float32) / y_scale
    return np.broadcast_to(factors, (output.picture[2],)).copy()


def reachable_sums(operator: Operator, inputs: list[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest sum of each channel, bias included, over all inputs; padding counts as zero."""
    x = inputs[0]
    low, high = -128 - x.zero_point, 127 - x.zero_point
    if operator.kind is Kind.MEAN:
        rows, columns, _ = x.picture
        return np.array([rows * columns * low]), np.array([rows * columns * high])
    weights = np.asarray(inputs[1].data).astype(np.int64)
    channels = weights.shape[-1] if operator.kind is Kind.DEPTHWISE_CONV_2D else weights.shape[0]
    taps = weights.reshape(-1, channels).T if operator.kind is Kind.DEPTHWISE_CONV_2D else weights.reshape(channels, -1)
    bias = np.asarray(inputs[2].data).astype(np.int64) if len(inputs) == 3 else np.zeros(channels, np.int64)
    smallest = np.minimum(np.minimum(taps * low, taps * high), 0).sum(axis=1)
    largest = np.maximum(np.maximum(taps * low, taps * high), 0).sum(axis=1)
    return bias + smallest, bias + largest


def exact_factors(operator: Operator, inputs: list[Tensor], output: Tensor) -> list[ExactFactor]:
    """One for each channel of an operator that scales integer sums (see :func:`float_factors`)."""
    factors = float_factors(operator, inputs, output)
    low, high = reachable_sums(operator, inputs)
    if (low < -(1 << 31)).any() or (high >= 1 << 31).any():  # both sides wrap: then any sum may occur
        low, high = np.full_like(low, -(1 << 31)), np.full_like(high, (1 << 31) - 1)
    return search(factors, low, high, -128 - output.zero_point, 127 - output.zero_point)


def average_pool_factor(x: Tensor, output: Tensor, taps: int, count: int) -> ExactFactor:
    """The factor of a window's integer sum: ``taps`` inside the picture, divided by ``count``.

    The kernel adds float32 numbers, so close to a half its result depends on the order of the taps and no function of
    the sum gives it; such sums are named as differing, with the results of both neighbours.
    """
    real = float(np.float32(x.scale)) / (count * float(np.float32(output.scale)))
    factor = Factor.of(real)
    bottom, top = -128 - output.zero_point, 127 - output.zero_point
    low, high = -128 - x.zero_point, 127 - x.zero_point
    sums = np.arange(taps * low, taps * high + 1)
    values = sums * real
    # every tap, addition and division errs by 2^-24 of what it handles, the last addition of the zero point too
    error = ((taps + 4) * taps * max(-low, high, 1) * real + 512) * 2.0**-24
    halves = np.abs(values - np.floor(values) - 0.5) <= error
    halves &= (values > bottom - 0.6) & (values < top + 0.6)
    unsure = tuple(
        (int(n), int(np.floor(v)), int(np.ceil(v))) for n, v in zip(sums[halves], values[halves], strict=True)
    )
    return ExactFactor(factor, unsure)


def search(factors: np.ndarray, low: np.ndarray, high: np.ndarray, bottom: int, top: int) -> list[ExactFactor]:
    """For each float32 factor and its range of sums; results are clamped to ``bottom`` and ``top``."""
    levels = np.arange(bottom + 1, top + 1)
    rule = _Rule(factors.astype(np.float32), bottom, top)
    steps = _steps(rule, low, high, levels)
    return [
        _one(rule.of(i), Factor.of(factor), (int(low[i]), int(high[i])), steps[i], levels)
        for i, factor in enumerate(factors.tolist())
    ]


def product_factor(ratio: np.float32, largest: int, zero_point: int, bottom: int, top: int) -> ExactFactor:
    """MUL's factor for products of -``largest`` to ``largest``; its kernel adds the file's zero point in float32.

    The epilogue rounds twice. A factor without a right shift leaves only its first rounding, halves up.
    """
    right = min(31 - Factor.of(float(ratio)).shift, 31)
    rule = _Rule(np.array([ratio], np.float32), bottom, top, float(zero_point))
    ends = np.array([-largest]), np.array([largest])
    levels = np.arange(bottom + 1, top + 1)
    nearest = Factor(min(round(float(ratio) * 2.0**right), LARGEST_MULTIPLIER), 31 - right)
    return _one(rule, nearest, (-largest, largest), _steps(rule, *ends, levels)[0], levels)


@dataclass(frozen=True, eq=False)
class _Rule:
    """What the kernels compute of a sum, without zero point: float32 factors, clamp, what is added before rounding."""

    factors: np.ndarray
    bottom: int
    top: int
    added: float = 0.0

    def __call__(self, sums: np.ndarray) -> np.ndarray:
        """``sums`` has the factors' axis first."""
        factors = self.factors.reshape(-1, *(1,) * (sums.ndim - 1))
        added = np.float32(self.added)
        real = np.rint(sums.astype(np.float32) * factors + added) - added
        return np.clip(real, self.bottom, self.top).astype(np.int64)

    def of(self, channel: int) -> "_Rule":
        """The rule of one channel."""
        return _Rule(self.factors[channel : channel + 1], self.bottom, self.top, self.added)


def _steps(rule: _Rule, low: np.ndarray, high: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(channel, level): the smallest sum in range whose result is at least the level; ``high + 1`` where none is."""
    below = np.broadcast_to(low[:, np.newaxis] - 1, (len(low), len(levels))).copy()
    reached = np.broadcast_to(high[:, np.newaxis] + 1, below.shape).copy()
    while (reached - below > 1).any():
        middle = (below + reached) >> 1
        enough = (rule(middle) >= levels) & (reached - below > 1)
        reached = np.where(enough, middle, reached)
        below = np.where(enough, below, np.where(reached - below > 1, middle, below))
    return reached


def _one(rule: _Rule, nearest: Factor, ends: tuple[int, int], steps: np.ndarray, levels: np.ndarray) -> ExactFactor:
    right = 31 - nearest.shift
    if nearest.multiplier == 0 or not 1 <= right <= LARGEST_RIGHT_SHIFT:
        return ExactFactor(nearest, _differing(rule, nearest, np.array([*ends, 0]), ends))
    first, last = (int(n) for n in rule(np.array(ends)[np.newaxis])[0])
    near = (levels >= first) & (levels <= last + 1)  # further levels bind nothing more, and their bounds overflow
    bound = (2 * levels - 1)[near] << (right - 1)
    at, before = steps[near], steps[near] - 1
    lows, highs = _bounds(bound, at, before, ends)
    least, most = lows.max(initial=1), highs.min(initial=LARGEST_MULTIPLIER)
    if least <= most:
        return ExactFactor(Factor(int(np.clip(nearest.multiplier, least, most)), nearest.shift))
    candidates = np.unique(np.concatenate([lows, highs]).clip(1, LARGEST_MULTIPLIER))
    stepped = (-(-bound // candidates[:, np.newaxis])).clip(ends[0], ends[1] + 1)  # where each candidate steps
    wanted = at.clip(ends[0], ends[1] + 1)
    chosen = int(np.argmin(np.abs(stepped - wanted).sum(axis=1)))
    pairs = zip(stepped[chosen].tolist(), wanted.tolist(), strict=True)
    between = [n for a, b in pairs for n in range(min(a, b), max(a, b))]
    best = Factor(int(candidates[chosen]), nearest.shift)
    return ExactFactor(best, _differing(rule, best, np.array(between, np.int64), ends))


def _bounds(
    bound: np.ndarray, at: np.ndarray, before: np.ndarray, ends: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest multipliers M with ``at * M >= bound`` and ``before * M < bound``, as far as sums reach."""
    low, high = ends
    one = np.int64(1)
    lows, highs = [np.array([1])], [np.array([LARGEST_MULTIPLIER])]
    inside = at <= high
    point, wanted = at[inside], bound[inside]
    lows.append(-(-wanted[point > 0] // point[point > 0]))
    highs.append(wanted[point < 0] // point[point < 0])
    lows.append(np.where(wanted[point == 0] > 0, LARGEST_MULTIPLIER + 1, one))
    inside = before >= low
    point, wanted = before[inside], bound[inside]
    highs.append(-(-wanted[point > 0] // point[point > 0]) - 1)
    lows.append(wanted[point < 0] // point[point < 0] + 1)
    highs.append(np.where(wanted[point == 0] <= 0, 0, LARGEST_MULTIPLIER))
    return np.concatenate(lows), np.concatenate(highs)


def _differing(
    rule: _Rule, chosen: Factor, sums: np.ndarray, ends: tuple[int, int]
) -> tuple[tuple[int, int, int], ...]:
    sums = np.unique(sums[(sums >= ends[0]) & (sums <= ends[1])])
    wanted = rule(sums[np.newaxis])[0]
    right = 31 - chosen.shift
    given = [(n * chosen.multiplier + (1 << right >> 1)) >> right for n in sums.tolist()]
    given = np.array([min(max(n, rule.bottom), rule.top) for n in given], np.int64)
    return tuple((int(s), int(w), int(g)) for s, w, g in zip(sums, wanted, given, strict=True) if w != g)
