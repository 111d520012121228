"""A lane of the requantiser equals its definition in both roundings, value by value."""

import itertools
import random
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

import ocellus_hdl.cnn.multiplier
from ocellus_hdl.cnn.lane import RequantiserLane
from ocellus_sim.coverage.functional import cover
from scripts.ecp5 import Chip
from tb.cnn.arithmetic import clamped, rdbpot, srdhm, wrapped
from tb.cnn.cells import Mult18x18d

HALF = 1 << 30
"""The multiplier of one half, the smallest that ``frexp`` makes."""
LARGEST = (1 << 31) - 1
SHIFTS = range(-31, 32)
EXTREMES = (-(1 << 31), 1 - (1 << 31), -HALF - 1, -HALF, -1, 0, 1, HALF - 1, HALF, LARGEST)


FORMS = pytest.mark.parametrize("platform", [None, object()], ids=["simulation", "gates"])
"""What is elaborated for no platform, and for one without multipliers of its own."""


class Task(NamedTuple):
    """What goes into a lane at one clock."""

    value: int
    bias: int
    multiplier: int
    shift: int


def result(task: Task, single: bool) -> int:
    """``r``, without bounds."""
    value, bias, multiplier, e = task
    a = wrapped(value + bias)
    if single:
        return (a * multiplier + (1 << (30 - e) if e < 31 else 0)) >> (31 - e)
    return rdbpot(srdhm(wrapped(a << max(e, 0)), multiplier), max(-e, 0))


