"""Inputs of a network: from files, and at random."""

from itertools import dropwhile
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ocellus.compiler.graph import Network, Runtime
from ocellus.errors import BadInput
from ocellus.networks import NetworkFile

RAW = (".dat", ".bin", ".raw")
_ONE_END = 0.1
"""Share of random values that lie at one end of the range, as the background of a picture does."""


def random_input(network: Network, seed: int) -> np.ndarray:
    """int8 over the whole range, with many at one end of it; where there is room, every value occurs."""
    shape = network.input_tensor.shape
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape, dtype=np.int8)
    x = np.where(random.random(shape) < _ONE_END, random.choice(np.array([-128, 127], np.int8)), x)
    if x.size >= 256:
        x.ravel()[:256] = random.permutation(256) - 128
    return x


def read_input(path: str | Path, file: NetworkFile, unsigned: bool) -> np.ndarray:
    """The input in a file, int8 in the graph's shape.

    .npy holds int8 or real values in the input's shape; .dat, .bin and .raw hold the bytes of one tensor; everything
    else is a picture, which is scaled and quantised. ``unsigned``: integers are uint8, as the file has its input.
    :class:`BadInput` when it is none of these or has another size.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path}: found no file, allowed .npy, {', '.join(RAW)} or a picture")
    match path.suffix.lower():
        case ".npy":
            x = _from_array(path, file.network, unsigned)
            x = _in_order(path, file.network, x)
        case suffix if suffix in RAW:
            x = _signed(np.frombuffer(path.read_bytes(), np.int8), unsigned)
        case _:
            x = _from_picture(path, file)
    t = file.network.input_tensor
    if x.size != t.size:
        raise BadInput(f"{path}: found {x.size} values, allowed {t.size} ({'x'.join(map(str, t.shape))})")
    return np.ascontiguousarray(x.reshape(t.shape))


def _signed(values: np.ndarray, unsigned: bool) -> np.ndarray:
    """Bytes as the graph has them: 128 less where they are uint8."""
    return (values.view(np.uint8) ^ 0x80).view(np.int8) if unsigned else values


def _from_array(path: Path, network: Network, unsigned: bool) -> np.ndarray:
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise BadInput(f"{path}: found no array, allowed an .npy file") from None
    t = network.input_tensor
    kind = np.uint8 if unsigned else np.int8
    if values.dtype == kind:
        return _signed(values, unsigned)
    if values.dtype.kind == "f" and np.isfinite(values).all():
        return np.clip(np.rint(values.astype(np.float64) / t.scale) + t.zero_point, -128, 127).astype(np.int8)
    raise BadInput(f"{path}: found {values.dtype}, allowed {kind.__name__} or finite real values")


def _in_order(path: Path, network: Network, x: np.ndarray) -> np.ndarray:
    """An array of the input's shape, with or without its leading ones; an ``.onnx`` file's may have channels first."""
    shape = network.input_tensor.shape
    first = (shape[0], shape[3], *shape[1:3]) if len(shape) == 4 and network.runtime is Runtime.ONNX else shape

    def plain(numbers: tuple[int, ...]) -> list[int]:
        return list(dropwhile(lambda n: n == 1, numbers))

    if plain(x.shape) == plain(first):
        x = x.reshape(first)
        return x if first == shape else x.transpose(0, 2, 3, 1)
    if plain(x.shape) != plain(shape):
        sizes = " or ".join("x".join(map(str, numbers)) for numbers in dict.fromkeys((first, shape)))
        raise BadInput(f"{path}: found shape {x.shape}, allowed {sizes}")
    return x


def _from_picture(path: Path, file: NetworkFile) -> np.ndarray:
    """Levels of 0 to 255 enter as the network's description says."""
    t = file.network.input_tensor
    rows, columns, channels = t.picture
    if channels not in (1, 3):
        raise BadInput(f"{path}: found a picture for an input of {channels} channels, allowed 1 or 3")
    try:
        with Image.open(path) as image:
            scaled = image.convert("RGB" if channels == 3 else "L").resize((columns, rows), Image.Resampling.BOX)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise BadInput(f"{path}: found no picture, allowed .npy, {', '.join(RAW)} or a picture") from None
    levels = np.asarray(scaled, np.float64).reshape(rows, columns, channels)
    mean, deviation = np.array(file.mean[:channels]), np.array(file.deviation[:channels])
    values = (levels / 255 - mean) / deviation / t.scale + t.zero_point
    return np.clip(np.rint(values), -128, 127).astype(np.int8)
