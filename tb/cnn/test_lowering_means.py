"""Means in either rounding: a program that rounds once gives what TensorFlow Lite rounds twice."""

import numpy as np
import pytest

from ocellus.compiler.engine.staircase import staircases
from ocellus.compiler.quantisation import Factor
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import Arithmetic
from ocellus_sim.golden.cnn_arithmetic import requantise, requantise_once
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import ModelBuilder, Quantisation


@pytest.mark.parametrize("arithmetic", Arithmetic)
@pytest.mark.parametrize(
    ("rows", "columns", "axes"), [(7, 7, [1, 2]), (3, 3, [1, 2]), (5, 6, [1]), (5, 6, [2]), (14, 13, [1, 2])]
)
def test_means_equal_golden_where_sums_are_close_to_halves(rows, columns, axes, arithmetic):
    """Pictures of few values, so that sums run through the whole range one by one."""
    model, channels = ModelBuilder(), 256
    x = model.input((1, rows, columns, channels), Quantisation(0.05, -4))
    network = parse_network(model.build(model.mean(x, axes, Quantisation(0.031, 5))))
    random = np.random.default_rng(rows)
    values = np.arange(-128, 128) + random.integers(0, 2, (1, rows, columns, channels))
    values = values.clip(-128, 127).astype(np.int8)
    assert_program_equals_golden(network, CONFIGURATIONS["imx500"], values, arithmetic=arithmetic)


@pytest.mark.parametrize("shift", range(-9, 1))
def test_staircases_give_what_is_rounded_twice(shift):
    random, sums = np.random.default_rng(-shift), np.arange(-128 * 60, 127 * 60)
    for _ in range(5):
        multiplier = int(random.integers(1 << 30, 1 << 31))
        wanted = np.clip(requantise(sums, [(multiplier, shift)]), -100, 155)
        total = np.zeros(len(sums), np.int64)
        steps = staircases(sums, wanted, Factor(multiplier, shift))
        assert steps is not None
        for step in steps:
            rounded = requantise_once(step.weight * sums + step.bias, [(step.factor.multiplier, step.factor.shift)])
            total += np.clip(rounded, step.low, step.high) - (0 if step is steps[0] else step.low)
        assert (total == wanted).all()
