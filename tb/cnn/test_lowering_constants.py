"""Constant operands of any shape become pictures that the array writes itself."""

import numpy as np
import pytest

from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import Arithmetic
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import ModelBuilder, Quantisation

X, CONSTANT, SUM = (Quantisation(s, z) for s, z in ((0.05, -3), (0.04, 7), (0.06, 11)))


@pytest.mark.parametrize("arithmetic", Arithmetic)
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize(
    ("shape", "layers"),
    [((), 1), ((9,), 2), ((1, 1, 1, 9), 2), ((1, 5, 7, 9), 3), ((1, 5, 1, 9), 4), ((1, 1, 7, 1), 4), ((1, 5, 7, 1), 3)],
)
def test_constants_of_any_shape(kind, shape, layers, arithmetic):
    random, model = np.random.default_rng(len(shape)), ModelBuilder()
    source = model.input((1, 5, 7, 9), X)
    held = model.constant(random.integers(-128, 128, shape), CONSTANT)
    operands = (source, held) if random.random() < 0.5 else (held, source)
    network = parse_network(model.build(model.pair(kind, *operands, SUM, "NONE")))
    x = random.integers(-128, 128, (1, 5, 7, 9), np.int8)
    for sizes in (CONFIGURATIONS["tiny"], CONFIGURATIONS["ecp5-288"]):
        program = assert_program_equals_golden(network, sizes, x, arithmetic=arithmetic)
        assert len(program.layers) == layers
