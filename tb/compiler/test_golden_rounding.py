"""Rules of rounding that random networks hardly ever show: which products are float32, and rounding once."""

import numpy as np
import pytest

from ocellus.compiler.tflite_file import parse_network
from ocellus.formats import Arithmetic
from ocellus_sim.compare import first_difference
from ocellus_sim.golden import cnn, cnn_arithmetic
from tb import oracle
from tb.compiler.test_golden_network import AXES, assert_equals_litert
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.dice import Dice

QUOTIENTS = [(0.0912514328956604, 0.5987144112586975), (0.07176554948091507, 0.18947730958461761)]
"""Scales of input and output whose quotient as float32 rounds some value otherwise than as double."""
PRODUCTS = [
    (0.7965114712715149, 0.19451533257961273, 39.0583381652832),
    (0.32269036769866943, 0.6235871315002441, 17.009830474853516),
]
"""The same for the product of two scales by the output's: three float32 roundings, one, or none differ."""


def requantised(values: np.ndarray, real: float) -> list[int]:
    return cnn_arithmetic.requantise(values, [cnn_arithmetic.multiplier(real)]).tolist()


@pytest.mark.parametrize("zero_point", [-128, 127])
@pytest.mark.parametrize(("scale", "out"), QUOTIENTS)
def test_quotients_of_scales_are_float32_or_double_as_the_kernel_has_them(scale, out, zero_point):
    values = np.arange(-255, 256)
    assert requantised(values, float(np.float32(scale) / np.float32(out))) != requantised(values, scale / out)
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    for kind in ("RELU", "QUANTIZE", "LEAKY_RELU", "PRELU", "MEAN"):
        model = ModelBuilder()
        source, q = model.input(x.shape, Quantisation(scale, zero_point)), Quantisation(out, zero_point)
        match kind:
            case "LEAKY_RELU":
                y = model.leaky_relu(source, 1.0, q)
            case "PRELU":
                y = model.prelu(source, model.constant(np.ones((1, 1, 1)), Quantisation(1.0)), q)
            case "MEAN":  # over one element
                y = model.mean(model.reshape(source, (1, 1, 1, 256)), [1, 2], q)
            case _:
                y = model.function(kind, source, q)
        assert_equals_litert(model.build(y), x, f"{kind} from {scale} to {out}")


@pytest.mark.parametrize(("scale", "other", "out"), PRODUCTS)
def test_products_of_scales_are_float32_in_every_step(scale, other, out):
    values = np.unique(np.multiply.outer(np.arange(-255, 256), np.arange(-255, 256)))
    a, b, c = (np.float32(s) for s in (scale, other, out))
    reals = {float(a * b / c), float(a * b) / out, scale * other / out}
    assert len({tuple(requantised(values, real)) for real in reals}) > 1
    every = np.arange(-128, 128).astype(np.int8)
    x = np.repeat(every, 256).reshape(1, 256, 1, 256)  # against every value of the constant
    for kind in ("MUL", "PRELU"):
        for one, two in ((one, two) for one in (-128, 127) for two in (-128, 127)):
            model = ModelBuilder()
            source, q = model.input(x.shape, Quantisation(scale, one)), Quantisation(out)
            constant = model.constant(every.reshape(1, 1, 1, 256), Quantisation(other, two))
            y = model.pair("MUL", source, constant, q) if kind == "MUL" else model.prelu(source, constant, q)
            assert_equals_litert(model.build(y), x, f"{kind} of {scale} and {other} to {out}")


@pytest.mark.parametrize("channels", [1, 2])
def test_a_fully_connected_layer_rounds_the_product_of_scales_only_where_there_is_one(channels):
    """Every bias is a tie between the multiplier from float32 and the one from double."""
    s_in, s_w, s_out = (float(np.float32(s)) for s in (0.1, 0.3, 300000.0))
    single, double = float(np.float32(s_in) * np.float32(s_w)) / s_out, s_in * s_w / s_out
    bias = np.array([round((k + 0.5) / ((single + double) / 2)) for k in range(20, 100)])
    assert all(int(b * single + 0.5) != int(b * double + 0.5) for b in bias)
    x = np.zeros((1, 4), np.int8)
    for first in range(0, len(bias), channels):
        model = ModelBuilder()
        source, some = model.input((1, 4), Quantisation(s_in)), bias[first : first + channels]
        scales = np.full(channels, s_w)
        y = model.fully_connected(source, np.zeros((channels, 4)), some, scales, Quantisation(s_out))
        assert_equals_litert(model.build(y), x, f"{channels} scales, bias {some}")


