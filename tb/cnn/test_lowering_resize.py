"""Resizing: every rounding of bilinear weights, and what has no exact form is refused."""

import numpy as np
import pytest

from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from ocellus.formats import Arithmetic
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.builder import ModelBuilder, Quantisation

ROWS, COLUMNS, CHANNELS = 5, 4, 9


def resize(kind: str, size: tuple[int, int], align_corners: bool = False, half_pixel: bool = False) -> bytes:
    """A network of one resize of a picture of 5x4 pixels."""
    model = ModelBuilder()
    x = model.input((1, ROWS, COLUMNS, CHANNELS), Quantisation(0.05, 3))
    return model.build(model.resize(kind, x, size, align_corners, half_pixel))


def pictures() -> list[np.ndarray]:
    """Random values, and few that differ by little: sums on both sides of every half."""
    random, shape = np.random.default_rng(3), (1, ROWS, COLUMNS, CHANNELS)
    return [random.integers(-128, 128, shape, np.int8), random.integers(-3, 2, shape, np.int8)]


@pytest.mark.parametrize("arithmetic", Arithmetic)
@pytest.mark.parametrize(
    ("size", "corners", "half"),
    [
        ((10, 8), False, False),
        ((10, 8), False, True),
        ((20, 16), False, False),
        ((20, 16), False, True),
        ((9, 7), True, False),
        ((17, 13), True, False),
        ((5, 30), False, True),
        ((13, 4), False, False),
    ],
)
def test_bilinear_resizes_that_the_array_can_do(size, corners, half, arithmetic):
    network = parse_network(resize("RESIZE_BILINEAR", size, corners, half))
    for sizes, x in zip((CONFIGURATIONS["tiny"], CONFIGURATIONS["ecp5-288"]), pictures(), strict=True):
        assert_program_equals_golden(network, sizes, x, arithmetic=arithmetic)


@pytest.mark.parametrize("half", [False, True])
def test_weights_beyond_int8_are_shared_out_among_passes(half):
    """Eighths and sixteenths of both directions: products up to 225."""
    network = parse_network(resize("RESIZE_BILINEAR", (8 * ROWS, 8 * COLUMNS), half_pixel=half))
    for x in pictures():
        program = assert_program_equals_golden(network, CONFIGURATIONS["imx500"], x)
        assert any(layer["kernel_columns"] > 1 and layer["tap_columns"] == 0 for layer in program.layers) == half


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ((15, 12), "found places in 1024ths of rows and 1024ths of columns, allowed a product of 2048"),
        ((40, 32), "found 10x10 patterns of places, a layer each, allowed 64 altogether"),
    ],
)
def test_bilinear_resizes_without_an_exact_form_are_refused(size, found):
    network = parse_network(resize("RESIZE_BILINEAR", size, half_pixel=True))
    with pytest.raises(BadInput, match=rf"operator 0 \(RESIZE_BILINEAR\): {found}"):
        assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], pictures()[0])


@pytest.mark.parametrize(("corners", "half"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("size", [(10, 8), (13, 11), (3, 2), (30, 1), (29, 23)])
def test_nearest_resizes_to_any_size(size, corners, half):
    network = parse_network(resize("RESIZE_NEAREST_NEIGHBOR", size, corners, half))
    assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], pictures()[0])


def test_a_resize_of_many_patterns_takes_rows_first_and_then_columns():
    model = ModelBuilder()
    x = model.input((1, 17, 13, 3), Quantisation(0.05, 3))
    network = parse_network(model.build(model.resize("RESIZE_NEAREST_NEIGHBOR", x, (61, 59))))
    values = np.random.default_rng(1).integers(-128, 128, (1, 17, 13, 3), np.int8)
    program = assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], values)
    assert {layer["tensor"] is None for layer in program.host["layers"]} == {True, False}
