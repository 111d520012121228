"""Operators' options and constants become fields of the graph, or are refused by name; functions become tables."""

from typing import Any

import numpy as np
import pytest

from ocellus.compiler.graph import Kind, Operator, Tensor
from ocellus.compiler.quantisation import Factor, fully_connected_factors, mean_factor, product_factor
from ocellus.compiler.tflite_file import parse_network
from ocellus.compiler.tflite_tables import TABLE_KINDS, function_table
from ocellus.errors import BadInput
from ocellus_sim.golden import cnn, cnn_arithmetic
from tb import oracle
from tb.oracle.builder import Handle, ModelBuilder, Quantisation, schema

Q = Quantisation(0.1, 3)


def started(shape: tuple[int, ...] = (1, 6, 8, 4), kind: str = "INT8") -> tuple[ModelBuilder, Handle]:
    model = ModelBuilder()
    return model, model.input(shape, Q, kind=kind)


def read(model: ModelBuilder, y: Handle) -> Operator:
    """The only operator."""
    (operator,) = parse_network(model.build(y)).operators
    return operator


def refusal(model: ModelBuilder, y: Handle) -> str:
    with pytest.raises(BadInput, match=r"^network\.tflite: .*(allowed|corrupt)") as refused:
        parse_network(model.build(y))
    assert "\n" not in str(refused.value)
    return str(refused.value)


def one(kind: str, extra: list[np.ndarray], output: tuple[int, ...], out: Quantisation = Q, options: Any = None) -> str:
    """The refusal of an operator over a 6x8 picture of 4 channels with integer constants behind it."""
    model, x = started()
    return refusal(
        model, model.operator(kind, [x, *map(model.integers, extra)], model.tensor("y", output, out), options)
    )


def test_dilation_and_depth_multiplier():
    model, x = started()
    weights = np.ones((1, 3, 2, 12))
    o = read(model, model.convolution("DEPTHWISE_CONV_2D", x, weights, np.zeros(12), 0.1, Q, dilation=(2, 3)))
    assert (o.dilation, o.depth_multiplier, o.kernel) == ((2, 3), 3, (3, 2))


def test_a_transposed_convolution_begins_with_its_activation():
    model, x = started()
    y = model.transpose_convolution(x, np.ones((5, 3, 3, 4)), np.zeros(5), 0.1, Q, (12, 15), (2, 2))
    o = read(model, y)
    assert o.inputs == ("input", "op000_weights", "op000_bias")
    assert (o.kernel, o.stride, o.padding) == ((3, 3), (2, 2), "SAME")


@pytest.mark.parametrize(
    ("axes", "keep", "want"), [([1, 2], True, (0, 1)), ([-2], False, (1,)), ([2, 1], False, (0, 1))]
)
def test_a_mean_names_rows_and_columns(axes, keep, want):
    model, x = started()
    assert read(model, model.mean(x, axes, Q, keep)).axes == want


def test_a_concatenation_names_an_axis_of_the_picture():
    for shape, axis, want in (((1, 6, 8, 4), -1, 2), ((1, 6, 8, 4), 1, 0), ((1, 7, 4), 1, 0), ((7, 4), 1, 2)):
        model, x = started(shape)
        assert read(model, model.concatenation([x, x], axis)).axes == (want,)


def test_a_slice_is_three_ranges():
    model, x = started()
    o = read(model, model.strided_slice(x, [0, 1, -3, 3], [1, -1, 8, 4], [1, 2, 1, 1], (0, 0, 8)))
    assert (o.begin, o.count, o.step) == ((1, 5, 3), (2, 3, 1), (2, 1, 1))
    model, x = started()
    o = read(model, model.strided_slice(x, [0, 5, 0, 0], [0, 0, 4, 0], [1, 1, 3, 1], (2, 10, 1)))
    assert (o.begin, o.count, o.step) == ((0, 0, 0), (6, 2, 4), (1, 3, 1))


