"""Integer forms that step where ONNX Runtime's float32 scaling steps, at every one of its thresholds.

A result that never falls with its integer sum is told by its thresholds: the smallest sum that reaches each level. One
multiplier and shift gives most of them. Where none gives all, the result is a sum of stairs, each of them one
multiplication. In a pair of stairs one steps at every second level and the other at those between: a product hidden
just beside a half counts as that half, which goes to the even neighbour, so that ties at odd and at even levels pull a
multiplier to different sides. For scales without such ties there are stairs one above the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .quantisation import Factor

LARGEST_MULTIPLIER = (1 << 31) - 1
LARGEST_RIGHT_SHIFT = 62
MAX_STAIRS = 12
"""One above the other: each is a layer that does the operator's work again."""
_PARTS = 3
"""Of the first stair of a pair, at most: each is a layer of its own."""
_FARTHEST = 250
"""How many levels a pair's stairs may be apart."""


@dataclass(frozen=True)
class Share:
    """A channel's part in a stair: ``((sum + bias) * factor)`` rounded once, halves up."""

    factor: Factor
    bias: int = 0


@dataclass(frozen=True)
class Stair:
    """``clamp(zero_point + share, minimum, maximum) - base`` is what a stair adds to those before it.

    With it the sum is at the zero point ``total``; with the last stair that is the output's. A channel whose share is
    None counts as a sum of zero, and so adds nothing.
    """

    zero_point: int
    base: int
    total: int
    minimum: int
    maximum: int
    shares: tuple[Share | None, ...]


_Part = tuple[Share, int, int]
"""And the ends that it is clamped to."""


@dataclass(frozen=True)
class _Pair:
    """Two stairs ``2 * apart + 1`` levels apart: the first steps at every second level, the other at those between."""

    apart: int
    first: tuple[_Part, ...]
    second: Share


