"""Programs of .onnx networks, executed literally, equal what ONNX Runtime computes in every tensor, or are refused."""

import numpy as np
import pytest

from ocellus.compiler.onnx_file import parse_onnx, read_onnx
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.onnx_builder import OnnxBuilder, Quantisation
from tb.oracle.onnx_random import FORMS, KINDS, random_input, random_onnx
from tb.oracle.public import DATA, needs_data

UNDECIDED = ("average_pool", "add", "sub", "repeated_add", "repeated_sub", "chain")
"""Kinds at whose scales ONNX Runtime's results may have no integer form: dice throw many ties."""


@pytest.mark.parametrize(("form", "unsigned"), FORMS[:2])
@pytest.mark.parametrize("kind", KINDS)
def test_random_onnx_networks_equal_onnx_runtime_or_are_refused(kind, form, unsigned):
    refused = []
    for seed in range(8):
        network = parse_onnx(random_onnx(kind, seed, form, unsigned))
        x = random_input(network.input_tensor.shape, seed)
        try:
            assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x)
        except BadInput as refusal:
            refused.append(str(refusal))
    assert not refused or kind in UNDECIDED, refused
    assert len(refused) <= 5, refused
    assert all("whose float32" in text or "no integer factors" in text for text in refused)


@needs_data
@pytest.mark.parametrize("name", ["mlperf13_resnet", "mlperf13_mobilenet_v1"])
def test_public_onnx_networks_equal_onnx_runtime(name):
    network = read_onnx(DATA / "onnx" / f"{name}.onnx")
    x = np.random.default_rng(2).integers(-128, 128, network.input_tensor.shape, np.int8)
    program = assert_program_equals_golden(network, CONFIGURATIONS["imx500"], x)
    print(f"{name}: {program.host['activation_bytes']} bytes, {program.host['clocks']} clocks")


def test_two_parts_of_a_product_equal_onnx_runtime():
    """Where no single factors do: each part is clamped where the other begins."""
    model = OnnxBuilder("qdq", False)
    scales, zero_points = (0.016642499715089798, 0.00390625, 0.014973660930991173), (19, -128, 49)
    first, second, result = (Quantisation(float(np.float32(s)), z) for s, z in zip(scales, zero_points, strict=True))
    x = model.input((1, 8, 16, 16), first)
    y = model.operator("LeakyRelu", [x], x.shape, second, alpha=-0.7)
    network = parse_onnx(model.build(model.operator("Mul", [x, y], x.shape, result)))
    given = random_input(network.input_tensor.shape, 1)
    program = assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], given)
    assert any("runs in 2 parts" in note for note in program.host["notes"])
