"""Networks without their dead channels compute the same in every channel that matters."""

import numpy as np
import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.graph import Network
from ocellus.compiler.passes.dead_channels import without_dead_channels
from ocellus.compiler.tflite_file import parse_network, read_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import Arithmetic
from ocellus_sim.golden import cnn
from tb import oracle
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.public import NETWORKS, needs_data, tflite_path


def assert_live_channels_are_equal(network: Network, x: np.ndarray, arithmetic: Arithmetic) -> Network:
    reduced = without_dead_channels(network)
    want, got = cnn.run(network, x, arithmetic), cnn.run(reduced.network, x, arithmetic)
    for name, tensor in got.items():
        full = want[name].reshape(-1, want[name].shape[-1])
        live, kept = reduced.live[name], reduced.kept[name]
        assert np.array_equal(tensor.reshape(len(full), -1)[:, live], full[:, kept[live]]), name
    assert np.array_equal(got[network.output], want[network.output])
    return reduced.network


@pytest.mark.parametrize("arithmetic", list(Arithmetic))
@pytest.mark.parametrize("kind", oracle.EVERY_KIND)
def test_random_networks_compute_the_same(kind, arithmetic):
    for seed in range(20):
        model = oracle.random_network(kind, seed)
        x = oracle.random_input(model, seed)
        x = x if x.dtype == np.int8 else (x ^ 0x80).view(np.int8)  # uint8 files are read as 128 less
        assert_live_channels_are_equal(parse_network(model), x, arithmetic)


def half_dead_network(padding: str, seed: int) -> bytes:
    """Two convolutions, a depthwise one between them; weights and biases make channels zero, saturated or unread."""
    random = np.random.default_rng(seed)
    model = ModelBuilder()
    zero_point = int(random.choice([-128, 3]))
    x = model.input((1, 7, 6, 4), Quantisation(0.05, 5))
    weights, bias = random.integers(-127, 128, (12, 1, 1, 4)), random.integers(-3000, 3000, 12)
    weights[random.random(12) < 0.4] = 0
    bias = np.where(random.random(12) < 0.4, random.choice([-(2**30), 2**30, 0], 12), bias)
    out = Quantisation(0.05, zero_point)
    y = model.convolution("CONV_2D", x, weights, bias, 0.01, out, activation=str(random.choice(["NONE", "RELU"])))
    weights = random.integers(-127, 128, (1, 3, 3, 12))
    weights[..., random.random(12) < 0.3] = 0
    y = model.convolution("DEPTHWISE_CONV_2D", y, weights, random.integers(-900, 900, 12), 0.01, out, padding=padding)
    weights = random.integers(-127, 128, (5, 3, 3, 12))
    weights[..., random.random(12) < 0.3] = 0
    return model.build(model.convolution("CONV_2D", y, weights, np.zeros(5), 0.01, out, padding=padding))


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_dead_channels_go_and_constants_move_into_biases(padding):
    removed = 0
    for seed in range(60):
        network = parse_network(half_dead_network(padding, seed))
        x = np.random.default_rng(seed).integers(-128, 128, network.input_tensor.shape, np.int8)
        reduced = assert_live_channels_are_equal(network, x, Arithmetic.DOUBLE)
        removed += 12 - reduced.tensors[network.operators[1].output].shape[3]
    assert removed > 60 * 3


@needs_data
@pytest.mark.parametrize("name", NETWORKS)
def test_public_networks_compute_the_same(name):
    network = read_network(tflite_path(name))
    for seed in range(3):
        x = np.random.default_rng(seed).integers(-128, 128, network.input_tensor.shape, np.int8)
        assert_live_channels_are_equal(network, x, Arithmetic.DOUBLE)


@needs_data
def test_half_of_the_visual_wake_words_network_is_dead():
    network = read_network(tflite_path("vww_96_int8"))
    reduced = without_dead_channels(network)
    x = np.random.default_rng(5).integers(-128, 128, network.input_tensor.shape, np.int8)
    full = compile_network(network, CONFIGURATIONS["ecp5"]).host
    program = assert_program_equals_golden(reduced.network, CONFIGURATIONS["ecp5"], x)
    share = program.host["macs"] / full["macs"]
    weights = sum(
        t.data.size for t in reduced.network.tensors.values() if t.data is not None and t.data.dtype == np.int8
    )
    print(f"VWW: {share:.3f} of the multiplies, {weights} weight bytes, {program.host['clocks']} clocks")
    assert share <= 0.508
    assert weights <= 36_900
    assert program.host["clocks"] <= 30_000
