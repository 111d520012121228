"""PRELU's layers: every value at every kind of slope, in both roundings."""

import numpy as np
import pytest

from ocellus.compiler.engine.staircase import staircase
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import Arithmetic
from ocellus_sim.golden.cnn_arithmetic import requantise, requantise_once
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import ModelBuilder, Quantisation

EVERY_BYTE = np.arange(-128, 128, dtype=np.int8)
CHANNELS = 5


def prelu(slopes: np.ndarray, x: Quantisation, alpha: Quantisation, output: Quantisation) -> bytes:
    """A network of one PRELU over every byte in every channel."""
    model = ModelBuilder()
    source = model.input((1, 16, 16, CHANNELS), x)
    return model.build(model.prelu(source, model.constant(slopes, alpha), output))


@pytest.mark.parametrize("arithmetic", Arithmetic)
@pytest.mark.parametrize(
    ("shape", "low", "layers"),
    [((), -128, {1}), ((CHANNELS,), 0, {2}), ((CHANNELS,), -128, {3}), ((16, 16, CHANNELS), -128, {4, 5})],
    ids=["one slope", "slopes that rise", "slopes of either sign", "a slope for each element"],
)
def test_prelu_equals_golden_for_every_byte(shape, low, layers, arithmetic):
    x = np.repeat(EVERY_BYTE.reshape(1, 16, 16, 1), CHANNELS, axis=3)
    for seed in range(6):
        random = np.random.default_rng(seed)
        slopes = random.integers(low, 128, (1,) * (4 - len(shape)) + shape)
        slopes.flat[0] = low
        zero_points = random.integers(-128, 128, 2)
        alpha = Quantisation(random.uniform(0.001, 0.02), 0)
        ends = [Quantisation(random.uniform(0.02, 0.06), int(z)) for z in zero_points]
        network = parse_network(prelu(slopes, ends[0], alpha, ends[1]))
        program = assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x, arithmetic=arithmetic)
        assert len(program.layers) in layers


@pytest.mark.parametrize("real", [0.0, 0.01, 0.25, 0.3, 0.5, 1.0, 1.7, 3.0, -0.2])
def test_staircases_give_the_same_with_either_rounding(real):
    n = np.arange(-255, 1)
    wanted = np.sign(n * real) * np.floor(np.abs(n * real) + 0.5).clip(max=100)
    found = staircase(n, wanted.astype(np.int64), -100, 100)
    assert found is not None
    sums, factor = found.weight * n + found.bias, (found.factor.multiplier, found.factor.shift)
    for rounding in (requantise, requantise_once):
        assert (np.clip(rounding(sums, [factor]), -100, 100) == wanted).all()


def test_halves_to_even_are_no_staircase():
    n = np.arange(-255, 1)
    assert staircase(n, np.rint(n * 0.5).astype(np.int64), -100, 100) is None