def test_resizes_and_slopes_are_read():
    model, x = started()
    o = read(model, model.resize("RESIZE_BILINEAR", x, (12, 3), half_pixel=True))
    assert (o.align_corners, o.half_pixel_centers) == (False, True)
    model, x = started()
    assert read(model, model.leaky_relu(x, 0.3, Q)).alpha == float(np.float32(0.3))


def test_either_operand_may_be_a_constant():
    model, x = started()
    o = read(model, model.pair("SUB", model.constant(np.ones(4), Q), x, Q))
    assert o.inputs == ("constant001", "input")


def test_uint8_is_read_as_int8_with_another_zero_point():
    model = ModelBuilder()
    x = model.input((1, 4), Quantisation(0.1, 130), kind="UINT8")
    network = parse_network(model.build(model.function("QUANTIZE", x, Q)))
    assert network.input_tensor.zero_point == 2
    assert network.input_tensor.unsigned
    assert [o.kind for o in network.operators] == [Kind.QUANTIZE]


def _transposed(size: tuple[int, int]) -> str:
    model, x = started()
    return refusal(model, model.transpose_convolution(x, np.ones((5, 3, 3, 4)), np.zeros(5), 0.1, Q, size, (2, 2)))


def _sliced(step: int = 1, begin: int = 0, new_axis: int = 0, output: tuple[int, ...] = (1, 6, 8, 4)) -> str:
    options = schema.StridedSliceOptionsT()
    options.newAxisMask = new_axis
    constants = [np.array([0, begin, 0, 0]), np.array([1, 6, 8, 4]), np.array([1, step, 1, 1])]
    return one("STRIDED_SLICE", constants, output, Q, options)


def _pair(shape: tuple[int, ...], other: tuple[int, ...], kind: str = "ADD") -> str:
    model, x = started(shape)
    y = model.reshape(x, other) if np.prod(shape) == np.prod(other) else model.constant(np.ones(other), Q)
    return refusal(model, model.operator(kind, [x, y], model.tensor("y", shape, Q), schema.AddOptionsT()))


def _joined(scale: float) -> str:
    model, x = started()
    y = model.function("QUANTIZE", x, Quantisation(scale, 3))
    return refusal(model, model.concatenation([x, y], 3))


def _resized(source: int, size: int, kind: str = "RESIZE_BILINEAR", **options: bool) -> str:
    model, x = started((1, source, 8, 4))
    return refusal(model, model.resize(kind, x, (size, 8), **options))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (_transposed((14, 16)), "operator 0 (TRANSPOSE_CONV): tensor 'op000_TRANSPOSE_CONV': found shape "
         "(1, 14, 16, 5), allowed 5 channels and a size from which stride 2x2 leads to 6x8"),
        (_sliced(step=-1), "found a step of -1, allowed 1 and more"),
        (_sliced(begin=6), "found nothing left of dimension 1 of (1, 6, 8, 4)"),
        (_sliced(new_axis=1), "found an ellipsis, a new axis or ends as offsets"),
        (_sliced(step=2), "tensor 'y': found shape (1, 6, 8, 4), allowed (1, 3, 8, 4)"),
        (_pair((1, 6, 8, 4), (1, 8, 6, 4)), "(ADD): found shapes (1, 6, 8, 4) and (1, 8, 6, 4), allowed equal"),
        (_pair((1, 6, 8, 4), (8, 4)), "or one of fewer dimensions with 1 in all but the last"),
        (_pair((6, 8, 4), (1, 8, 4)), "found shapes (6, 8, 4) and (1, 8, 4)"),
        (_joined(0.1000001), "found scale 0.1 and zero point 3, allowed those of the output"),
        (_resized(1, 120), "found a resize from 1 to 120, allowed"),
        (_resized(6, 9, "RESIZE_NEAREST_NEIGHBOR", align_corners=True, half_pixel=True), "allowed one of them"),
        (one("MEAN", [np.array([3])], (1, 6, 8, 1), Q, schema.ReducerOptionsT()), "found a mean over channels"),
        (one("MEAN", [np.array([0])], (6, 8, 4), Q, schema.ReducerOptionsT()), "found axis 0 of shape (1, 6, 8, 4)"),
        (one("LOGISTIC", [], (1, 6, 8, 4)), "found scale 0.1 and zero point 3, allowed 1/256 and -128"),
        (one("HARD_SWISH", [], (1, 6, 8, 4), Quantisation(1e-4)), "found scale 0.0001, allowed above 0.00078125"),
        (one("TANH", [], (1, 6, 8, 5)), "found shape (1, 6, 8, 5), allowed (1, 6, 8, 4)"),
        (one("RELU", [], (1, 6, 8, 4), Quantisation(2.0**-40)), "found a multiplier of 1.09951e+11, allowed below"),
        (one("PRELU", [np.array([1])], (1, 6, 8, 4)), "tensor 'op000_integers': found 0 scales, allowed 1"),
        (one("RESHAPE", [np.array([6, 32])], (1, 192), Q, schema.ReshapeOptionsT()), "allowed (6, 32)"),
        (one("CONCATENATION", [], (1, 6, 8, 4), Q, schema.LSTMOptionsT()), "found no ConcatenationOptions"),
    ],
)  # fmt: skip
def test_what_the_graph_cannot_say_is_named(found, text):
    assert text in found


