"""A result that never falls with its integer sum, and the multiplications that step where it does.

It is told by its thresholds, the smallest sum that reaches each level; each bounds a multiplier from both sides.
"""

from dataclasses import dataclass

import numpy as np

from .quantisation import Factor

LARGEST_MULTIPLIER = (1 << 31) - 1
LARGEST_RIGHT_SHIFT = 62
_FARTHEST = 250
"""How many levels a pair's stairs may be apart."""


@dataclass(frozen=True)
class Share:
    """A channel's part in a stair: ``((sum + bias) * factor)`` rounded once, halves up."""

    factor: Factor
    bias: int = 0


Part = tuple[Share, int, int]
"""And the ends that it is clamped to."""


@dataclass(frozen=True)
class Pair:
    """Two stairs ``2 * apart + 1`` levels apart: the first steps at every second level, the other at those between."""

    apart: int
    first: tuple[Part, ...]
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

    def pair(self, parts: int = 1) -> Pair | None:
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
                return Pair(apart, first, second)
        return None

    def _in_parts(self, levels: np.ndarray, values: np.ndarray, bias: int, parts: int) -> tuple[Part, ...] | None:
        """Shares with half the factor, each for some of the values."""
        found: list[Part] = []
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
