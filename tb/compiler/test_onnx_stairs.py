"""The integer forms found for .onnx networks give ONNX Runtime's result for every sum and every pair of values."""

import numpy as np
import pytest

from ocellus.compiler.graph import Kind, Operator, Tensor
from ocellus.compiler.onnx_factors import pool_thresholds, sum_thresholds, thresholds
from ocellus.compiler.onnx_file import read_onnx
from ocellus.compiler.onnx_pairs import PairFactors, exact_pair_factors
from ocellus.compiler.onnx_stairs import Stair, stairs
from ocellus.compiler.onnx_thresholds import Thresholds
from ocellus.compiler.quantisation import Factor
from ocellus_sim.golden import cnn_onnx
from tb.oracle.public import DATA, needs_data

SCALED = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED, Kind.MEAN)


def by_stairs(found: list[Stair], channel: int, sums: np.ndarray, zero_point: int) -> np.ndarray:
    """What the layers make of the sums: bytes between them, each addition clamped to bytes."""
    result = np.zeros(sums.shape, np.int64)
    for n, stair in enumerate(found):
        share = stair.shares[channel]
        value = np.full(sums.shape, stair.zero_point)
        if share is not None:
            right = 31 - share.factor.shift
            scaled = ((sums.astype(object) + share.bias) * share.factor.multiplier + (1 << right >> 1)) // (1 << right)
            value = np.clip(scaled + stair.zero_point, -(1 << 40), 1 << 40).astype(np.int64)
        value = value.clip(stair.minimum, stair.maximum)
        before = found[n - 1].total if n > 1 else found[0].base
        result = value if n == 0 else (result - before + value - stair.base + stair.total).clip(-128, 127)
    assert len(found) == 1 or found[-1].total == zero_point
    return result


def theirs(sums: np.ndarray, factor: np.float32, zero_point: int) -> np.ndarray:
    real = np.rint(np.clip(sums.astype(np.float32) * factor, np.float32(-1000), np.float32(1000)))
    return (real.astype(np.int64) + zero_point).clip(-128, 127)


@pytest.mark.parametrize("scale", ["any", "power of two"])
@pytest.mark.parametrize("seed", range(20))
def test_stairs_give_the_float_result_of_every_sum(seed, scale):
    random = np.random.default_rng(seed)
    exponents = random.uniform(-14, 1, 6)
    factors = (2.0 ** (exponents if scale == "any" else np.rint(exponents))).astype(np.float32)
    zero_point = int(random.choice(np.array([-128, 127, random.integers(-128, 128)])))
    low, high = -random.integers(0, 40000, 6), random.integers(0, 40000, 6)
    channels = thresholds(factors, low, high, -128 - zero_point, 127 - zero_point)
    found = stairs(channels)
    assert not isinstance(found, int), f"no stairs for {factors[found]}"
    for n, factor in enumerate(factors):
        sums = np.arange(low[n], high[n] + 1)
        got = by_stairs(found, n, sums, zero_point)
        wrong = np.flatnonzero(got != theirs(sums, factor, zero_point))
        assert not len(wrong), f"factor {factor}, sum {sums[wrong[0]]} of {len(wrong)}: {len(found)} stairs"


def test_ties_at_every_level_take_a_pair_of_stairs_and_most_factors_one():
    zero = np.array([0])
    assert len(_found(thresholds(np.array([0.25], np.float32), zero - 600, zero + 600, -128, 127))) == 2
    factors = (2.0 ** np.random.default_rng(1).uniform(-11, -9, 300)).astype(np.float32)
    channels = thresholds(factors, np.full(300, -(1 << 18)), np.full(300, 1 << 18), -128, 127)
    counts = [len(found) if isinstance(found := stairs([t]), list) else 0 for t in channels]
    assert counts.count(1) > 225
    assert counts.count(1) + counts.count(2) > 285
    assert counts.count(0) < 6


def _found(channels: list[Thresholds]) -> list[Stair]:
    found = stairs(channels)
    assert not isinstance(found, int)
    return found


def test_what_no_stairs_give_is_told_by_its_channel():
    jumps = np.array([3, 4, 5, 6, 100, 101, 102, 103, 104, 200, 300, 301, 303] + [400] * 242)
    odd = Thresholds(0.5, 0, 500, -128, 127, jumps)
    plain = thresholds(np.array([0.31], np.float32), np.array([0]), np.array([500]), -128, 127)[0]
    assert stairs([plain, odd]) == 1