def test_uint8_inside_is_refused_by_name():
    model = ModelBuilder()
    x = model.input((1, 4), Quantisation(0.1, 130), kind="UINT8")
    y = model.operator("RELU", [x], model.tensor("y", (1, 4), Quantisation(0.1, 130), kind="UINT8"))
    assert "operator 0 (RELU): tensor 'input': found UINT8, allowed INT8" in refusal(model, y)


@pytest.mark.parametrize("kind", [str(kind).lower() for kind in TABLE_KINDS])
def test_tables_are_the_golden_functions(kind):
    for seed in range(60):
        network = parse_network(oracle.random_network(kind, seed))
        every = np.resize(np.arange(-128, 128).astype(np.int8), network.input_tensor.size)
        want = cnn.run(network, every)[network.output].ravel()[:256]
        table = function_table(network.operators[0], network.input_tensor, network.output_tensor)
        assert table.tolist() == want.tolist(), f"{kind} seed {seed}"


def test_factors_are_the_golden_multipliers():
    random = np.random.default_rng(5)
    for _ in range(300):
        real, value = 2.0 ** random.uniform(-36, 20), int(random.integers(-(1 << 31), 1 << 31))
        factor = Factor.of(real)
        assert (factor.multiplier, factor.shift) == cnn_arithmetic.multiplier(real)
        golden = cnn_arithmetic.requantise(np.array([value]), [(factor.multiplier, factor.shift)])
        assert factor.times(value) == golden[0], f"{value} times {factor}"


def test_factors_of_operators_are_those_of_the_page():
    """Worked by hand: 0.5 * 0.25 / 2, 1/2 over 3 elements, and the two rules of fully connected layers."""
    model, x = started((1, 4))
    y = model.fully_connected(x, np.ones((2, 4)), None, np.array([0.5, 0.25]), Quantisation(0.1))
    network = parse_network(model.build(y))
    weights = network.tensors["op000_weights"]
    factors = fully_connected_factors(network.input_tensor, weights, network.output_tensor, 2)
    assert [(f.multiplier, f.shift) for f in factors] == [(1 << 30, 0), (1 << 30, -1)]
    a, b, c = (Tensor("t", (1, 4), (scale,)) for scale in (0.5, 0.25, 2.0))
    assert product_factor(a, b, c) == Factor(1 << 30, -3)
    assert mean_factor(b, a, 3) == Factor((1 << 31) // 3, -1)
