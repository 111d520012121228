"""The importer takes what the accelerator can run and refuses everything else in one sentence."""

import time
from typing import Any

import numpy as np
import pytest
import tflite
from hypothesis import given, settings
from hypothesis import strategies as st

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.graph import Kind, Padding
from ocellus.compiler.tflite_file import parse_network, read_network
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from tb import oracle
from tb.oracle.builder import ModelBuilder, Quantisation, schema
from tb.oracle.public import needs_data, tflite_path

Q = Quantisation(0.1, 3)
ONES = np.ones((4, 3, 3, 2))


def refusal(content: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        compile_network(parse_network(content, "net", "net.tflite"), CONFIGURATIONS["ecp5"])
    text = str(refused.value)
    assert text.startswith("net.tflite: ")
    assert "\n" not in text
    assert "allowed" in text or "corrupt" in text
    return text


def convolution(
    x: tuple[int, ...] = (1, 8, 8, 2),
    weights: np.ndarray = ONES,
    scale: float | np.ndarray = 0.1,
    out: Quantisation = Q,
    biases: int | None = None,
    **options: Any,
) -> bytes:
    model = ModelBuilder()
    bias = np.zeros(weights.shape[0] if biases is None else biases)
    y = model.convolution("CONV_2D", model.input(x, Q), weights, bias, scale, out, **options)
    return model.build(y)


def depthwise(x: tuple[int, ...], weights: np.ndarray) -> bytes:
    model = ModelBuilder()
    y = model.convolution("DEPTHWISE_CONV_2D", model.input(x, Q), weights, np.zeros(weights.shape[3]), 0.1, Q)
    return model.build(y)


def single(kind: str, output: tuple[int, ...], out: Quantisation = Q, options: object = None, inputs: int = 1) -> bytes:
    """One operator of any kind over the input, with an output as asked for."""
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2), Q)
    return model.build(model.operator(kind, [x] * inputs, model.tensor("y", output, out), options))


def test_operators_are_read_with_their_options():
    content = convolution(weights=np.ones((4, 3, 5, 2)), stride=(2, 1), padding="VALID", activation="RELU6")
    network = parse_network(content)
    (operator,) = network.operators
    assert (operator.kind, operator.kernel, operator.stride) == (Kind.CONV_2D, (3, 5), (2, 1))
    assert operator.padding is Padding.VALID
    assert operator.activation == "RELU6"
    assert network.input_tensor.shape == (1, 8, 8, 2)
    assert network.output_tensor.shape == (1, 3, 4, 4)
    assert network.tensors[operator.inputs[1]].scales == (float(np.float32(0.1)),)


def test_float_ends_are_left_to_the_host():
    model = ModelBuilder()
    real = model.input((1, 4, 4, 2), Quantisation(0.1), kind="FLOAT32")
    x = model.operator("QUANTIZE", [real], model.tensor("x", (1, 4, 4, 2), Q))
    y = model.pool("MAX_POOL_2D", x, (2, 2), (2, 2))
    out = model.operator("DEQUANTIZE", [y], model.tensor("out", y.shape, None, kind="FLOAT32"))
    network = parse_network(model.build(out))
    assert network.input == "x"
    assert [o.kind for o in network.operators] == [Kind.MAX_POOL_2D]
    assert len(network.notes) == 2
    assert "left to the host" in network.notes[0]


