"""Another network for the line's settings: the same input, the same grid and scales, other weights in fewer layers."""

import numpy as np

from ocellus import networks
from ocellus.compiler.tflite_file import parse_network
from ocellus.networks import NetworkFile
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.sensor.networks import convolution

SEED = 3


def another() -> NetworkFile:
    """Finds things, but nothing sensible."""
    line = networks.default()
    x, y = line.network.input_tensor, line.network.output_tensor
    random, model = np.random.default_rng(SEED), ModelBuilder()
    between = Quantisation(0.02, -7)
    handle = model.input(x.shape, Quantisation(x.scale, x.zero_point))
    handle = convolution(random, model, "CONV_2D", handle, 8, 3, 2, between)
    handle = convolution(random, model, "DEPTHWISE_CONV_2D", handle, 8, 3, 2, between)
    handle = convolution(random, model, "CONV_2D", handle, y.shape[3], 1, 1, Quantisation(y.scale, y.zero_point))
    return networks.describe(
        parse_network(model.build(handle), "another"),
        line.description() | {"name": "another"},
        "another",
    )
