"""Random small networks of every other operator of the graph."""

from collections.abc import Callable

import numpy as np

from .builder import Handle, ModelBuilder, Quantisation
from .dice import Dice

Maker = Callable[[Dice, ModelBuilder], Handle]


def _dilated(kind: str) -> Maker:
    """Dilation, strides to 5, kernels to 15 and, for a depthwise convolution, depth multipliers."""

    def make(dice: Dice, model: ModelBuilder) -> Handle:
        x = model.input((1, dice.number(1, 24), dice.number(1, 24), dice.number(1, 9)), dice.quantisation())
        kernel = dice.one((dice.kernel(), dice.kernel(), (dice.number(1, 15), dice.number(1, 15))))
        dilation = (dice.number(1, 4), dice.number(1, 4)) if dice.chance(0.7) else (1, 1)
        stride = (dice.number(1, 5), dice.number(1, 5)) if dice.chance(0.5) else (1, 1)
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        depthwise = kind == "DEPTHWISE_CONV_2D"
        channels = x.shape[3] * dice.number(1, 4) if depthwise else dice.channels()
        shape = (1, *kernel, channels) if depthwise else (channels, *kernel, x.shape[3])
        taps = int(np.prod(kernel)) * (1 if depthwise else x.shape[3])
        out = dice.quantisation()
        weights, bias, scales = dice.weights(shape, channels, taps, float(x.quantisation.scales[0]), out)
        bias = np.zeros(channels, np.int64) if bias is None else bias
        padding = dice.padding(reach[0] <= x.shape[1] and reach[1] <= x.shape[2])
        return model.convolution(
            kind, x, weights, bias, scales, out, stride, padding, dice.activation(), dilation
        )  # fmt: skip

    return make


def _transpose_conv(dice: Dice, model: ModelBuilder) -> Handle:
    x, kernel = dice.picture(model), dice.kernel()
    stride, padding = (dice.number(1, 4), dice.number(1, 4)), dice.one(("SAME", "VALID"))
    # as many pixels as a convolution brings back to the input's
    ends = [k if padding == "VALID" else 1 for k in kernel]
    size = [(n - 1) * s + end + dice.number(0, s - 1) for n, s, end in zip(x.shape[1:3], stride, ends, strict=True)]
    channels, out = dice.channels(), dice.quantisation()
    weights, bias, scales = dice.weights(
        (channels, *kernel, x.shape[3]), channels, int(np.prod(kernel)) * x.shape[3],
        float(x.quantisation.scales[0]), out,
    )  # fmt: skip
    return model.transpose_convolution(
        x, weights, bias, scales, out, (size[0], size[1]), stride, padding, dice.activation()
    )


def _fully_connected_channels(dice: Dice, model: ModelBuilder) -> Handle:
    x = model.input((dice.number(1, 3), dice.number(1, 300)), dice.quantisation())
    out, channels = dice.quantisation(), dice.number(2, 40)
    shape = (channels, x.shape[1])
    weights, bias, scales = dice.weights(shape, channels, x.shape[1], float(x.quantisation.scales[0]), out)
    scales = np.resize(scales, channels)
    return model.fully_connected(x, weights, bias, scales, out, dice.activation())


def _pair(kind: str) -> Maker:
    """Two activations, or one and a constant, in any order; one of them may repeat along any dimension."""

    def make(dice: Dice, model: ModelBuilder) -> Handle:
        x = dice.picture(model)
        shape = tuple(n if dice.chance(0.5) else 1 for n in x.shape)
        shape = dice.one((x.shape, shape, shape, (x.shape[3],), (1, 1, x.shape[3]), ()))
        if dice.chance(0.4):
            y = model.constant(dice.random.integers(-128, 128, shape), dice.quantisation())
        elif len(shape) < 4 or shape == x.shape:
            y = dice.convolution(model, x, x.shape[3], pointwise=True)
        else:  # slices of what repeats, and its second place where there is one
            begin = [0 if n == m else dice.number(0, m - 1) for n, m in zip(shape, x.shape, strict=True)]
            end = [b + n for b, n in zip(begin, shape, strict=True)]
            y = model.function("QUANTIZE", model.strided_slice(x, begin, end, [1] * 4), dice.quantisation())
        a, b = (x, y) if dice.chance(0.5) else (y, x)
        out = dice.quantisation()
        if kind == "MUL":
            product = float(a.quantisation.scales[0]) * float(b.quantisation.scales[0])
            out = dice.scaled(product * 128, out)
        return model.pair(kind, a, b, out, dice.activation())

    return make


