"""The requantiser equals its definition, worked value by value."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus_hdl.cnn.requantiser import IDENTITY, Requantiser
from tb.cnn.arithmetic import ODD, requantised
from tb.cnn.bench import through

EXTREMES = (-(1 << 31), 1 - (1 << 31), -(1 << 30), -1, 0, 1, (1 << 30) - 1, 1 << 30, (1 << 31) - 1)
HALF = 1 << 30
"""The multiplier of one half."""


def check(
    values: list[tuple[int, int, int, int]],
    zero_point: int = 0,
    low: int = -128,
    high: int = 127,
    c: Configuration = CONFIGURATIONS["ecp5"],
) -> None:
    """Send (value, bias, multiplier, shift) through every lane of a requantiser and compare."""
    part = Requantiser(c)
    lanes = c.requantisers
    values = values + [(0, 0, 0, 0)] * (-len(values) % lanes)

    def beat(at: int) -> Callable[[Any], None]:
        def put(ctx: Any) -> None:
            ctx.set(part.i_zero_point, zero_point)
            ctx.set(part.i_minimum, low)
            ctx.set(part.i_maximum, high)
            ctx.set(part.i.payload.count, lanes)
            for lane, (value, bias, multiplier, shift) in enumerate(values[at : at + lanes]):
                ctx.set(part.i.payload.value[lane], value)
                ctx.set(part.i_entries[lane].bias, bias)
                ctx.set(part.i_entries[lane].multiplier, multiplier % (1 << 32))
                ctx.set(part.i_entries[lane].shift, shift)

        return put

    spaces = random.Random(len(values))
    got = through(part, map(beat, range(0, len(values), lanes)), lambda _: spaces.choice((1, 1, 1, 2, 5)))
    assert all(beat.count == lanes for beat in got)
    bytes_ = [int(beat.value[lane]) for beat in got for lane in range(lanes)]
    want = [requantised(*value, zero_point, low, high) for value in values]
    assert len(bytes_) == len(want)
    for value, a, b in zip(values, want, bytes_, strict=True):
        assert a == b, f"value, bias, multiplier, shift {value}, zero point {zero_point}: expected {a}, got {b}"


@pytest.mark.parametrize("seed", range(3))
def test_random_accumulators_equal_the_definition(seed: int):
    print(f"seed {seed}")
    rng = random.Random(seed)
    values = []
    for _ in range(1200):
        shift = rng.choice((0, *range(-31, 6)))
        multiplier = rng.randrange(HALF, 2 * HALF) if rng.random() < 0.95 else rng.choice((0, 1, 2 * HALF - 1))
        # Results within a few hundred of zero: what a clamp does not hide.
        size = min(31, max(1, 9 - shift))
        value, bias = rng.randrange(-(1 << size), 1 << size), rng.randrange(-(1 << size), 1 << size)
        values.append((value, bias, multiplier, shift))
    check(values, zero_point=rng.randrange(-128, 128))


def test_extreme_accumulators_equal_the_definition():
    values = [
        (value, bias, multiplier, shift)
        for value in EXTREMES
        for bias in (0, 1, -1, -(1 << 31))
        for multiplier in (0, 1, HALF, 2 * HALF - 1, -2 * HALF)
        for shift in (0, -1, -24, -31, 1)
    ]
    check(values, zero_point=-3)


def test_ties_go_away_from_zero_at_every_shift():
    values = []
    for n in range(1, 32):
        for odd in (1, 3, 5, -1, -3, -5):
            tie = odd << (n - 1)
            # Doubled and halved exactly, so that the second rounding sees the tie itself and its neighbours.
            values += [(tie + d, 0, HALF, 1) for d in (-1, 0, 1) if abs(tie) < HALF // 2 and n == 1]
            values += [(2 * (tie + d), 0, HALF, -n) for d in (-1, 0, 1) if abs(tie) < HALF // 2]
    assert requantised(2 * 1, 0, HALF, -1, 0, -128, 127) == 1
    assert requantised(2 * -1, 0, HALF, -1, 0, -128, 127) == -1
    check(values)


def test_the_first_rounding_sends_negative_ties_up():
    check([(x, 0, HALF, 0) for x in range(-41, 42)])


def test_the_clamp_holds_both_ends():
    check([(x, 0, HALF, 1) for x in range(-300, 300, 7)], zero_point=20, low=-17, high=33)


def test_the_identity_entry_leaves_every_byte_alone():
    entry = (int(IDENTITY.bias), int(IDENTITY.multiplier), int(IDENTITY.shift))
    values = [(x, *entry) for x in range(-128, 128)]
    assert [requantised(*v, 0, -128, 127) for v in values] == list(range(-128, 128))
    check(values)


def test_another_number_of_lanes_gives_the_same():
    check([(1000 * x, x, HALF + 12345, -4) for x in range(-5, 5)], zero_point=5, c=ODD)
