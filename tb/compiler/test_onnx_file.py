"""Reading .onnx files: what is dropped, what is refused and in which words, and that damage is refused."""

import time
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from ocellus import networks
from ocellus.compiler.graph import Kind, Runtime
from ocellus.compiler.onnx_file import parse_onnx, read_onnx
from ocellus.errors import BadInput
from tb.oracle.onnx_builder import Handle, OnnxBuilder, Quantisation
from tb.oracle.onnx_random import FORMS, KINDS, random_onnx

HALF = Quantisation(0.5, 3)
QUARTER = Quantisation(0.25, -128)


def small(
    kind: str = "Conv", form: str = "qdq", clamp: tuple[str, ...] = (), q: Quantisation = QUARTER, **options: Any
):
    """A model of one convolution over 1x4x5x6, to be spoiled."""
    model = OnnxBuilder()
    x = model.input((1, 4, 5, 6), HALF)
    weights = np.ones((8, 4, 3, 3), np.int64)
    shape = (1, 8, *options.pop("size", (3, 4)))
    y = model.weighted("Conv", x, weights, np.array([0.01]), np.zeros(8), shape, q, clamp, **options)
    return onnx.ModelProto.FromString(model.build(y))


def refusal(model: onnx.ModelProto | bytes) -> str:
    """The sentence; it names the file, and has `found` and `allowed` in this order."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(BadInput) as refused:
        parse_onnx(content, "net")
    text = str(refused.value)
    assert text.startswith("net.onnx: ")
    assert "allowed" in text
    return text


def of(build: Any) -> bytes:
    model = OnnxBuilder()
    x = model.input((1, 4, 5, 6), HALF)
    return model.build(build(model, x))


def test_a_picture_has_its_channels_last_and_weights_follow():
    network = parse_onnx(small(pads=[1, 0, 2, 3], size=(6, 7)).SerializeToString())
    operator = network.operators[0]
    assert network.runtime is Runtime.ONNX
    assert network.input_tensor.shape == (1, 5, 6, 4)
    assert network.output_tensor.shape == (1, 6, 7, 8)
    assert network.tensors[operator.inputs[1]].shape == (8, 3, 3, 4)
    assert operator.kind is Kind.CONV_2D
    assert operator.pads == (1, 2, 0, 3)


@pytest.mark.parametrize(
    ("auto_pad", "pads"), [("SAME_UPPER", (1, 1, 0, 1)), ("SAME_LOWER", (1, 1, 1, 0)), ("VALID", (0, 0, 0, 0))]
)
def test_automatic_padding_becomes_numbers(auto_pad, pads):
    size = (3, 2) if auto_pad == "VALID" else (5, 3)
    model = small(auto_pad=auto_pad, strides=[1, 2], size=size)
    assert parse_onnx(model.SerializeToString()).operators[0].pads == pads


def test_uint8_becomes_int8_and_is_remembered():
    network = parse_onnx(random_onnx("conv", 3, "qoperator", True))
    assert network.input_tensor.unsigned
    assert -128 <= network.input_tensor.zero_point <= 127


def test_float_ends_are_left_to_the_host_with_a_note():
    model = OnnxBuilder()
    x = model.input((1, 4, 5, 6), HALF, real=True)
    y = model.operator("GlobalAveragePool", [x], (1, 4, 1, 1), QUARTER)
    real = model.node("Softmax", [model.dequantise(y)], axis=1)
    network = parse_onnx(model.build(Handle(real, y.shape, QUARTER)))
    assert [o.kind for o in network.operators] == [Kind.MEAN]
    assert network.notes == (
        "operator 0 (QuantizeLinear) converts the network's float input, left to the host",
        "operator 5 (Softmax) computes the network's float end, left to the host",
    )


def test_a_relu_that_the_range_makes_needless_is_dropped():
    network = parse_onnx(small(clamp=("Relu",)).SerializeToString())
    assert [o.kind for o in network.operators] == [Kind.CONV_2D]


def test_a_relu_that_ends_inside_the_range_is_refused():
    text = refusal(small(clamp=("Relu",), q=HALF))
    assert "operator 3 (Conv): tensor 'q5': found a Relu or Clip to ((0.0, inf),) in front of values from -65.5" in text


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda m: m.graph.node[3].attribute.append(helper.make_attribute("group", 3)),
         "operator 3 (Conv): found 3 groups over 4 channels, allowed 1, or 4 (depthwise)"),
        (lambda m: m.graph.node.pop(2), "operator 2 (Conv): tensor 'n2': found a tensor that no operator has computed"),
        (lambda m: setattr(m.graph.node[3], "op_type", "ConvTranspose"),
         "operator 3 (ConvTranspose): found ConvTranspose, allowed Add, AveragePool"),
        (lambda m: setattr(m.graph.node[3], "domain", "mine"), "operator 3 (Conv): found domain 'mine', allowed"),
        (lambda m: m.graph.input.append(helper.make_tensor_value_info("z", 1, [1])),
         "found 2 network inputs and 1 outputs, allowed 1 and 1"),
        (lambda m: m.graph.input[0].type.tensor_type.shape.dim[2].ClearField("dim_value"),
         "network input 'x': found shape (1, 4, 0, 6), allowed 1 to 4 known dimensions"),
        (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 10),
         "network input 'x': found FLOAT16, allowed FLOAT, INT8 or UINT8"),
        (lambda m: m.graph.output.append(helper.make_tensor_value_info("n3", 1, None)), "found 1 network inputs and 2"),
        (lambda m: setattr(m.graph.initializer[0], "data_location", 1), "found values in another file, allowed"),
        (lambda m: m.graph.node[4].output.__setitem__(0, "x"), "found outputs ['x'], allowed one that nothing else"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named(spoil, text):
    model = small()
    spoil(model)
    assert text in refusal(model)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda m, x: m.operator("AveragePool", [x], x.shape, HALF, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
         "operator 1 (AveragePool): found ceil_mode with a window that leaves the picture"),
        (lambda m, x: m.operator("Clip", [x], x.shape, HALF, [m.constant(np.float32(-3)), m.constant(np.float32(4))]),
         "operator 1 (Clip): found a Clip to -3 and 4, allowed 0 and 6, -1 and 1, 0 and no end"),
        (lambda m, x: m.operator("Resize", [x], (1, 4, 10, 12), HALF, ["", m.constant(np.array([1, 1, 2, 2.0]))],
                                 mode="linear"),
         "operator 1 (Resize): found mode linear, allowed nearest (ONNX Runtime interpolates in float32)"),
        (lambda m, x: m.operator("Pad", [x], (1, 4, 5, 8), HALF, [m.constant(np.array([0, 0, 0, 1, 0, 0, 0, 1]))],
                                 mode="edge"),
         "operator 1 (Pad): found mode edge of value 0, allowed constant 0"),
        (lambda m, x: m.operator("Erf", [x], x.shape, HALF), "operator 1 (Erf): found Erf, allowed Add, AveragePool"),
        (lambda m, x: m.quantise(m.node("Sigmoid", [m.node("Sigmoid", [m.dequantise(x)])]), x.shape, HALF),
         "operator 2 (Sigmoid): tensor 'n1': found a float input, allowed a QuantizeLinear"),
        (lambda m, x: m.renamed("Flatten", x, (1, 120)),
         "network output 'n0': found none, allowed a quantised tensor"),
        (lambda m, x: Handle(m.node("Relu", ["x"]), x.shape, HALF),
         "operator 0 (Relu): tensor 'x': found a float input, allowed a QuantizeLinear"),
        (lambda m, x: m.renamed("Flatten", m.operator("LeakyRelu", [x], x.shape, HALF), (1, 120)),
         "network output 'n3': found a flattened picture, allowed the picture"),
    ],
)  # fmt: skip
def test_operators_that_are_refused_are_named(build, text):
    assert text in refusal(of(build))


def test_a_softmax_that_overflows_float32_is_refused():
    model = OnnxBuilder()
    x = model.input((1, 4), HALF)
    content = model.build(model.operator("Softmax", [x], (1, 4), Quantisation(0.001, 0), axis=1))
    assert "(Softmax): tensor 'q2': found scale 0.001 over 4 values, allowed above 0.00168919" in refusal(content)


def test_weights_not_around_zero_and_foreign_bias_scales_are_refused():
    model = small()
    zero = next(i for i in model.graph.initializer if i.name == model.graph.node[0].input[2])
    zero.CopyFrom(numpy_helper.from_array(np.int8(5) * np.ones((), np.int8), zero.name))
    assert "found zero point 5, allowed int8 weights around 0" in refusal(model)
    model = small()
    scale = next(i for i in model.graph.initializer if i.name == model.graph.node[1].input[1])
    scale.CopyFrom(numpy_helper.from_array(np.float32(7) * np.ones((), np.float32), scale.name))
    assert "found scale 7, allowed input scale times weight scale, 0.005" in refusal(model)


def test_a_float_result_with_two_readers_is_refused():
    """ONNX Runtime computes it in float32 then."""

    def build(model: OnnxBuilder, x: Handle) -> Handle:
        real = model.node("LeakyRelu", [model.dequantise(x)])
        first, second = (model.quantise(real, x.shape, q) for q in (HALF, QUARTER))
        return model.operator("Add", [first, second], x.shape, HALF)

    assert "operator 1 (LeakyRelu): found 2 readers of a float result, allowed one QuantizeLinear" in refusal(of(build))


def test_other_files_are_refused(tmp_path):
    assert "found no ONNX model" in refusal(b"")
    assert "truncated or corrupt" in refusal(b"\xff" * 20)
    with pytest.raises(
        BadInput, match=r"no\.onnx: cannot be read \(No such file or directory\), allowed an \.onnx file"
    ):
        read_onnx(tmp_path / "no.onnx")


def test_networks_are_loaded_by_their_suffix(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(random_onnx("flatten", 1))
    assert networks.load(path).network.runtime is Runtime.ONNX
    other = tmp_path / "net.onnx.txt"
    other.write_bytes(b"")
    with pytest.raises(BadInput, match="found no TensorFlow Lite model"):
        networks.load(other)


SMALL = [random_onnx(kind, 1, *form) for kind, form in zip(KINDS, FORMS * len(KINDS), strict=False)]


def load(content: bytes) -> bool:
    """Whether it loads; anything but success and :class:`BadInput` fails the test, and so does thinking long."""
    start = time.monotonic()
    try:
        parse_onnx(content)
    except BadInput:
        return False
    finally:
        assert time.monotonic() - start < 5
    return True


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(content):
    assert not load(content)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_mutated_networks_load_or_are_refused(data):
    content = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        value = data.draw(st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255))
        content[at : at + 1] = bytes([value]) * data.draw(st.sampled_from([1, 1, 2, 4]))
    load(bytes(content))


def test_truncated_networks_are_refused():
    for content in SMALL:
        assert load(content)
        # behind the graph stand the operator sets, 27 bytes: a file that lacks the last of them is whole
        assert not [n for n in range(0, len(content) - 30, max(1, len(content) // 40)) if load(content[:n])]


@pytest.mark.parametrize("kind", ["MaxPool", "Pad", "Slice", "Resize"])
def test_what_is_moved_may_be_quantised_anew_behind_it(kind):
    def build(model: OnnxBuilder, x: Handle) -> Handle:
        if kind == "MaxPool":
            return model.operator(kind, [x], (1, 4, 4, 5), QUARTER, kernel_shape=[2, 2])
        if kind == "Pad":
            return model.operator(
                kind, [x], (1, 4, 5, 8), QUARTER, [model.constant(np.array([0, 0, 0, 1, 0, 0, 0, 1]))]
            )
        if kind == "Slice":
            names = [model.constant(np.array([n], np.int64)) for n in (1, 4, 1)]
            return model.operator(kind, [x], (1, 3, 5, 6), QUARTER, names)
        scales = model.constant(np.array([1, 1, 2, 2], np.float32))
        modes = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return model.operator(kind, [x], (1, 4, 10, 12), QUARTER, ["", scales], mode="nearest", **modes)

    network = parse_onnx(of(build))
    assert [o.kind for o in network.operators][1:] == [Kind.QUANTIZE]
    assert (network.output_tensor.scale, network.output_tensor.zero_point) == (0.25, -128)
    between = network.tensors[network.operators[0].output]
    assert (between.scale, between.zero_point) == (0.5, 3)


@pytest.mark.parametrize(("value", "allowed"), [(3, True), (0, False)])
def test_bytes_are_padded_with_their_zero_point(value, allowed):
    node = helper.make_node("Pad", ["a", "pads", "value"], ["y"])
    quantise = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["a"])
    held = [
        numpy_helper.from_array(np.array(v, t), n)
        for n, v, t in (
            ("s", 0.5, np.float32), ("z", 3, np.int8), ("value", value, np.int8),
            ("pads", [0, 0, 1, 1, 0, 0, 0, 0], np.int64),
        )
    ]  # fmt: skip
    x = helper.make_tensor_value_info("x", 1, (1, 2, 3, 3))
    y = helper.make_tensor_value_info("y", 3, (1, 2, 4, 4))
    graph = helper.make_graph([quantise, node], "g", [x], [y], held)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    if allowed:
        assert [o.kind for o in parse_onnx(content).operators] == [Kind.PAD]
    else:
        assert "found mode constant of value -3, allowed constant 0" in refusal(content)