def _mean(dice: Dice, model: ModelBuilder) -> Handle:
    if dice.chance(0.2):
        x = model.input((1, dice.number(1, 40), dice.channels()), dice.quantisation())
        axes = dice.one(([1], [-2]))
    else:
        x = dice.picture(model)
        axes = dice.one(([1, 2], [1, 2], [2, 1], [-2, -3], [1], [2], [-2], [1, 1]))
    return model.mean(x, axes, dice.scaled(float(x.quantisation.scales[0]), dice.quantisation()), dice.chance(0.5))


def _concatenation(dice: Dice, model: ModelBuilder) -> Handle:
    if dice.chance(0.2):
        x = model.input((1, dice.number(1, 9), dice.channels()), dice.quantisation())
        return model.concatenation([x, model.function("RELU", x, x.quantisation), x], dice.one((1, 2, -1)))
    x, axis = dice.picture(model), dice.one((1, 2, 3, 3, 3, -1))
    parts = [x]
    for _ in range(dice.number(0, 3)):
        y = model.function("QUANTIZE", x, Quantisation(x.quantisation.scales[0], dice.number(-128, 127)))
        y = model.function(dice.one(("QUANTIZE", "RELU")), y, x.quantisation)
        if dice.chance(0.5):
            end = list(x.shape)
            end[axis] = dice.number(1, end[axis])
            y = model.strided_slice(y, [0] * 4, end, [1] * 4)
        parts.append(y)
    return model.concatenation(parts, axis)


def _strided_slice(dice: Dice, model: ModelBuilder) -> Handle:
    x = dice.picture(model)
    begin, end, step, masks = [0], [1], [1], [0, 0, 0]
    for i, size in enumerate(x.shape[1:], 1):
        low = dice.number(0, size - 1)
        high = dice.number(low + 1, size)
        begin.append(low - size if dice.chance(0.2) else low)
        end.append(
            high - size if high < size and dice.chance(0.2) else high + (dice.number(0, 9) if high == size else 0)
        )
        step.append(dice.number(1, 3))
        masks[0] |= dice.chance(0.2) << i
        masks[1] |= dice.chance(0.2) << i
        masks[2] |= (dice.chance(0.15) and not masks[0] >> i & 1) << i
    masks[2] |= dice.chance(0.1) << 0
    return model.strided_slice(x, begin, end, step, (masks[0], masks[1], masks[2]))


def _resize(kind: str) -> Maker:
    def make(dice: Dice, model: ModelBuilder) -> Handle:
        x = dice.picture(model)
        size = (dice.number(1, 30), dice.number(1, 30))
        if dice.chance(0.4):
            size = (x.shape[1] * dice.number(1, 4), x.shape[2] * dice.number(1, 4))
        corners, half = dice.one(((False, False), (True, False), (False, True)))
        return model.resize(kind, x, size, corners, half)

    return make


def _function(kind: str) -> Maker:
    """Over all 256 values, at any pair of scales that the operator knows."""

    def make(dice: Dice, model: ModelBuilder) -> Handle:
        x = model.input((1, 8, 32, dice.number(1, 3)), dice.wide_quantisation())
        scale = float(x.quantisation.scales[0])
        out = dice.scaled(scale, dice.quantisation())
        match kind:
            case "LOGISTIC":
                out = Quantisation(1 / 256, -128)
            case "TANH" if dice.chance(0.7):
                out = Quantisation(1 / 128, 0)
            case "TANH":
                out = dice.quantisation()
            case "HARD_SWISH":
                out = Quantisation(scale * 2.0 ** dice.random.uniform(-6, 3), out.zero_point)
            case "LEAKY_RELU":
                alpha = float(dice.random.uniform(-1, 2)) if dice.chance(0.5) else dice.one((0.0, 0.1, 0.2, 0.25, 0.5))
                return model.leaky_relu(x, alpha, out)
        return model.function(kind, x, out)

    return make


def _prelu(dice: Dice, model: ModelBuilder) -> Handle:
    x = model.input((1, dice.number(1, 9), dice.number(1, 30), dice.channels()), dice.quantisation())
    shape = dice.one(((1, 1, x.shape[3]), (1, 1, 1, x.shape[3]), (x.shape[3],), (1, *x.shape[1:]), (1, 1, 1)))
    slopes = model.constant(dice.random.integers(-128, 128, shape), dice.quantisation())
    return model.prelu(x, slopes, dice.scaled(float(x.quantisation.scales[0]), dice.quantisation()))


