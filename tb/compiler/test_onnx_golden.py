"""The golden network of an .onnx file equals ONNX Runtime's quantised kernels, in every tensor."""

import numpy as np
import onnx
import pytest

from ocellus.compiler.graph import Kind, Network
from ocellus.compiler.onnx_file import parse_onnx, read_onnx
from ocellus.formats import Arithmetic
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import cnn
from tb.oracle import onnx_runtime
from tb.oracle.onnx_builder import OnnxBuilder, Quantisation
from tb.oracle.onnx_converter import converted
from tb.oracle.onnx_random import FORMS, KINDS, random_input, random_onnx
from tb.oracle.public import DATA, needs_data

AXES = ("batch", "row", "column", "channel")
SEEDS_A_KIND = 25

pytestmark = pytest.mark.skipif(
    not onnx_runtime.is_the_measure(),
    reason="ONNX Runtime has other kernels here: no x86-64, or no VNNI, where sums of int8 products saturate",
)


def as_file(content: bytes, network: Network, x: np.ndarray, channels_first: bool = True) -> np.ndarray:
    """The golden network's input as the file takes it."""
    t = network.input_tensor
    held = x.transpose(0, 3, 1, 2) if x.ndim == 4 and channels_first else x
    if onnx.ModelProto.FromString(content).graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
        held = (held.astype(np.int32) - t.zero_point).astype(np.float32) * np.float32(t.scale)
    elif t.unsigned:
        held = (held.astype(np.int16) + 128).astype(np.uint8)
    return np.ascontiguousarray(held)


def assert_equals_onnx_runtime(content: bytes, network: Network, x: np.ndarray, what: str, **options: bool) -> int:
    """Compares every tensor that the file names; the number of elements."""
    want = onnx_runtime.run(content, as_file(content, network, x, **options))
    got = cnn.run(network, x, Arithmetic.SINGLE)
    named = [o.output for o in network.operators if o.kind is not Kind.RESHAPE]
    assert set(named) <= set(want)
    for name in named:
        expected = onnx_runtime.as_golden(want[name], network.tensors[name].unsigned)
        difference = first_difference(f"{what}: {name}", expected, got[name], AXES)
        assert difference is None, difference
    return sum(got[name].size for name in named)


@pytest.mark.parametrize(("form", "unsigned"), FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_random_operators_equal_onnx_runtime(kind, form, unsigned):
    for seed in range(SEEDS_A_KIND):
        content = random_onnx(kind, seed, form, unsigned)
        network = parse_onnx(content)
        x = random_input(network.input_tensor.shape, seed)
        assert_equals_onnx_runtime(content, network, x, f"{kind} {form} unsigned={unsigned} seed {seed}")


@pytest.mark.parametrize("zero_point", [-128, -3, 0, 127])
def test_ties_go_to_the_even_neighbour(zero_point):
    """Powers of two as scales make every second sum a tie, on both sides of zero."""
    model = OnnxBuilder()
    x = model.input((1, 256), Quantisation(1.0, 0))
    eye = np.eye(256, dtype=np.int64)
    y = model.weighted("Gemm", x, eye, np.ones(1), np.zeros(256), (1, 256), Quantisation(2.0, zero_point), transB=1)
    content = model.build(y)
    values = np.arange(-128, 128, dtype=np.int8)[np.newaxis]
    network = parse_onnx(content)
    assert_equals_onnx_runtime(content, network, values, f"ties, zero point {zero_point}")
    got = cnn.run(network, values)[network.output]
    assert (got == np.clip(np.rint(values / 2) + zero_point, -128, 127)).all()


def test_a_product_is_rounded_to_float32_before_it_is_rounded_to_an_integer():
    """Sums whose product with the factor lies below a half by less than float32 can tell count as that half."""
    random = np.random.default_rng(5)
    found = 0
    for scale in random.uniform(0.001, 0.01, 200).astype(np.float32):
        sums = np.rint((np.arange(1, 127, 2) + 0.5) / float(scale)).astype(np.int64)
        exact = sums * float(scale)
        hidden = np.rint(sums.astype(np.float32) * scale) != np.rint(exact)
        found += int(hidden.sum())
        if not hidden.any():
            continue
        model = OnnxBuilder()
        x = model.input((1, 1), Quantisation(1.0, 0))
        weights = np.zeros((len(sums), 1), np.int64)
        y = model.weighted("Gemm", x, weights, np.array([scale]), sums, (1, len(sums)), Quantisation(1.0, 0), transB=1)
        content = model.build(y)
        assert_equals_onnx_runtime(content, parse_onnx(content), np.zeros((1, 1), np.int8), f"scale {scale}")
    assert found >= 5


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
def test_every_pair_of_values_equals_onnx_runtime(kind, unsigned):
    """65,536 pairs for each of some scales and zero points; the second operand is a copy with another scale."""
    random = np.random.default_rng(len(kind) + unsigned)
    values = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), axis=-1)[np.newaxis].astype(np.int8)
    for turn in range(12):
        scales = [float(np.float32(2.0**e)) for e in random.uniform(-7, -2, 3)]
        zero_points = [int(z) - (0 if unsigned else 128) for z in random.integers(0, 256, 2)]
        first, second = (Quantisation(s, zero_points[0]) for s in scales[:2])
        model = OnnxBuilder("qdq", unsigned)
        x = model.input((1, 2, 256, 256), first)
        places = [model.constant(np.array([n])) for n in (0, 1, 1)]
        a = model.operator("Slice", [x], (1, 1, 256, 256), first, places)
        other = np.array([0, 1]).reshape(1, 2, 1, 1)
        copy = np.array([np.float32(scales[1]) / np.float32(scales[0])])
        b = model.weighted("Conv", x, other, copy, np.zeros(1), (1, 1, 256, 256), second, kernel_shape=[1, 1])
        out = Quantisation(scales[2] * (0.25 if kind == "Mul" else 1), zero_points[1])
        content = model.build(model.operator(kind, [a, b], a.shape, out))
        network = parse_onnx(content)
        assert_equals_onnx_runtime(content, network, values, f"{kind} unsigned={unsigned} turn {turn}")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("unsigned", [False, True])