def check(
    tasks: Iterable[Task],
    single: bool | None,
    zero_point: int = 0,
    low: int = -128,
    high: int = 127,
    lane: RequantiserLane | None = None,
    platform: object = None,
) -> None:
    """Put one task in a clock, and compare what leaves exactly LATENCY clocks later; without ``single``, either."""
    tasks = list(tasks)
    rng = random.Random(len(tasks))
    singles = [rng.random() < 0.5 if single is None else single for _ in tasks]
    lane = lane or RequantiserLane()
    got: list[int] = []

    async def drive(ctx: Any) -> None:
        for name, setting in (("zero_point", zero_point), ("minimum", low), ("maximum", high)):
            ctx.set(getattr(lane, f"i_{name}"), setting)
        for n in range(len(tasks) + lane.LATENCY):
            at = min(n, len(tasks) - 1)
            ctx.set(lane.i_single, singles[at])
            for name, number in tasks[at]._asdict().items():
                ctx.set(getattr(lane, f"i_{name}"), number)
            if n >= lane.LATENCY:
                got.append(ctx.get(lane.o))
            await ctx.tick()

    simulator = Simulator(Fragment.get(lane, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    for task, once, byte in zip(tasks, singles, got, strict=True):
        r = result(task, once)
        where = f"{task}, single {once}, zero point {zero_point}, {low} to {high}: r is {r}"
        assert byte == clamped(zero_point + r, low, high), f"{where}, byte {byte}"


def near(rng: random.Random, shift: int, multiplier: int) -> Task:
    """A task whose r is most often within a few hundred of zero: what no clamp hides."""
    size = min(1 << 31, int(rng.choice((2, 150, 300, 3000)) * 2.0 ** (31 - shift) / max(multiplier, 1)) + 1)
    bias = rng.randrange(-(1 << 31), 1 << 31)
    return Task(wrapped(rng.randrange(-size, size) - bias), bias, multiplier, shift)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances of the chip's multiplier become its description."""
    monkeypatch.setattr(ocellus_hdl.cnn.multiplier, "Instance", Mult18x18d)


@FORMS
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_random_accumulators_at_every_shift_equal_the_definition(single: bool, seed: int, platform: object):
    print(f"seed {seed}")
    rng = random.Random(seed)
    tasks = [
        near(rng, shift, rng.choice((rng.randrange(HALF, 2 * HALF), rng.randrange(1 << 10, 2 * HALF), HALF)))
        for shift in SHIFTS
        for _ in range(25)
    ]
    rng.shuffle(tasks)
    check(tasks, single, rng.randrange(-128, 128), platform=platform)


@FORMS
@pytest.mark.parametrize("single", [False, True])
def test_extremes_at_every_shift_equal_the_definition(single: bool, platform: object):
    multipliers = (1 << 10, HALF, LARGEST)
    check(
        (
            Task(value, bias, multiplier, shift)
            for shift in SHIFTS
            for multiplier in multipliers
            for value in EXTREMES
            for bias in (0, -1, -(1 << 31))
        ),
        single,
        -3,
        platform=platform,
    )
    cover([("cnn arithmetic", "largest sums"), ("cnn arithmetic", "left shift"), ("cnn arithmetic", "right shift")])


@FORMS
@pytest.mark.parametrize("single", [False, True])
def test_any_multiplier_goes_with_a_right_shift(single: bool, platform: object):
    rng = random.Random(3)
    multipliers = (0, 1, 2, 3, 1023, 1 << 17, (1 << 18) - 1, 1 << 18, rng.randrange(1 << 20))
    check(
        (Task(v, 0, m, e) for e in range(-31, 1) for m in multipliers for v in (*EXTREMES, rng.randrange(1 << 31))),
        single,
        platform=platform,
    )


@FORMS
def test_any_multiplier_goes_with_a_left_shift_in_double_rounding(platform: object):
    check(
        (Task(v, 1, m, e) for e in range(1, 32) for m in (0, 1, 5, 1023) for v in EXTREMES),
        single=False,
        platform=platform,
    )


@FORMS
@pytest.mark.parametrize("single", [False, True])
def test_ties_and_their_neighbours_at_every_right_shift(single: bool, platform: object):
    """A multiplier of one half doubles the divisor; then p, f and all bits behind the half are what the value says."""
    tasks = []
    for n in range(32):
        for odd, beside in itertools.product((1, 3, 5, -1, -3, -5, 255, -257), (-3, -2, -1, 0, 1, 2, 3)):
            for tie in (odd << n, odd << n + 1):
                tasks.append(Task(tie + beside, 0, HALF, -n))
    check((task for task in tasks if abs(task.value) < 1 << 31), single, platform=platform)
    cover([("cnn arithmetic", f"tie, {'single' if single else 'double'} rounding")])


@FORMS
def test_the_rounding_and_the_shift_go_with_the_value(platform: object):
    rng = random.Random(7)
    tasks = [near(rng, rng.choice(SHIFTS), rng.randrange(HALF, 2 * HALF)) for _ in range(600)]
    check([*tasks, *(Task(v, 0, LARGEST, e) for e in (0, 9) for v in EXTREMES)], None, platform=platform)


def test_the_two_roundings_differ_where_they_should():
    tie = Task(-2, 0, HALF, -1)
    assert (result(tie, single=False), result(tie, single=True)) == (-1, 0)
    twice = Task(1, 0, HALF, -1)
    assert (result(twice, single=False), result(twice, single=True)) == (1, 0)


@FORMS
@pytest.mark.parametrize("single", [False, True])
def test_the_clamp_holds_both_ends_wherever_they_lie(single: bool, platform: object):
    for low, high, zero_point in ((-17, 33, 20), (-128, -128, -128), (127, 127, 5), (0, 127, -128), (-100, -90, 127)):
        tasks = [Task(x, 0, HALF, 1) for x in range(-400, 400, 3)]
        check(
            tasks + [Task(x, 0, LARGEST, 31) for x in (-2, -1, 0, 1, 2)],
            single,
            zero_point,
            low,
            high,
            platform=platform,
        )
    cover([("cnn arithmetic", "clamp at both ends")])


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.usefixtures("cells")
def test_the_chip_s_own_multipliers_give_the_same(single: bool):
    rng = random.Random(5)
    tasks = [near(rng, shift, rng.randrange(HALF, 2 * HALF)) for shift in SHIFTS for _ in range(6)]
    check([*tasks, *(Task(v, 0, LARGEST, 0) for v in EXTREMES)], single, platform=Chip())


@FORMS
@pytest.mark.parametrize("left_bits", [0, 3])
@pytest.mark.parametrize("single", [False, True])
def test_a_lane_with_a_shorter_left_shift_is_exact_below_it(single: bool, left_bits: int, platform: object):
    rng = random.Random(left_bits)
    shifts = range(-31, 1 << left_bits)
    tasks = [near(rng, shift, rng.randrange(HALF, 2 * HALF)) for shift in shifts for _ in range(20)]
    tasks += [Task(v, 0, LARGEST, shift) for v in EXTREMES for shift in (0, shifts[-1])]
    check(tasks, single, lane=RequantiserLane(left_bits), platform=platform)