def test_an_average_over_an_even_window_of_the_same_scale_is_decided_by_the_order_of_its_pixels():
    x, y = (Tensor(n, (1, 4, 4, 1), (0.1,), 3) for n in "xy")
    assert pool_thresholds(x, y, 4, 4) == -522
    assert isinstance(pool_thresholds(x, y, 9, 9), Thresholds)
    exact = Tensor("x", (1, 4, 4, 1), (0.125,), 3)  # whose float32 sums are exact
    assert isinstance(pool_thresholds(exact, exact, 4, 4), Thresholds)


@pytest.mark.parametrize("unsigned", [False, True])
def test_pools_are_thresholds_of_what_the_golden_network_makes(unsigned):
    random = np.random.default_rng(5)
    for _ in range(20):
        scales = [float(np.float32(2.0**e)) for e in random.uniform(-7, -2, 2)]
        rows, columns = (int(n) for n in random.integers(1, 4, 2))
        x = Tensor("x", (1, rows, columns, 4000), (scales[0],), int(random.integers(-128, 128)), unsigned=unsigned)
        y = Tensor("y", (1, 1, 1, 4000), (scales[1],), int(random.integers(-128, 128)), unsigned=unsigned)
        found = pool_thresholds(x, y, rows * columns, rows * columns)
        if not isinstance(found, Thresholds):
            continue
        operator = Operator(0, Kind.AVERAGE_POOL_2D, ("x",), "y", kernel=(rows, columns), pads=(0, 0, 0, 0))
        given = random.integers(-128, 128, x.shape).astype(np.int8)
        want = cnn_onnx._average_pool(operator, [x], y, given).ravel()
        sums = (given.astype(np.int64) - x.zero_point).sum(axis=(1, 2)).ravel()
        got = y.zero_point + found.bottom + np.searchsorted(found.at, sums, side="right")
        assert (got == want).all()


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("kind", [Kind.ADD, Kind.SUB, Kind.MUL])
def test_pairs_give_the_golden_network_s_result_of_all_of_them(kind, unsigned):
    random = np.random.default_rng(3)
    values = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    exact = 0
    for _ in range(8):
        scales = [float(np.float32(2.0**e)) for e in random.uniform(-7, -2, 3)]
        scales[2] *= 0.25 if kind is Kind.MUL else 1
        a, b, y = (
            Tensor(n, (256, 256), (s,), int(random.integers(-128, 128)), unsigned=unsigned)
            for n, s in zip("aby", scales, strict=True)
        )
        operator = Operator(0, kind, ("a", "b"), "y")
        found = exact_pair_factors(operator, [a, b], y)
        if isinstance(found, tuple):
            continue
        want = cnn_onnx._OPERATORS[kind](operator, [a, b], y, *(v.astype(np.int8) for v in values))
        parts = [by_pair(kind, part, *values) for part in found]
        assert (sum(parts[1:], parts[0]) - sum(part.low for part in found[1:]) == want).all()
        exact += 1
    assert exact >= 7


def by_pair(kind: Kind, found: PairFactors, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    x, y = a - found.zero_points[0], b - found.zero_points[1]
    if kind is Kind.MUL:
        total = _twice(x * y, found.output)
    else:
        y = -y if kind is Kind.SUB else y
        total = _twice(_twice(x << 20, found.first) + _twice(y << 20, found.second), found.output)
    return (total + found.zero_points[2]).clip(found.low, found.high)


def _twice(x: np.ndarray, factor: Factor) -> np.ndarray:
    results = {int(n): factor.times(int(n)) for n in np.unique(x)}
    return np.vectorize(results.__getitem__, otypes=[np.int64])(x)


def test_scales_at_which_half_of_all_pairs_are_ties_have_no_factors():
    a, b = (Tensor(n, (1, 4), (0.1,), 0) for n in "ab")
    y = Tensor("y", (1, 4), (float(np.float32(0.1) * np.float32(2)),), 0)
    found = exact_pair_factors(Operator(0, Kind.ADD, ("a", "b"), "y"), [a, b], y)
    assert isinstance(found, tuple)


@needs_data
@pytest.mark.parametrize(("name", "channels", "alone"), [("mobilenet_v1", 2738, 2680), ("resnet", 346, 315)])
def test_public_networks_have_stairs_in_every_channel(name, channels, alone):
    network = read_onnx(DATA / "onnx" / f"mlperf13_{name}.onnx")
    total = single = most = 0
    for o in network.operators:
        if o.kind not in SCALED:
            continue
        found = sum_thresholds(o, [network.tensors[n] for n in o.inputs], network.tensors[o.output])
        layers = stairs(found)
        assert not isinstance(layers, int)
        total += len(found)
        single += sum(t.factor(t.bottom, t.top) is not None for t in found)
        most = max(most, len(layers))
    print(f"{name}: {single} of {total} channels with one multiplication, up to {most} stairs")
    assert (total, most <= 10) == (channels, True)
    assert single >= alone
