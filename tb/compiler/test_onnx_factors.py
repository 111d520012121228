"""The integer factors found for .onnx networks give ONNX Runtime's results, or name where they do not."""

from dataclasses import replace

import numpy as np
import pytest

from ocellus.compiler import onnx_factors
from ocellus.compiler.graph import Kind, Operator, Tensor
from ocellus.compiler.onnx_factors import (
    ExactFactor,
    average_pool_factor,
    difference_note,
    exact_factors,
    product_factor,
    search,
)
from ocellus.compiler.onnx_file import parse_onnx, read_onnx
from ocellus.compiler.onnx_pairs import exact_pair_factors
from ocellus.compiler.quantisation import Factor
from ocellus_sim.golden import cnn, cnn_onnx
from tb.oracle.onnx_random import random_input, random_onnx
from tb.oracle.public import DATA, needs_data

SCALED = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED, Kind.MEAN)


def by_integers(sums: np.ndarray, factor: Factor, bottom: int, top: int) -> list[int]:
    """The accelerator's formula in Python's integers."""
    right = 31 - factor.shift
    return [min(max((s * factor.multiplier + (1 << right >> 1)) >> right, bottom), top) for s in sums.tolist()]


@pytest.mark.parametrize("scale", ["any", "power of two"])
@pytest.mark.parametrize("seed", range(60))
def test_differing_sums_are_those_that_differ_in_fact(seed, scale):
    random = np.random.default_rng(seed)
    factor = np.float32(2.0 ** (random.integers(-14, 1) if scale == "power of two" else random.uniform(-14, 1)))
    zero_point, low, high = int(random.integers(-128, 128)), int(-random.integers(40000)), int(random.integers(40000))
    bottom, top = -128 - zero_point, 127 - zero_point
    found = search(np.array([factor]), np.array([low]), np.array([high]), bottom, top)[0]
    sums = np.arange(low, high + 1)
    theirs = np.clip(np.rint(sums.astype(np.float32) * factor), bottom, top).astype(int).tolist()
    ours = by_integers(sums, found.factor, bottom, top)
    wrong = [(s, a, b) for s, a, b in zip(sums.tolist(), theirs, ours, strict=True) if a != b]
    assert list(found.differing) == wrong
    assert len(wrong) <= (256 if scale == "power of two" else 3)


def test_most_factors_are_exact_and_more_than_the_nearest_ones():
    """Four of five for random factors over sums of 19 bits; the factor's own mantissa does not reach that."""
    random = np.random.default_rng(1)
    factors = (2.0 ** random.uniform(-11, -9, 300)).astype(np.float32)
    low, high = np.full(300, -(1 << 18)), np.full(300, 1 << 18)
    exact = sum(not f.differing for f in search(factors, low, high, -128, 127))
    sums, nearest = np.arange(-(1 << 18), (1 << 18) + 1), 0
    for factor in factors[:60]:
        f = Factor.of(float(factor))
        right = 31 - f.shift
        ours = np.clip((sums * f.multiplier + (1 << right >> 1)) >> right, -128, 127)
        nearest += bool((ours == np.clip(np.rint(sums.astype(np.float32) * factor), -128, 127)).all())
    assert exact / 300 > 0.75
    assert nearest / 60 < exact / 300


@pytest.mark.parametrize("kind", ["conv", "depthwise", "matrix", "global_average_pool"])
def test_networks_scaled_by_integers_equal_onnx_runtime_where_the_factors_are_exact(kind):
    compared = 0
    for seed in range(40):
        network = parse_onnx(random_onnx(kind, seed))
        operator = network.operators[-1]
        inputs, output = [network.tensors[n] for n in operator.inputs], network.output_tensor
        found = exact_factors(operator, inputs, output)
        x = random_input(network.input_tensor.shape, seed)
        theirs = cnn.run(network, x)[output.name]
        factors = {output.name: [(f.factor.multiplier, f.factor.shift) for f in found]}
        ours = cnn_onnx.run(network, x, factors)[output.name]
        exact = np.broadcast_to([not f.differing for f in found], ours.shape)
        assert (theirs[exact] == ours[exact]).all(), f"{kind} seed {seed}"
        compared += int(exact.sum())
    assert compared > 250


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("kind", [Kind.ADD, Kind.SUB, Kind.MUL])
def test_pair_factors_count_the_pairs_that_differ_from_the_golden_network(kind, unsigned):
    random = np.random.default_rng(3)
    values = np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij")
    exact = 0
    for _ in range(12):
        scales = [float(np.float32(2.0**e)) for e in random.uniform(-7, -2, 3)]
        scales[2] *= 0.25 if kind is Kind.MUL else 1
        a, b, y = (
            Tensor(n, (256, 256), (s,), int(random.integers(-128, 128)), unsigned=unsigned)
            for n, s in zip("aby", scales, strict=True)
        )
        operator = Operator(0, kind, ("a", "b"), "y")
        found = exact_pair_factors(operator, [a, b], y)
        theirs = cnn_onnx._OPERATORS[kind](operator, [a, b], y, *(v.astype(np.int8) for v in values))
        assert found.differing <= 2
        if found.example:
            first, second, wanted, given = found.example
            assert theirs[first + 128, second + 128] == wanted != given
        exact += not found.differing
    assert exact >= 9


