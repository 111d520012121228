"""What is left to the host: a softmax at the end, and what follows it; all else is refused or runs."""

import numpy as np
import pytest

from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import Handle, ModelBuilder, Quantisation

SHAPE = (1, 4, 3, 5)
Q = Quantisation(0.05, 3)


def x() -> np.ndarray:
    """Random values of the input."""
    return np.random.default_rng(2).integers(-128, 128, SHAPE, np.int8)


def program_of(model: ModelBuilder, output: Handle):
    """The program, which equals golden as far as the accelerator goes."""
    return assert_program_equals_golden(parse_network(model.build(output)), CONFIGURATIONS["ecp5"], x())


def test_what_follows_a_softmax_is_left_to_the_host():
    model = ModelBuilder()
    y = model.function("RELU", model.input(SHAPE, Q), Quantisation(0.02, -9))
    y = model.function("QUANTIZE", model.softmax(y), Quantisation(1 / 200, 0))
    host = program_of(model, model.reshape(y, (1, 60))).host
    assert [left["kind"] for left in host["left_to_host"]] == ["SOFTMAX", "QUANTIZE", "RESHAPE"]
    assert host["output"]["scale"] == pytest.approx(0.02)
    assert {note for note in host["notes"] if "host" in note} == {
        "operator 1 (SOFTMAX) is left to the host",
        "operator 2 (QUANTIZE) is left to the host",
        "operator 3 (RESHAPE) is left to the host",
    }


def test_a_softmax_in_front_of_a_layer_is_refused():
    model = ModelBuilder()
    y = model.function("RELU", model.softmax(model.input(SHAPE, Q)), Q)
    with pytest.raises(BadInput, match=r"operator 0 \(SOFTMAX\): found operator 1 \(RELU\) behind it, allowed RESHAPE"):
        program_of(model, y)


@pytest.mark.parametrize("kind", ["SOFTMAX", "QUANTIZE"])
def test_networks_that_change_nothing_on_the_array_are_copied(kind):
    model = ModelBuilder()
    source = model.input(SHAPE, Q)
    output = model.softmax(source) if kind == "SOFTMAX" else model.function("QUANTIZE", source, Q)
    assert len(program_of(model, output).layers) == 1
