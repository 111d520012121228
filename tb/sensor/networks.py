"""Two small networks with random weights: a heat map and a vector."""

import numpy as np

from ocellus.compiler.graph import Network
from ocellus.compiler.tflite_file import parse_network
from tb.oracle.builder import Handle, ModelBuilder, Quantisation

INPUT = (16, 24, 3)
CLASSES = 2
GRID = (8, 12)
LABELS = 10
MAPPED = Quantisation(0.05, -20)


def convolution(
    random: np.random.Generator, model: ModelBuilder, kind: str, x: Handle, channels: int, kernel: int, stride: int,
    out: Quantisation,
) -> Handle:  # fmt: skip
    """Weights such that the outputs spread over the range."""
    depthwise = kind == "DEPTHWISE_CONV_2D"
    shape = (1, kernel, kernel, channels) if depthwise else (channels, kernel, kernel, x.shape[3])
    taps = kernel * kernel * (1 if depthwise else x.shape[3])
    weights = random.integers(-127, 128, shape)
    scale = np.full(channels, 60 * out.scales[0] / (x.quantisation.scales[0] * 73 * 73 * np.sqrt(taps)), np.float32)
    bias = random.integers(-20_000, 20_000, channels)
    return model.convolution(kind, x, weights, bias, scale, out, (stride, stride))


def heatmap_model(seed: int) -> bytes:
    """A .tflite file: three convolutions, 8 x 12 cells of two classes and a box."""
    random = np.random.default_rng(seed)
    model = ModelBuilder()
    x = model.input((1, *INPUT), Quantisation(1 / 255, -128))
    x = convolution(random, model, "CONV_2D", x, 8, 3, 2, Quantisation(0.02, 3))
    x = convolution(random, model, "DEPTHWISE_CONV_2D", x, 8, 3, 1, Quantisation(0.02, -7))
    x = convolution(random, model, "CONV_2D", x, CLASSES + 4, 1, 1, MAPPED)
    return model.build(x)


def heatmap_network(seed: int) -> Network:
    """The network of :func:`heatmap_model`."""
    return parse_network(heatmap_model(seed), "heatmap")


def vector_model(seed: int) -> bytes:
    """A .tflite file: a convolution, an average pool and ten labels."""
    random = np.random.default_rng(seed)
    model = ModelBuilder()
    x = model.input((1, *INPUT), Quantisation(1 / 255, -128))
    x = convolution(random, model, "CONV_2D", x, 8, 3, 2, Quantisation(0.02, 3))
    x = model.pool("AVERAGE_POOL_2D", x, (8, 12), (1, 1))
    x = model.reshape(x, (1, 8))
    weights = random.integers(-127, 128, (LABELS, 8))
    x = model.fully_connected(x, weights, random.integers(-2000, 2000, LABELS), 0.002, Quantisation(0.01, 0))
    return model.build(x)


def vector_network(seed: int) -> Network:
    """The network of :func:`vector_model`."""
    return parse_network(vector_model(seed), "vector")
