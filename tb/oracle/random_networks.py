"""Random small networks of the operators that the engine has always had."""

from collections.abc import Callable

import numpy as np

from .builder import Handle, ModelBuilder
from .dice import Dice


def _conv(dice: Dice, model: ModelBuilder) -> Handle:
    return dice.convolution(model, dice.picture(model), dice.channels())


def _depthwise(dice: Dice, model: ModelBuilder) -> Handle:
    return dice.depthwise(model, dice.picture(model))


def _depthwise_single(dice: Dice, model: ModelBuilder) -> Handle:
    return dice.depthwise(model, dice.picture(model, 1), dice.number(1, 20))


def _fully_connected(dice: Dice, model: ModelBuilder) -> Handle:
    x = model.input((dice.number(1, 3) if dice.chance(0.2) else 1, dice.number(1, 300)), dice.quantisation())
    return dice.fully_connected(model, x, dice.number(1, 40))


def _add(dice: Dice, model: ModelBuilder) -> Handle:
    x = dice.picture(model)
    y = dice.convolution(model, x, x.shape[3], pointwise=True)
    a, b = (x, y) if dice.chance(0.5) else (y, x)
    if dice.chance(0.1):
        a = b
    return model.add(a, b, dice.quantisation(), dice.activation())


def _average_pool(dice: Dice, model: ModelBuilder) -> Handle:
    return dice.pool(model, "AVERAGE_POOL_2D", dice.picture(model))


def _max_pool(dice: Dice, model: ModelBuilder) -> Handle:
    return dice.pool(model, "MAX_POOL_2D", dice.picture(model))


def _pad(dice: Dice, model: ModelBuilder) -> Handle:
    x = dice.picture(model)
    return model.pad(x, dice.number(0, 3), dice.number(0, 3), dice.number(0, 3), dice.number(0, 3))


def _reshape(dice: Dice, model: ModelBuilder) -> Handle:
    x = dice.convolution(model, dice.picture(model), dice.channels())
    x = model.reshape(x, (1, int(np.prod(x.shape))))
    return dice.fully_connected(model, x, dice.number(1, 12))


def _softmax(dice: Dice, model: ModelBuilder) -> Handle:
    x = model.input((1, dice.number(1, 64)), dice.quantisation())
    return model.softmax(dice.fully_connected(model, x, dice.number(1, 40)))


def _chain(dice: Dice, model: ModelBuilder) -> Handle:
    x = dice.picture(model)
    kept = [x]
    for _ in range(dice.number(3, 8)):
        kind = dice.one(("conv", "conv", "depthwise", "depthwise", "add", "max", "average", "pad"))
        if kind == "conv":
            x = dice.convolution(model, x, dice.channels())
        elif kind == "depthwise":
            x = dice.depthwise(model, x)
        elif kind == "max":
            x = dice.pool(model, "MAX_POOL_2D", x)
        elif kind == "average":
            x = dice.pool(model, "AVERAGE_POOL_2D", x)
        elif kind == "pad" and max(x.shape) < 16:
            x = model.pad(x, dice.number(0, 2), dice.number(0, 2), dice.number(0, 2), dice.number(0, 2))
        else:
            same = [t for t in kept if t.shape == x.shape]
            y = dice.convolution(model, x, x.shape[3], pointwise=True)
            x = model.add(y, same[0] if same else x, dice.quantisation(), dice.activation())
        kept.append(x)
    if dice.chance(0.6):
        x = model.pool("AVERAGE_POOL_2D", x, (x.shape[1], x.shape[2]), (1, 1))
        x = model.reshape(x, (1, x.shape[3]))
        x = dice.fully_connected(model, x, dice.number(1, 12))
        if dice.chance(0.5):
            x = model.softmax(x)
    return x


MAKERS: dict[str, Callable[[Dice, ModelBuilder], Handle]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "depthwise_single": _depthwise_single,
    "fully_connected": _fully_connected,
    "add": _add,
    "average_pool": _average_pool,
    "max_pool": _max_pool,
    "pad": _pad,
    "reshape": _reshape,
    "softmax": _softmax,
    "chain": _chain,
}
