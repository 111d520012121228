"""A small network that keeps more of the accelerator busy than those of tb/sensor."""

import numpy as np

from ocellus.compiler.graph import Network
from ocellus.compiler.tflite_file import parse_network
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.sensor.networks import INPUT, LABELS, convolution


def residual_network(seed: int) -> Network:
    """Ten labels behind windows of 5 x 5, which are summed in steps, an addition and both pools; random weights."""
    random = np.random.default_rng(seed)
    model = ModelBuilder()
    x = model.input((1, *INPUT), Quantisation(1 / 255, -128))
    x = convolution(random, model, "CONV_2D", x, 8, 3, 2, Quantisation(0.02, 3))
    y = convolution(random, model, "DEPTHWISE_CONV_2D", x, 8, 5, 1, Quantisation(0.02, -7))
    x = model.add(x, y, Quantisation(0.03, 5))
    x = model.pool("MAX_POOL_2D", x, (2, 2), (2, 2))
    x = model.pool("AVERAGE_POOL_2D", x, (4, 6), (1, 1))
    x = model.reshape(x, (1, 8))
    weights = random.integers(-127, 128, (LABELS, 8))
    x = model.fully_connected(x, weights, random.integers(-2000, 2000, LABELS), 0.002, Quantisation(0.01, 0))
    return parse_network(model.build(x), "residual")