def test_rounding_once_takes_halves_up():
    """Worked by hand: of 3/2, -3/2, 1/2, -1/2 at multiplier 1/2, and of 6/4, -6/4, 5/4, -7/4 at 1/4."""
    half, quarter = cnn_arithmetic.multiplier(0.5), cnn_arithmetic.multiplier(0.25)
    assert cnn_arithmetic.requantise_once(np.array([3, -3, 1, -1]), [half]).tolist() == [2, -1, 1, 0]
    assert cnn_arithmetic.requantise_once(np.array([6, -6, 5, -7]), [quarter]).tolist() == [2, -1, 1, -2]
    up = cnn_arithmetic.multiplier(3.0)
    assert cnn_arithmetic.requantise_once(np.array([5, -5, (1 << 31) - 1]), [up]).tolist() == [
        15,
        -15,
        3 * ((1 << 31) - 1),
    ]


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_rounding_once_equals_the_default_interpreter(kind):
    """XNNPACK; its kernels read amiss where padding is SAME and a kernel shorter than the stride, so there is none."""
    doubles_differ = 0
    for seed in range(60):
        dice, model = Dice(seed, extreme=False), ModelBuilder()
        if kind == "FULLY_CONNECTED":
            x = model.input((1, dice.number(1, 300)), dice.quantisation())
            y = dice.fully_connected(model, x, dice.number(100, 400))
        else:
            x = model.input((1, dice.number(4, 12), dice.number(4, 12), dice.channels()), dice.quantisation())
            kernel, stride = (dice.number(2, 4), dice.number(2, 4)), dice.stride()
            depthwise = kind == "DEPTHWISE_CONV_2D"
            channels = x.shape[3] if depthwise else dice.channels()
            shape = (1, *kernel, channels) if depthwise else (channels, *kernel, x.shape[3])
            taps, out = int(np.prod(shape)) // channels, dice.quantisation()
            weights, bias, scales = dice.weights(shape, channels, taps, float(x.quantisation.scales[0]), out)
            bias = np.zeros(channels, np.int64) if bias is None else bias
            padding, activation = dice.padding(True), dice.one(("NONE", "RELU", "RELU6"))
            y = model.convolution(kind, x, weights, bias, scales, out, stride, padding, activation)
        content = model.build(y)
        given, network = oracle.random_input(content, seed), parse_network(content)
        want = oracle.run_by_default(content, given)
        once = cnn.run(network, given, Arithmetic.SINGLE)[network.output]
        difference = first_difference(f"{kind} seed {seed}", want, once, AXES)
        assert difference is None, difference
        doubles_differ += not np.array_equal(want, cnn.run(network, given)[network.output])
    assert doubles_differ > 2


@pytest.mark.parametrize("total", [757, -757])
def test_a_mean_drops_the_fraction_of_its_multiplier(total):
    """Over 25 pixels at these scales, the multiplier rounded to nearest gives another result."""
    scale, out = 0.5275002121925354, 0.16747267544269562
    m, e = cnn_arithmetic.multiplier(scale / out)
    factors = [((m << 4) // 25, e - 4), (round((m << 4) / 25), e - 4)]
    dropped, rounded = (cnn_arithmetic.requantise(np.array([total]), [factor])[0] for factor in factors)
    assert dropped != rounded
    x = np.full(25, total // 25)
    x[: total % 25] += 1
    model = ModelBuilder()
    y = model.mean(model.input((1, 5, 5, 1), Quantisation(scale)), [1, 2], Quantisation(out))
    assert_equals_litert(model.build(y), x.astype(np.int8).reshape(1, 5, 5, 1), f"mean of sum {total}")


@pytest.mark.parametrize(("scale", "out"), [(0.036281608045101166, 0.025827547535300255), (0.1, 0.4)])
def test_float_functions_multiply_by_the_inverse_and_round_halves_away_from_zero(scale, out):
    """The first scales differ when divided by; at the second, 1 is 2.5 steps."""
    model = ModelBuilder()
    y = model.function("TANH", model.input((1, 256), Quantisation(scale)), Quantisation(out))
    assert_equals_litert(model.build(y), np.arange(-128, 128).astype(np.int8).reshape(1, 256), "TANH")


def test_sums_beyond_24_bits_are_exact():
    """Odd sums of 6,000 products near the largest; a multiplier of 1 and biases bring them back into int8."""
    taps = 6001
    random = np.random.default_rng(3)
    model = ModelBuilder()
    x = np.where(random.random((1, taps)) < 0.9, 127, random.integers(-128, 128, (1, taps))).astype(np.int8)
    weights = np.where(random.random((8, taps)) < 0.9, 127, random.integers(-127, 128, (8, taps)))
    sums = weights @ (x[0].astype(np.int64) + 128)
    assert sums.min() > 1 << 27
    source = model.input((1, taps), Quantisation(1.0, -128))
    y = model.fully_connected(source, weights, np.arange(8) * 9 - sums, 1.0, Quantisation(1.0))
    content = model.build(y)
    assert_equals_litert(content, x, "long sums")
    network = parse_network(content)
    assert cnn.run(network, x)[network.output].ravel().tolist() == list(range(0, 72, 9))


def test_an_accumulator_wraps_at_32_bits():
    model = ModelBuilder()
    source = model.input((1, 4), Quantisation(1.0))
    bias = np.array([(1 << 31) - 1, -(1 << 31), (1 << 31) - 1000])
    weights = np.array([[1, 0, 0, 0], [-1, 0, 0, 0], [10, 10, 10, 10]])
    content = model.build(model.fully_connected(source, weights, bias, 2.0**-25, Quantisation(1.0)))
    x = np.array([[100, 90, 80, 70]], np.int8)
    assert_equals_litert(content, x, "sums beyond 2^31")
    assert np.sign(cnn.run(parse_network(content), x)["op000_FULLY_CONNECTED"]).tolist() == [[-1, 1, -1]]