def test_tensors_without_or_with_equal_names_stay_apart():
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2), Q)
    y = model.operator("RESHAPE", [x], model.tensor("input", (1, 32), Q))
    z = model.operator("ADD", [y, y], model.tensor("", (1, 32), Q), schema.AddOptionsT())
    assert [o.output for o in parse_network(model.build(z)).operators] == ["input#1", "#2"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (convolution(weights=np.ones((1, 16, 1, 2))), "found a kernel of 16x1, allowed 1x1 to 15x15"),
        (convolution(weights=np.ones((4, 3, 3, 1))), "found weights over 1 channels, allowed the input's 2"),
        (convolution(scale=np.full(3, 0.1)), "found 3 scales along axis 0, allowed 1, or 4 along axis 0"),
        (convolution(biases=5), "tensor 'op000_bias': found shape (5,), allowed int32 of (4,)"),
        (convolution(out=Quantisation(0.0)), "tensor 'op000_CONV_2D': found scale 0, allowed 2^-60 to 2^60"),
        (convolution(out=Quantisation(np.nan)), "found scale nan"),
        (convolution(out=Quantisation(0.1, 128)), "found zero points [128], allowed one from -128 to 127"),
        (convolution(out=Quantisation(np.array([0.1, 0.2]))), "found 2 scales, allowed 1 for an activation"),
        (convolution(scale=2.0**40), "found a multiplier of 1.09951e+12, allowed below 2^30"),
        (convolution(out=Quantisation(2.0**-40), activation="RELU6", scale=1e-9), "allowed 2^-28 and more"),
        (convolution((2, 8, 8, 2)), "found shape (2, 8, 8, 2), allowed 4 dimensions with batch 1"),
        (single("DIV", (1, 4, 4, 2)), "operator 0 (DIV): found DIV, allowed CONV_2D, DEPTHWISE_CONV_2D"),
        (single("ADD", (1, 4, 4, 2)), "operator 0 (ADD): found 1 inputs, allowed 2 to 2"),
        (single("ADD", (1, 4, 4, 3), options=schema.AddOptionsT(), inputs=2), "found shape (1, 4, 4, 3), allowed"),
        (single("ADD", (1, 4, 4, 2), Quantisation(1e-7), schema.AddOptionsT(), 2), "found scale 1e-07, allowed above"),
        (single("ADD", (1, 4, 4, 2), inputs=2), "found no AddOptions, allowed an operator with its options"),
        (single("RESHAPE", (1, 33)), "found shape (1, 33), allowed 32 elements"),
        (single("RESHAPE", (1, 32), Quantisation(0.2, 3)), "allowed those of the input, 0.1 and 3"),
        (single("RESHAPE", (1, 70000)), "found shape (1, 70000), allowed 1 to 65535 in each dimension"),
        (single("SOFTMAX", (1, 4, 4, 2), Q, schema.SoftmaxOptionsT()), "found beta 0 at scale 0.1"),
        (single("MAX_POOL_2D", (1, 4, 4, 2), Q, schema.Pool2DOptionsT()), "found a kernel of 0x0, allowed 1x1 to"),
    ],
)  # fmt: skip
def test_what_the_accelerator_cannot_run_is_named(content, text):
    assert text in refusal(content)


def test_a_float_network_is_refused_by_its_input():
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2), Q, kind="FLOAT32")
    y = model.operator("RESHAPE", [x], model.tensor("y", (1, 32), Q, kind="FLOAT32"))
    assert "tensor 'input': found FLOAT32, allowed INT8" in refusal(model.build(y))


def test_an_int16_tensor_inside_is_refused_by_name():
    model = ModelBuilder()
    y = model.operator("RESHAPE", [model.input((1, 4), Q)], model.tensor("y", (4,), Q, kind="INT16"))
    assert "operator 0 (RESHAPE): tensor 'y': found INT16, allowed INT8" in refusal(model.build(y))


def test_what_follows_a_softmax_is_left_to_the_host():
    model = ModelBuilder()
    x = model.input((1, 4), Q)
    y = model.softmax(model.fully_connected(x, np.ones((4, 4)), None, 0.1, Q))
    network = parse_network(model.build(model.reshape(y, (4, 1))))
    left = compile_network(network, CONFIGURATIONS["ecp5"]).host["left_to_host"]
    assert [entry["kind"] for entry in left] == ["SOFTMAX", "RESHAPE"]


def test_two_outputs_are_refused():
    model = ModelBuilder()
    x = model.input((1, 4), Q)
    assert "found 2 network outputs, allowed 1" in refusal(
        model.build(model.reshape(x, (4,)), model.reshape(x, (4, 1)))
    )