@dataclass(frozen=True, eq=False)
class Thresholds:
    """A channel's result as a function of its sum.

    Attributes
    ----------
    real : float
        About what a sum is multiplied by.
    low, high : int
        The sums that can occur.
    bottom, top : int
        The results that can occur, without zero point.
    at : ndarray
        For each level from ``bottom + 1`` to ``top`` the smallest sum from ``low`` on whose result reaches it;
        ``high + 1`` where none does.
    """

    real: float
    low: int
    high: int
    bottom: int
    top: int
    at: np.ndarray

    def factor(self, low: int, high: int) -> Factor | None:
        """What gives every result, clamped to ``low`` and ``high``."""
        levels = np.arange(low + 1, high + 1)
        share = self._fitted(levels, levels, self.real, 0)
        return None if share is None else share.factor

    def pair(self, parts: int = 1) -> _Pair | None:
        """Two stairs that together give every result; the first may be in so many parts.

        With ``s0 * real`` close to ``apart + 1/2``, sums less ``s0`` step with half the factor at whole levels of one
        parity, sums more by ``s0`` at those of the other. Where ties pull, ``s0`` is one of them.
        """
        if not 0 < self.real < 1 << 20:
            return None
        zero_point, levels = -128 - self.bottom, np.arange(self.bottom + 1, self.top + 1)
        aparts = np.arange(-_FARTHEST, _FARTHEST)
        lowest, highest = (zero_point + (end + aparts + 1) // 2 for end in (self.bottom, self.top))
        aparts = aparts[(lowest >= -128) & (highest <= 127)]  # the second stair is at the output's zero point
        if parts > 1:  # where others add nothing, at zero, must be among the first stair's values
            aparts = aparts[(aparts >= self.bottom) & (aparts <= self.top)]
        sums = np.rint((aparts + 0.5) / self.real)
        off = np.abs(sums * self.real - aparts - 0.5)
        for n in np.lexsort((np.abs(aparts), np.round(off, 7))):
            apart, between = int(aparts[n]), int(sums[n])
            if abs(between) + max(abs(self.low), abs(self.high)) >= 1 << 31:
                continue
            odd = levels[(levels - apart) % 2 == 1]
            second = self._fitted(odd, (odd + apart + 1) // 2, self.real / 2, between)
            even = levels[(levels - apart) % 2 == 0]
            first = self._in_parts(even, (even - apart) // 2, -between, parts) if second else None
            if first and second:
                return _Pair(apart, first, second)
        return None

    def _in_parts(self, levels: np.ndarray, values: np.ndarray, bias: int, parts: int) -> tuple[_Part, ...] | None:
        """Shares with half the factor, each for some of the values."""
        found: list[_Part] = []
        begin, end = 0, len(levels)
        while begin < end:
            good, bad = begin, end + 1
            while bad - good > 1:
                middle = end if bad > end else (good + bad) // 2
                if self._fitted(levels[begin:middle], values[begin:middle], self.real / 2, bias):
                    good = middle
                else:
                    bad = middle
            share = self._fitted(levels[begin:good], values[begin:good], self.real / 2, bias)
            if good == begin or share is None or len(found) == parts:
                return None
            found.append((share, int(values[begin]) - 1, int(values[good - 1])))
            begin = good
        return tuple(found)

    def _fitted(self, levels: np.ndarray, values: np.ndarray, real: float, bias: int) -> Share | None:
        """The factor whose result, of sums with the bias, reaches ``values`` where the result reaches ``levels``."""
        near = Factor.of(real)
        right = 31 - near.shift
        if near.multiplier == 0 or not 1 <= right <= LARGEST_RIGHT_SHIFT:
            return None
        first = self.bottom + int(np.count_nonzero(self.at <= self.low))
        last = self.bottom + int(np.count_nonzero(self.at <= self.high))
        # Levels beyond the next ones to those that occur bind nothing more, and their bounds overflow.
        chosen = (levels >= first - 1) & (levels <= last + 2)
        if not chosen.any():
            return Share(near, bias)
        at = self.at[levels[chosen] - self.bottom - 1]
        bound = (2 * values[chosen].astype(np.int64) - 1) << (right - 1)
        reached, missed = at <= self.high, at > self.low
        least, most = _interval(at[reached] + bias, bound[reached], True)
        lowest, highest = _interval(at[missed] - 1 + bias, bound[missed], False)
        least, most = max(least, lowest), min(most, highest)
        if least > most:
            return None
        return Share(Factor(min(max(near.multiplier, least), most), near.shift), bias)


def _interval(sums: np.ndarray, bound: np.ndarray, reached: bool) -> tuple[int, int]:
    """Least and largest multiplier M with ``sums * M >= bound`` everywhere, or with ``sums * M < bound``."""
    least, most = 1, LARGEST_MULTIPLIER
    above, below, zero = sums > 0, sums < 0, bound[sums == 0]
    if reached:
        least = max([least, *(-(-bound[above] // sums[above])).tolist()])
        most = min([most, *(bound[below] // sums[below]).tolist()])
        possible = bool((zero <= 0).all())
    else:
        most = min([most, *(-(-bound[above] // sums[above]) - 1).tolist()])
        least = max([least, *(bound[below] // sums[below] + 1).tolist()])
        possible = bool((zero > 0).all())
    return (least, most) if possible else (1, 0)


def stairs(channels: Sequence[Thresholds]) -> list[Stair] | int:
    """The fewest stairs that were found for all channels together, or the number of a channel that has none.

    All channels have the same ``bottom`` and ``top``. One stair is a plain factor a channel.
    """
    zero_point = -128 - channels[0].bottom
    whole = [c.factor(c.bottom, c.top) or _constant(c) for c in channels]
    shares = {n: Share(factor) for n, factor in enumerate(whole) if factor is not None}
    missing = [n for n in range(len(channels)) if n not in shares]
    tried = ((n, channels[n].pair(parts)) for n in missing for parts in range(_PARTS, 0, -1))
    pairs = {n: pair for n, pair in tried if pair is not None}  # the one with the fewest parts is the last
    base = _base(channels[0], [pair.apart for pair in pairs.values()])
    if base is None:
        pairs = {}
    found = _firsts(channels, pairs, base or 0)
    if pairs or not missing:
        shares |= {n: pair.second for n, pair in pairs.items()}
        found.append(Stair(zero_point, zero_point, zero_point, -128, 127, _placed(channels, shares)))
    left = [n for n in missing if n not in pairs]
    if not left:
        return found
    ends = _ranges([channels[n] for n in left])
    if ends is None:
        return left[0]
    ranges = list(zip([channels[0].bottom, *ends], ends, strict=False))
    for low, high in sorted(ranges, key=_from_zero):
        members = left if pairs else range(len(channels))
        factors = {n: whole[n] or channels[n].factor(low, high) for n in members}
        parts = {n: Share(factor) for n, factor in factors.items() if factor is not None}
        found.append(_clamped(channels, parts, zero_point, low, high))
    return found


def _firsts(channels: Sequence[Thresholds], pairs: Mapping[int, _Pair], base: int) -> list[Stair]:
    """The first stairs of all pairs: those in one part together."""
    plain = {n: pair.first[0][0] for n, pair in pairs.items() if len(pair.first) == 1}
    found = [Stair(base, base, base, -128, 127, _placed(channels, plain))] if plain else []
    for n, pair in pairs.items():
        parts = pair.first if len(pair.first) > 1 else ()
        for share, low, high in sorted(parts, key=lambda part: _from_zero(part[1:])):
            found.append(_clamped(channels, {n: share}, base, low, high))
    return found


def _clamped(
    channels: Sequence[Thresholds], shares: dict[int, Share], zero_point: int, low: int, high: int
) -> Stair:  # fmt: skip
    """One of several stairs one above the other: what it adds to others begins at its end that is nearest to zero."""
    base = zero_point + min(max(0, low), high)
    return Stair(zero_point, base, zero_point, zero_point + low, zero_point + high, _placed(channels, shares))


def _from_zero(ends: tuple[int, int]) -> int:
    """How far: what has zero in it comes first."""
    return max(ends[0], -ends[1], 0)


def _placed(channels: Sequence[Thresholds], shares: dict[int, Share]) -> tuple[Share | None, ...]:
    return tuple(shares.get(n) for n in range(len(channels)))


def _base(channel: Thresholds, aparts: Sequence[int]) -> int | None:
    """A zero point at which the first stairs of all pairs are bytes."""
    lowest = max([-128, *(-128 - (channel.bottom - apart) // 2 for apart in aparts)])
    highest = min([127, *(127 - (channel.top - apart) // 2 for apart in aparts)])
    return min(max(0, lowest), highest) if lowest <= highest else None


def _constant(channel: Thresholds) -> Factor | None:
    """What scales nothing to anything else than zero, or everything but zero beyond the ends."""
    near = Factor.of(channel.real)
    right = 31 - near.shift
    if near.multiplier and 1 <= right <= LARGEST_RIGHT_SHIFT:
        return None
    results = {n: channel.bottom + int(np.count_nonzero(channel.at <= n)) for n in (channel.low, channel.high)}
    if near.multiplier == 0 and set(results.values()) == {0}:
        return near
    return None


def _ranges(channels: Sequence[Thresholds]) -> list[int] | None:
    """Where each of the stairs one above the other ends; None where they would be too many."""
    bottom, top = channels[0].bottom, channels[0].top
    ends: list[int] = []
    while bottom < top:
        if len(ends) == MAX_STAIRS:
            return None
        low, high = bottom, top + 1  # up to low it goes, up to high it does not
        while high - low > 1:
            middle = (low + high) // 2 if high <= top else top
            if all(c.factor(bottom, middle) is not None for c in channels):
                low = middle
            else:
                high = middle
        if low == bottom:
            return None
        ends.append(low)
        bottom = low
    return ends
