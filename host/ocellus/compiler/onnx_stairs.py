"""Integer forms that step where ONNX Runtime's float32 scaling steps, at every one of its thresholds.

One multiplier and shift gives most of them (:mod:`.onnx_thresholds`). Where none gives all, the result is a sum of
stairs, each of them one multiplication. In a pair of stairs one steps at every second level and the other at those
between: a product hidden just beside a half counts as that half, which goes to the even neighbour, so that ties at odd
and at even levels pull a multiplier to different sides. For scales without such ties there are stairs one above the
other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .onnx_thresholds import LARGEST_RIGHT_SHIFT, Pair, Share, Thresholds
from .quantisation import Factor

MAX_STAIRS = 12
"""One above the other: each is a layer that does the operator's work again."""
_PARTS = 3
"""Of the first stair of a pair, at most: each is a layer of its own."""


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


def _firsts(channels: Sequence[Thresholds], pairs: Mapping[int, Pair], base: int) -> list[Stair]:
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
