"""Weights in the order in which the array takes them, and the requantiser's parameters."""

import numpy as np

from ...configurations import PIXELS, Configuration
from ...program_formats import LayerOp
from .geometry import Walk
from .layers import ArrayLayer


def groups_of(layer: ArrayLayer, sizes: Configuration) -> int:
    """Groups of output channels: of ``outputs`` for POINT, of a word otherwise."""
    return -(-layer.out_shape[2] // (sizes.outputs if layer.op is LayerOp.POINT else sizes.word))


def chunks_of(layer: ArrayLayer, sizes: Configuration) -> int:
    """Input channels in steps of ``inputs``."""
    return -(-layer.in_shape[2] // sizes.inputs)


def pack_weights(layer: ArrayLayer, sizes: Configuration, way: Walk, swapped: bool) -> np.ndarray:
    """int8, (words, inputs * outputs)."""
    if layer.weights is None:
        return np.zeros((0, sizes.lanes), np.int8)
    pack = _point if layer.op is LayerOp.POINT else _window
    return pack(layer, layer.weights, sizes, way, swapped)


def _point(layer: ArrayLayer, weights: np.ndarray, sizes: Configuration, way: Walk, swapped: bool) -> np.ndarray:
    """A word for each group, kernel row, kernel column and chunk."""
    out, rows, columns, channels = weights.shape
    groups, chunks = groups_of(layer, sizes), chunks_of(layer, sizes)
    padded = np.zeros((groups * sizes.outputs, rows, columns, chunks * sizes.inputs), np.int8)
    padded[:out, :, :, :channels] = weights
    words = padded.reshape(groups, sizes.outputs, rows, columns, chunks, sizes.inputs)
    return words.transpose(0, 2, 3, 4, 1, 5).reshape(-1, sizes.lanes)


def _window(layer: ArrayLayer, weights: np.ndarray, sizes: Configuration, way: Walk, swapped: bool) -> np.ndarray:
    """A set of nine taps for each channel word and pass; a pass takes ``tap_rows`` rows and ``tap_columns`` columns."""
    if layer.repeats > 1:
        weights = _shared_out(weights, layer.repeats, way.tap_columns)
    if layer.shared:
        weights, (down, right) = np.broadcast_to(weights, (way.tap_rows, way.tap_columns, weights.shape[2])), (1, 1)
    else:
        down, right = way.passes
    rows, columns, channels = weights.shape
    groups = groups_of(layer, sizes)
    padded = np.zeros((down * way.tap_rows, right * way.tap_columns, groups * sizes.word), np.int8)
    before = int(way.inner(layer, sizes))
    padded[:rows, before : columns + before, :channels] = weights
    taps = padded.reshape(down, way.tap_rows, right, way.tap_columns, groups, sizes.word)
    sets = np.zeros((groups, down, right, 3, 3, sizes.word), np.int8)
    sets[:, :, :, : way.tap_rows, : way.tap_columns] = taps.transpose(4, 0, 2, 1, 3, 5)
    if swapped:
        sets = sets[:, :, :, [0, 2, 1]]
    words = np.zeros((groups * down * right, sizes.window_words * sizes.lanes), np.int8)
    words[:, : PIXELS * sizes.word] = sets.reshape(len(words), -1)
    return words.reshape(-1, sizes.lanes)


def _shared_out(weights: np.ndarray, repeats: int, columns: int) -> np.ndarray:
    """Weights of kernels of up to ``columns`` columns as sums of ``repeats`` ones, a kernel beside the other."""
    padded = np.pad(weights, ((0, 0), (0, columns - weights.shape[1]), (0, 0))).astype(np.int64)
    whole, rest = divmod(padded, repeats)
    return np.concatenate([whole + (rest > n) for n in range(repeats)], axis=1)


def pack_parameters(layer: ArrayLayer, sizes: Configuration) -> np.ndarray:
    """uint32, (words, parameter_lanes, 3): each group begins with a word of its own; what is behind it is 0."""
    channels = layer.out_shape[2]
    size = sizes.outputs if layer.op is LayerOp.POINT else sizes.word
    groups, lanes = groups_of(layer, sizes), sizes.parameter_lanes
    words = -(-size // lanes)
    entries = np.zeros((groups * size, 3), np.int64)
    entries[:channels, 0] = layer.biases
    entries[:channels, 1] = [factor.multiplier for factor in layer.factors]
    entries[:channels, 2] = [factor.shift & 0xFF for factor in layer.factors]
    padded = np.zeros((groups, words * lanes, 3), np.int64)
    padded[:, :size] = entries.reshape(groups, size, 3)
    return (padded & 0xFFFFFFFF).astype(np.uint32).reshape(groups * words, lanes, 3)
