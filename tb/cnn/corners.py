"""Which programs the accelerator is shown: random networks of every operator, and small ones on the corners."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.image import Program
from ocellus.compiler.onnx_file import parse_onnx
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import Configuration
from ocellus.errors import BadInput
from tb.oracle import EVERY_KIND, random_network
from tb.oracle.builder import Handle, ModelBuilder
from tb.oracle.dice import Dice
from tb.oracle.onnx_random import KINDS as ONNX_KINDS
from tb.oracle.onnx_random import random_onnx

from .unusual import harsh, moved

SEEDS = 3
"""Random networks of each kind."""
FORMS = (None, moved, harsh)
"""What becomes of them in turn: they stay as they are compiled, too."""
REFUSED = ("softmax_inside", "resize_bilinear")
"""Kinds of which some networks have no exact form on the array."""
TOO_LARGE = {"ecp5": ("wide",)}
"""Corners that find no room, by configuration."""


def programs(c: Configuration) -> Iterator[tuple[str, Program]]:
    """Names, and the programs of those that fit, in one of :data:`FORMS`; :data:`CORNERS` moved, and harsh.

    The seed of the session draws the random ones. Only kinds in :data:`REFUSED` may be refused; of ONNX's some of
    each may be, whose scales have no exact factors, but not all.
    """
    first = SEEDS * (int(os.environ.get("OCELLUS_SEED", "1")) - 1)
    for kind in (*EVERY_KIND, *(f"onnx {kind}" for kind in ONNX_KINDS)):
        refused = 0
        for seed in range(first, first + SEEDS):
            try:
                program = _random(c, kind, seed)
            except BadInput:
                refused += 1
                if kind not in REFUSED and (refused == SEEDS or kind in EVERY_KIND):
                    raise
                continue
            form = FORMS[seed % len(FORMS)]
            yield f"{kind} {seed}", form(program, seed) if form else program
    for name in CORNERS:
        if name in TOO_LARGE.get(c.name, ()):
            continue
        program = compile_network(parse_network(corner(name), name), c)
        yield name, moved(program, 1)
        yield f"harsh {name}", harsh(program, 1)


def corner(name: str) -> bytes:
    """The ``.tflite`` file of one of :data:`CORNERS`."""
    model = ModelBuilder()
    return model.build(CORNERS[name](Dice(1, extreme=False), model))


def written(c: Configuration, folder: Path) -> list[Path]:
    """Image files of all of them."""
    images = []
    for name, program in programs(c):
        images.append(folder / f"{name.replace(' ', '-')}.ocnn")
        images[-1].write_bytes(program.to_bytes())
    return images


def _random(c: Configuration, kind: str, seed: int) -> Program:
    """Of :data:`~tb.oracle.EVERY_KIND` or, behind ``onnx``, of those of ONNX."""
    if kind.startswith("onnx "):
        network = parse_onnx(random_onnx(kind.removeprefix("onnx "), seed), f"{kind} {seed}")
    else:
        network = parse_network(random_network(kind, seed), f"{kind} {seed}")
    return compile_network(network, c)


def _convolution(
    dice: Dice,
    model: ModelBuilder,
    x: Handle,
    channels: int,
    kernel: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
) -> Handle:
    """As large as its input; ``channels`` 0: depthwise."""
    out, scale = dice.quantisation(), float(x.quantisation.scales[0])
    shape = (channels, *kernel, x.shape[3]) if channels else (1, *kernel, x.shape[3])
    taps = kernel[0] * kernel[1] * (x.shape[3] if channels else 1)
    weights, bias, scales = dice.weights(shape, channels or x.shape[3], taps, scale, out)
    kind = "CONV_2D" if channels else "DEPTHWISE_CONV_2D"
    return model.convolution(kind, x, weights, bias, scales, out, (1, 1), "SAME", "NONE", dilation)


def _picture(dice: Dice, model: ModelBuilder, rows: int, columns: int, channels: int) -> Handle:
    return model.input((1, rows, columns, channels), dice.quantisation())


def _one_command(dice: Dice, model: ModelBuilder) -> Handle:
    """Steps of a single command."""
    x = _convolution(dice, model, _picture(dice, model, 1, 1, 4), 4)
    return _convolution(dice, model, x, 1)


def _far_rows(dice: Dice, model: ModelBuilder) -> Handle:
    """Taps hundreds of rows away."""
    return _convolution(dice, model, _picture(dice, model, 1300, 1, 4), 2, (6, 1), (253, 1))


def _far_columns(dice: Dice, model: ModelBuilder) -> Handle:
    """Taps hundreds of columns away."""
    return _convolution(dice, model, _picture(dice, model, 1, 1300, 4), 2, (1, 6), (1, 101))


def _wide(dice: Dice, model: ModelBuilder) -> Handle:
    """Rows of more than a hundred lines."""
    x = _convolution(dice, model, _picture(dice, model, 3, 1200, 4), 4, (3, 1))
    return _convolution(dice, model, x, 0, (3, 3))


def _deep(dice: Dice, model: ModelBuilder) -> Handle:
    """More sets of weights than wait for their use."""
    x = _convolution(dice, model, _picture(dice, model, 5, 4, 150), 0, (3, 3))
    return _convolution(dice, model, x, 0, (9, 9))


def _tall_windows(dice: Dice, model: ModelBuilder) -> Handle:
    """Windows of several sets that reach over both borders."""
    x = _convolution(dice, model, _picture(dice, model, 11, 5, 5), 0, (7, 7))
    return _convolution(dice, model, x, 0, (13, 4))


def _sums(dice: Dice, model: ModelBuilder) -> Handle:
    """Second operands behind 10 to 18 commands: their results leave at every distance behind the first ones."""
    x = _picture(dice, model, 9, 19, 4)
    for kernel in (*((1, columns) for columns in range(10, 16)), (2, 8), (2, 9)):
        x = model.add(_convolution(dice, model, x, 4, kernel), x, dice.quantisation())
    return x


def _maxima(dice: Dice, model: ModelBuilder) -> Handle:
    """Small numbers that come to every lane with every shift."""
    return model.pool("MAX_POOL_2D", _picture(dice, model, 4, 3, 504), (2, 2), (1, 1))


def _one_channel(dice: Dice, model: ModelBuilder) -> Handle:
    """An output whose words have one byte each."""
    x = _convolution(dice, model, _picture(dice, model, 8, 9, 3), 7)
    return _convolution(dice, model, x, 1, (3, 3))


def _long(dice: Dice, model: ModelBuilder) -> Handle:
    """Hundreds of thousands of clocks."""
    return _convolution(dice, model, _picture(dice, model, 20, 20, 16), 64, (5, 5))


CORNERS: dict[str, Callable[[Dice, ModelBuilder], Handle]] = {
    "one command": _one_command,
    "far rows": _far_rows,
    "far columns": _far_columns,
    "wide": _wide,
    "deep": _deep,
    "tall windows": _tall_windows,
    "sums": _sums,
    "maxima": _maxima,
    "one channel": _one_channel,
    "long": _long,
}
"""Networks on the corners by their names."""