def _quantize_uint8(dice: Dice, model: ModelBuilder) -> Handle:
    """uint8 at both ends, sometimes with a scale of their own."""
    moved = dice.quantisation()
    q = Quantisation(moved.scale, moved.zero_point + 128)
    x = model.input((1, 8, 32, 1), q, kind="UINT8")
    x = model.function("QUANTIZE", x, moved if dice.chance(0.5) else dice.scaled(float(q.scales[0]), moved))
    near = float(x.quantisation.scales[0]) * 2.0 ** dice.random.uniform(-3, 3)
    y = model.function("RELU", x, Quantisation(near, dice.number(-128, 127)))
    end = y.quantisation if dice.chance(0.5) else dice.scaled(float(y.quantisation.scales[0]), dice.quantisation())
    end = Quantisation(end.scale, end.zero_point + 128)
    return model.operator("QUANTIZE", [y], model.tensor("end", y.shape, end, kind="UINT8"))


def _softmax_inside(dice: Dice, model: ModelBuilder) -> Handle:
    x = model.softmax(dice.picture(model), dice.one((1.0, 0.5, 2.0)))
    return dice.convolution(model, x, dice.channels())


def _mixture(dice: Dice, model: ModelBuilder) -> Handle:
    """What newer networks are made of: gates, pyramids, branches that join again."""
    x = dice.convolution(model, dice.picture(model), dice.channels())
    kept = [x]
    for _ in range(dice.number(2, 6)):
        match dice.one(("gate", "swish", "join", "up", "down", "residual", "slope")):
            case "gate":  # squeeze and excite
                y = dice.convolution(model, model.mean(x, [1, 2], x.quantisation), x.shape[3], pointwise=True)
                y = model.function("LOGISTIC", y, Quantisation(1 / 256, -128))
                x = model.pair("MUL", x, y, x.quantisation)
            case "swish":
                x = model.function("HARD_SWISH", x, x.quantisation)
            case "join":
                same = [t for t in kept if t.shape[1:3] == x.shape[1:3]]
                y = model.function("QUANTIZE", dice.one(same or [x]), x.quantisation)
                x = model.concatenation([x, y], 3)
            case "up" if max(x.shape[1:3]) < 12:
                kind = dice.one(("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"))
                x = model.resize(kind, x, (2 * x.shape[1], 2 * x.shape[2]), half_pixel=dice.chance(0.5))
            case "up" | "down":
                x = dice.depthwise(model, x)
            case "residual":
                y = dice.convolution(model, x, x.shape[3], pointwise=True)
                x = model.pair(dice.one(("ADD", "SUB")), x, y, dice.quantisation(), dice.activation())
            case "slope":
                x = model.leaky_relu(x, 0.1, dice.quantisation())
        if x.shape[3] > 40:
            x = model.strided_slice(x, [0, 0, 0, 1], [0, 0, 0, 0], [1, 1, 1, 2], (7, 15, 0))
        kept.append(x)
    return x


MAKERS: dict[str, Maker] = {
    "conv_dilated": _dilated("CONV_2D"),
    "depthwise_dilated": _dilated("DEPTHWISE_CONV_2D"),
    "transpose_conv": _transpose_conv,
    "fully_connected_channels": _fully_connected_channels,
    "add_any": _pair("ADD"),
    "sub": _pair("SUB"),
    "mul": _pair("MUL"),
    "mean": _mean,
    "concatenation": _concatenation,
    "strided_slice": _strided_slice,
    "resize_nearest": _resize("RESIZE_NEAREST_NEIGHBOR"),
    "resize_bilinear": _resize("RESIZE_BILINEAR"),
    "quantize": _function("QUANTIZE"),
    "quantize_uint8": _quantize_uint8,
    "logistic": _function("LOGISTIC"),
    "tanh": _function("TANH"),
    "hard_swish": _function("HARD_SWISH"),
    "relu": _function("RELU"),
    "relu6": _function("RELU6"),
    "relu_n1_to_1": _function("RELU_N1_TO_1"),
    "leaky_relu": _function("LEAKY_RELU"),
    "prelu": _prelu,
    "softmax_inside": _softmax_inside,
    "mixture": _mixture,
}
