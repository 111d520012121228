"""Cuts weights and parameters into memory words in the order in which the engine consumes them."""

import numpy as np

from ..configurations import Configuration
from ..formats import PARAMETER, LayerOp
from .schedule import Layer


def chunks_of(layer: Layer, configuration: Configuration) -> int:
    """Words that one kernel row of a convolution is long."""
    return -(-layer.kernel[1] * layer.in_shape[2] // configuration.lanes) if layer.op is LayerOp.CONV else 0


def groups_of(layer: Layer, configuration: Configuration) -> int:
    """Passes over the output channels."""
    width = configuration.columns if layer.op is LayerOp.CONV else configuration.lanes
    return -(-layer.out_shape[2] // width)


def clocks_of(layer: Layer, configuration: Configuration) -> int:
    """Words that the engine reads for the layer: the clocks it takes at least."""
    rows, columns, channels = layer.out_shape
    if layer.op is LayerOp.ADD:
        return -(-rows * columns * channels // configuration.requantisers)
    steps = layer.kernel[0] * (chunks_of(layer, configuration) if layer.op is LayerOp.CONV else layer.kernel[1])
    return rows * columns * groups_of(layer, configuration) * steps


def pack_weights(layer: Layer, configuration: Configuration) -> np.ndarray:
    """Weight words, int8 of shape (words, columns * lanes); byte ``column * lanes + lane``."""
    lanes, columns = configuration.lanes, configuration.columns
    groups = groups_of(layer, configuration)
    if layer.weights is None:
        return np.zeros((0, columns * lanes), np.int8)
    if layer.op is LayerOp.CONV:
        out, rows, width, depth = layer.weights.shape
        chunks = chunks_of(layer, configuration)
        padded = np.zeros((groups * columns, rows, chunks * lanes), np.int8)
        padded[:out, :, : width * depth] = layer.weights.reshape(out, rows, width * depth)
        by_word = padded.reshape(groups, columns, rows, chunks, lanes).transpose(0, 2, 3, 1, 4)
        return by_word.reshape(-1, columns * lanes)
    rows, width, channels = layer.weights.shape
    words = -(-rows * width // columns)
    padded = np.zeros((words * columns, groups * lanes), np.int8)
    padded[: rows * width, :channels] = layer.weights.reshape(rows * width, channels)
    by_word = padded.reshape(words, columns, groups, lanes).transpose(2, 0, 1, 3)
    return by_word.reshape(-1, columns * lanes)


def pack_parameters(layer: Layer, configuration: Configuration) -> np.ndarray:
    """Parameter words, uint32 of shape (words, requantisers * 3); every group begins with a new word."""
    entry_words = -(-PARAMETER.bits // 32)
    width = configuration.requantisers
    if layer.biases is None:
        return np.zeros((0, width * entry_words), np.uint32)
    group = configuration.columns if layer.op is LayerOp.CONV else configuration.lanes
    beats = -(-group // width)
    packed = np.zeros((groups_of(layer, configuration), beats * width, entry_words), np.uint32)
    for channel, (bias, factor) in enumerate(zip(layer.biases, layer.factors, strict=True)):
        entry = {"bias": int(bias), "multiplier": factor.multiplier, "shift": factor.shift}
        packed[channel // group, channel % group] = PARAMETER.words(entry)
    return packed.reshape(-1, width * entry_words)