def test_a_tensor_nobody_computed_is_refused():
    model = ModelBuilder()
    x, late = model.input((1, 4), Q), model.tensor("late", (1, 4), Q)
    assert "tensor 'late': found a tensor that no operator has computed yet" in refusal(
        model.build(model.add(x, late, Q))
    )


def test_padding_of_channels_is_refused():
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2), Q)
    amounts = model.tensor("amounts", (4, 2), None, np.array([[0, 0], [1, 1], [1, 1], [0, 1]], np.int32), "INT32")
    y = model.operator("PAD", [x, amounts], model.tensor("y", (1, 6, 6, 3), Q), schema.PadOptionsT())
    assert "allowed 0 to 255 for rows and columns alone" in refusal(model.build(y))


def test_an_activation_as_weights_is_refused():
    model = ModelBuilder()
    x, w = model.input((1, 4), Q), model.tensor("w", (2, 4), Q)
    y = model.operator("FULLY_CONNECTED", [x, w], model.tensor("y", (1, 2), Q), schema.FullyConnectedOptionsT())
    assert "tensor 'w': found an activation, allowed a constant" in refusal(model.build(y))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"none\.tflite: cannot be read \(No such file or directory\)"):
        read_network(tmp_path / "none.tflite")


def test_a_picture_is_no_network(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 100)
    with pytest.raises(BadInput, match=r"cat\.jpg: found no TensorFlow Lite model"):
        read_network(tmp_path / "cat.jpg")


@needs_data
def test_uint8_ends_are_left_to_the_host_where_they_only_move_the_zero_point():
    network = read_network(tflite_path("coral_tf2_mobilenet_v2_1.0_224_ptq"))
    assert len(network.operators) == 66
    assert network.input_tensor.zero_point == -1  # 127 in the file
    assert [network.operators[0].number, network.operators[-1].kind] == [1, Kind.SOFTMAX]
    assert all("converts the network's uint8 end and is left to the host" in note for note in network.notes)
    assert len(network.notes) == 2


SMALL = [oracle.random_network(kind, 1) for kind in oracle.EVERY_KIND]


def load(content: bytes) -> bool:
    """Whether it loads; anything but success and :class:`BadInput` fails the test, and so does thinking long."""
    start = time.monotonic()
    network = None
    try:
        network = parse_network(content)
        compile_network(network, CONFIGURATIONS["ecp5"])
    except BadInput:
        return network is not None
    finally:
        assert time.monotonic() - start < 5
    return True


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(content):
    assert not load(content)
    assert not load(content[:4] + b"TFL3" + content[4:])


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_mutated_networks_load_or_are_refused(data):
    content = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        value = data.draw(st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255))
        content[at : at + 1] = bytes([value]) * data.draw(st.sampled_from([1, 1, 2, 4]))
        del content[data.draw(st.integers(len(content) - 4, len(content))) :]
    load(bytes(content))


@pytest.mark.parametrize("kind", oracle.EVERY_KIND)
def test_truncated_networks_are_refused(kind):
    content = oracle.random_network(kind, 1)
    assert load(content)
    loaded = [n for n in range(0, len(content), max(1, len(content) // 150)) if load(content[:n])]
    assert not loaded


def test_more_tensors_than_bytes_are_corrupt():
    content = bytearray(SMALL[0])
    graph: Any = tflite.Model.GetRootAs(content, 0).Subgraphs(0)
    length = graph._tab.Vector(graph._tab.Offset(4)) - 4  # in front of the tensors
    content[length : length + 4] = (1000).to_bytes(4, "little")
    assert f"corrupt (1000 tensors in {len(content)} bytes)" in refusal(bytes(content))


def test_a_huge_count_is_refused_before_anything_loops_over_it():
    """Every 32-bit word in turn becomes a huge vector length or offset."""
    whole = SMALL[oracle.EVERY_KIND.index("softmax")]
    loaded = 0
    for at in range(0, len(whole) - 4, 4):
        for value in (0x7FFFFFFF, 0x00FFFFFF):
            loaded += load(whole[:at] + value.to_bytes(4, "little") + whole[at + 4 :])
    assert 0 < loaded < len(whole) // 2  # words that nothing reads, or weights