def test_a_repeated_operand_is_added_in_the_order_of_the_kernel(unsigned, first):
    """Which one is added first decides at halves: 65,536 pairs, one operand a constant a channel."""
    random = np.random.default_rng(6)
    low = 0 if unsigned else -128
    for turn in range(16):
        x_q, other, out = (
            Quantisation(float(np.float32(2.0**e)), int(z) + low)
            for e, z in zip(random.uniform(-7, -2, 3), random.integers(0, 256, 3), strict=True)
        )
        model = OnnxBuilder("qoperator", unsigned)
        x = model.input((1, 256, 16, 16), x_q)
        y = model.held(np.arange(256).reshape(256, 1, 1) + low, other)
        content = model.build(model.operator("Add", [y, x] if first else [x, y], x.shape, out))
        values = np.tile(np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1), (1, 1, 1, 256))
        network = parse_onnx(content)
        assert_equals_onnx_runtime(content, network, values, f"unsigned={unsigned} first={first} turn {turn}")


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("form", "unsigned"), FORMS)
def test_what_the_converter_of_onnx_runtime_writes_is_read_and_equal(form, unsigned, per_channel):
    content = converted(form, unsigned, per_channel)
    network = parse_onnx(content)
    x = random_input(network.input_tensor.shape, 1)
    what = f"converted {form} unsigned={unsigned} per_channel={per_channel}"
    assert assert_equals_onnx_runtime(content, network, x, what) > 30_000
    kinds = {o.kind for o in network.operators}
    assert {Kind.DEPTHWISE_CONV_2D, Kind.ADD, Kind.MUL, Kind.CONCATENATION, Kind.MEAN, Kind.SOFTMAX} <= kinds


@needs_data
@pytest.mark.parametrize("name", ["mlperf13_mobilenet_v1", "mlperf13_resnet"])
def test_public_networks_equal_onnx_runtime(name):
    path = DATA / "onnx" / f"{name}.onnx"
    network = read_onnx(path)
    first = name == "mlperf13_mobilenet_v1"  # the other one takes its channels last
    compared = 0
    for seed in range(3):
        x = random_input(network.input_tensor.shape, seed)
        content = path.read_bytes()
        compared += assert_equals_onnx_runtime(content, network, x, f"{name} seed {seed}", channels_first=first)
    assert compared > 300_000
    assert any("Softmax" in note for note in network.notes)