def test_a_product_rounds_once_because_its_factor_has_no_right_shift():
    found = product_factor(np.float32(0.0031415), 255 * 255, 3, -131, 124)
    assert found.factor.shift == 0
    assert not found.differing


def test_an_average_over_an_even_window_of_the_same_scale_has_sums_that_no_integer_form_decides():
    x = Tensor("x", (1, 4, 4, 1), (0.1,), 3)
    y = Tensor("y", (1, 2, 2, 1), (0.1,), 3)
    assert len(average_pool_factor(x, y, 4, 4).differing) == 255  # 2 modulo 4
    assert average_pool_factor(x, y, 9, 9).differing == ()


def test_a_note_names_operator_channels_and_the_first_sum():
    operator = Operator(7, Kind.CONV_2D, ("x", "w"), "y")
    exact = ExactFactor(Factor.of(0.01))
    assert difference_note(operator, [exact, exact]) is None
    note = difference_note(operator, [exact, ExactFactor(Factor.of(0.01), ((1250, 12, 13), (1450, 14, 15)))])
    assert note == (
        "operator 7 (CONV_2D) gives another result than ONNX Runtime for 2 sums in 1 of 2 channels; "
        "the first, sum 1250 in channel 1, gives 13 and not 12"
    )


@needs_data
@pytest.mark.parametrize(("name", "most"), [("mobilenet_v1", 3), ("resnet", 1)])
def test_public_networks_by_integers_differ_in_hardly_an_activation(name, most):
    """Each layer on the inputs that ONNX Runtime gives it; ``pytest -s`` prints the counts of docs/compiler.md."""
    network = read_onnx(DATA / "onnx" / f"mlperf13_{name}.onnx")
    found, nearest = {}, {}
    for o in network.operators:
        if o.kind in SCALED:
            inputs, output = [network.tensors[n] for n in o.inputs], network.tensors[o.output]
            factors = [f.factor for f in exact_factors(o, inputs, output)]
            found[o.output] = [(f.multiplier, f.shift) for f in factors]
            real = onnx_factors.float_factors(o, inputs, output)
            nearest[o.output] = [(f.multiplier, f.shift) for f in map(Factor.of, real.tolist())]
    wrong, compared = [0, 0], 0
    for seed in range(10):
        x = random_input(network.input_tensor.shape, seed)
        values = {network.input: x, **cnn.run(network, x)}
        for o in network.operators:
            if o.output not in found:
                continue
            one = replace(network, operators=(o,), input=o.inputs[0], output=o.output)
            compared += values[o.output].size
            for i, factors in enumerate((found, nearest)):
                y = cnn_onnx.run(one, values[o.inputs[0]], {o.output: factors[o.output]})[o.output]
                wrong[i] += int((y != values[o.output]).sum())
    print(f"{name}: {wrong[0]} of {compared:,} activations differ, {wrong[1]} with the nearest factors")
    assert wrong[0] <= min(most, wrong[1])


@needs_data
@pytest.mark.parametrize(("name", "channels", "least"), [("mobilenet_v1", 2738, 2680), ("resnet", 346, 315)])
def test_public_networks_are_exact_in_most_channels(name, channels, least):
    network = read_onnx(DATA / "onnx" / f"mlperf13_{name}.onnx")
    found: list[ExactFactor] = []
    reach = 0
    for o in network.operators:
        inputs, output = [network.tensors[n] for n in o.inputs], network.tensors[o.output]
        if o.kind in SCALED:
            found += exact_factors(o, inputs, output)
            low, high = onnx_factors.reachable_sums(o, inputs)
            reach += int((high - low + 1).sum())
        elif o.kind is Kind.ADD:
            assert exact_pair_factors(o, inputs, output).differing == 0
    total = sum(len(f.differing) for f in found)
    exact = sum(not f.differing for f in found)
    print(f"{name}: {exact} of {len(found)} channels exact, {total} of {reach:,} sums differ")
    assert len(found) == channels
    assert exact >= least
    assert total <= 69
