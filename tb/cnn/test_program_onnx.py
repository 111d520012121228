"""Programs of .onnx networks equal the golden network of ONNX Runtime, where sums are scaled by the proven factors."""

import numpy as np
import pytest

from ocellus.compiler.graph import Kind, Network
from ocellus.compiler.onnx_factors import exact_factors
from ocellus.compiler.onnx_file import parse_onnx, read_onnx
from ocellus.configurations import CONFIGURATIONS
from ocellus_sim.golden import cnn_onnx
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle.onnx_random import FORMS, KINDS, random_input, random_onnx
from tb.oracle.public import DATA, needs_data

SCALED = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED, Kind.MEAN)
ROUNDED_OTHERWISE = ("average_pool", "chain", "add", "sub", "mul", "repeated_add", "repeated_sub", "repeated_mul")
"""Kinds whose float32 results no integers give for every value; the program's notes then say so."""


def by_integers(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    factors = {}
    for operator in network.operators:
        if operator.kind in SCALED:
            inputs = [network.tensors[name] for name in operator.inputs]
            found = exact_factors(operator, inputs, network.tensors[operator.output])
            factors[operator.output] = [(f.factor.multiplier, f.factor.shift) for f in found]
    return cnn_onnx.run(network, x, factors)


@pytest.mark.parametrize(("form", "unsigned"), FORMS[:2])
@pytest.mark.parametrize("kind", KINDS)
def test_random_onnx_networks_equal_golden(kind, form, unsigned):
    different = []
    for seed in range(8):
        network = parse_onnx(random_onnx(kind, seed, form, unsigned))
        if not equals_golden(network, random_input(network.input_tensor.shape, seed)):
            different.append(seed)
    assert not different or kind in ROUNDED_OTHERWISE, different
    assert len(different) < 6, different


def equals_golden(network: Network, x: np.ndarray) -> bool:
    try:
        assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x, want=by_integers(network, x))
    except AssertionError as difference:
        print(difference)
        return False
    return True


@needs_data
@pytest.mark.parametrize("name", ["mlperf13_resnet", "mlperf13_mobilenet_v1"])
def test_public_onnx_networks_equal_golden(name):
    network = read_onnx(DATA / "onnx" / f"{name}.onnx")
    x = np.random.default_rng(2).integers(-128, 128, network.input_tensor.shape, np.int8)
    program = assert_program_equals_golden(network, CONFIGURATIONS["ecp5"], x, want=by_integers(network, x))
    print(f"{name}: {program.host['activation_bytes']} bytes, {program.host['clocks']} clocks")
