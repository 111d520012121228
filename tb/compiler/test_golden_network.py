"""The golden network equals LiteRT's reference kernels, in every tensor."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from ocellus import networks
from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.tflite_file import parse_network, read_network
from ocellus.configurations import CONFIGURATIONS
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import cnn, cnn_arithmetic
from tb import oracle
from tb.cnn.executor import Executor
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.public import DATA, NETWORKS, needs_data, tflite_path

AXES = ("batch", "row", "column", "channel")
SEEDS_A_KIND = 80


def as_int8(x: np.ndarray) -> np.ndarray:
    """uint8 values as the graph has them: 128 less."""
    return (x ^ 0x80).view(np.int8) if x.dtype == np.uint8 else x


def assert_equals_litert(model: bytes, x: np.ndarray, what: str) -> None:
    """In every tensor but those that conversions at the ends make, which the host does."""
    network, want = parse_network(model), oracle.run(model, x)
    got = cnn.run(network, as_int8(x))
    assert list(got) == [name for name in want if name in got]
    assert len(got) == len(want) - len(network.notes)
    for name, tensor in got.items():
        assert tensor.dtype == np.int8
        difference = first_difference(f"{what}: {name}", as_int8(want[name]), tensor, AXES)
        assert difference is None, difference


@pytest.mark.parametrize("kind", oracle.EVERY_KIND)
def test_random_operators_equal_litert(kind):
    for seed in range(SEEDS_A_KIND):
        model = oracle.random_network(kind, seed)
        assert_equals_litert(model, oracle.random_input(model, seed), f"{kind} seed {seed}")


@pytest.mark.parametrize("exponent", range(-34, 20))
def test_every_shift_equals_litert(exponent):
    """Multipliers from 2^-34, which is none at all, to 2^20, where the shifted accumulator wraps."""
    random = np.random.default_rng(exponent + 100)
    model = ModelBuilder()
    x = model.input((1, 6, 6, 3), Quantisation(1.0, int(random.integers(-128, 128))))
    scales = 2.0**exponent * random.uniform(0.5, 1.0, 8).astype(np.float32)
    bias = random.integers(-(2**30), 2**30, 8) >> random.integers(0, 31, 8)
    weights = random.integers(-127, 128, (8, 2, 2, 3))
    y = model.convolution("CONV_2D", x, weights, bias, scales, Quantisation(1.0, int(random.integers(-128, 128))))
    content = model.build(y)
    assert_equals_litert(content, oracle.random_input(content, exponent + 100), f"multiplier 2^{exponent}")


@pytest.mark.parametrize("scale", [2.0**-24, 1e-4, 0.01, 1 / 16, 0.1446932, 0.5, 1.0, 8.0, 1000.0])
@pytest.mark.parametrize("beta", [0.3, 1.0, 4.0])
def test_softmax_equals_litert(scale, beta):
    random = np.random.default_rng(round(1e6 * scale * beta))
    for channels in (1, 2, 12, 256):
        model = ModelBuilder()
        y = model.softmax(model.input((5, channels), Quantisation(scale, 3)), beta)
        x = random.integers(-128, 128, (5, channels)).astype(np.int8)
        x[1] = x[0] // 8
        x[2] = 127
        assert_equals_litert(model.build(y), x, f"softmax of {channels} at scale {scale}, beta {beta}")


def test_a_fully_connected_layer_multiplies_its_scales_as_float32():
    """Biases are chosen so that every output is a tie between the multiplier from float32 and the one from double."""
    s_in, s_w, s_out = (float(np.float32(s)) for s in (0.1, 0.3, 300000.0))
    single, double = float(np.float32(s_in) * np.float32(s_w)) / s_out, s_in * s_w / s_out
    assert single != double
    bias = np.array([round((k + 0.5) / ((single + double) / 2)) for k in range(20, 100)])
    assert all(int(b * single + 0.5) != int(b * double + 0.5) for b in bias)
    model = ModelBuilder()
    x = model.input((1, 4), Quantisation(s_in, 0))
    content = model.build(model.fully_connected(x, np.zeros((80, 4)), bias, s_w, Quantisation(s_out, 0)))
    assert_equals_litert(content, np.zeros((1, 4), np.int8), "ties")
    network = parse_network(content)
    executor = Executor(compile_network(network, CONFIGURATIONS["ecp5"]).to_bytes())
    list(executor.run(np.zeros((1, 1, 4), np.int8)))
    want = cnn.run(network, np.zeros((1, 4), np.int8))[network.output]
    assert executor.output().ravel().tolist() == want.ravel().tolist()


def test_the_reciprocal_of_the_softmax_takes_three_steps():
    """Two steps would still be right in 8 bits, and wrong by far more than this in 31."""
    a = np.linspace(0, (1 << 31) - 1, 10001).astype(np.int64)
    exact = 2.0**31 / (1 + a / 2.0**31)
    assert np.abs(cnn_arithmetic.reciprocal_of_one_plus(a) - exact).max() < 32


@needs_data
@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_of_the_public_networks_is_reproduced(name):
    network = read_network(tflite_path(name))
    with np.load(DATA / "vectors" / f"{name}.layers.npz") as vectors:
        inputs = [key for key in vectors.files if key[2:].isdigit()]
        assert len(inputs) >= 3
        for key in inputs:
            got = cnn.run(network, vectors[key])
            for operator in network.operators:
                want = vectors[f"{key}_op{operator.number:03d}_{operator.kind}"]
                difference = first_difference(f"{name} {key} {operator}", want, got[operator.output], AXES)
                assert difference is None, difference


@needs_data
@pytest.mark.parametrize("name", ["coral_tf2_mobilenet_v2_1.0_224_ptq", "model_mobilenetv2_160_035"])
def test_every_tensor_of_larger_public_networks_equals_litert(name):
    model = tflite_path(name).read_bytes()
    assert_equals_litert(model, oracle.random_input(model, 1), name)


@needs_data
@pytest.mark.parametrize("suite", ["mlperf_imgc", "mlperf_kws", "mlperf_vww"])
def test_published_answers_are_reproduced(suite):
    entry = json.loads((DATA / "vectors/published_outputs.json").read_text())[suite]
    network = read_network(tflite_path(entry["model"].removesuffix(".tflite")))
    assert len(entry["cases"]) >= 3
    for case in entry["cases"]:
        x = np.fromfile(DATA / case["in"], np.int8).reshape(network.input_tensor.shape)
        answer = cnn.run(network, x)[network.output].ravel().tolist()
        if entry["kind"] == "vec":
            assert answer == case["out"], case["in"]
        else:  # one number: by how much the second class exceeds the first
            assert answer[1] - answer[0] == case["out"], case["in"]


def test_the_projects_own_network_equals_litert():
    line = Path(networks.__file__).with_name("line.tflite").read_bytes()
    for seed in range(3):
        assert_equals_litert(line, oracle.random_input(line, seed), f"line, seed {seed}")


def test_ties_go_up_in_the_first_rounding_and_away_from_zero_in_the_second():
    """Worked by hand: -3/2 becomes -1 in the high multiply and -2 in the shift."""
    one_half = cnn_arithmetic.multiplier(0.5)
    assert one_half == (1 << 30, 0)
    values = np.array([[3], [-3], [1], [-1], [5], [-5]])
    assert cnn_arithmetic.requantise(values, [one_half]).ravel().tolist() == [2, -1, 1, 0, 3, -2]
    quarter = cnn_arithmetic.multiplier(0.25)
    assert quarter == (1 << 30, -1)
    assert cnn_arithmetic.rdbpot(np.array([3, -3, 1, -1, 5, -5]), 1).tolist() == [2, -2, 1, -1, 3, -3]
    assert cnn_arithmetic.rdbpot(np.array([2, -2, 6, -6, 1, -1]), 2).tolist() == [1, -1, 2, -2, 0, 0]


def test_the_high_multiply_saturates_in_its_one_corner():
    lowest = np.array([-(1 << 31)])
    assert cnn_arithmetic.srdhm(lowest, -(1 << 31)).tolist() == [(1 << 31) - 1]
    assert cnn_arithmetic.srdhm(lowest, (1 << 31) - 1).tolist() == [-(1 << 31) + 1]


def test_multipliers_round_to_31_bits_and_vanish_when_small():
    assert cnn_arithmetic.multiplier(1.0) == (1 << 30, 1)
    assert cnn_arithmetic.multiplier(1 - 2.0**-40) == (1 << 30, 1)
    assert cnn_arithmetic.multiplier(2.0**-32) == (1 << 30, -31)
    assert cnn_arithmetic.multiplier(2.0**-33) == (0, 0)


def test_an_input_of_another_size_is_refused():
    network = parse_network(oracle.random_network("conv", 0))
    with pytest.raises(ValueError, match="found an input of int8"):
        cnn.run(network, np.zeros(network.input_tensor.size + 1, np.int8))


def test_random_networks_follow_from_their_seed():
    """The same seed has to give the same network everywhere, or a failing one cannot be repeated."""
    sums = [zlib.crc32(oracle.random_network("chain", 7)) for _ in range(2)]
    assert sums[0] == sums[1]
    assert zlib.crc32(oracle.random_network("chain", 8)) != sums[0]
