"""Random small ``.onnx`` networks of every operator: shapes on the corners, odd scales, ties, extreme multipliers."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from .onnx_builder import Handle, OnnxBuilder, Quantisation

CHANNELS = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 20)
SIZES = (1, 2, 3, 4, 5, 6, 7, 9, 11)
T = TypeVar("T")


class _Dice:
    """What is thrown for a network; everything follows from the seed."""

    def __init__(self, seed: int, unsigned: bool) -> None:
        self.random = np.random.default_rng(seed)
        self.low = 0 if unsigned else -128

    def one(self, choices: Sequence[T]) -> T:
        return choices[int(self.random.integers(len(choices)))]

    def number(self, low: int, high: int) -> int:
        """Both ends included."""
        return int(self.random.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def picture(self) -> tuple[int, int, int, int]:
        return 1, self.one(CHANNELS), self.one(SIZES), self.one(SIZES)

    def quantisation(self) -> Quantisation:
        """Scales are powers of two now and then, where ties are many; zero points lie on both ends as well."""
        zero_point = self.number(0, 255) if self.chance(0.7) else self.one((0, 255, 128))
        exponent = float(self.random.uniform(-7, -2))
        scale = 2.0 ** round(exponent) if self.chance(0.3) else 2.0**exponent
        return Quantisation(float(np.float32(scale)), zero_point + self.low)

    def weights(
        self, shape: tuple[int, ...], channels: int, taps: int, x: Quantisation, out: Quantisation
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Weights, scales and bias: mostly such that outputs spread over the range, sometimes extreme."""
        weights = self.random.integers(-128, 128, shape)
        spread = 73.0 * 73.0 * np.sqrt(taps)
        exponent = self.random.uniform(-1.5, 1.5, channels)
        if self.chance(0.15):
            exponent = self.random.uniform(-25, 12, channels)
        multiplier = 2.0**exponent * 60 / spread
        if self.chance(0.3):
            multiplier = 2.0 ** np.round(np.log2(multiplier))
        scales = (multiplier * out.scale / x.scale).astype(np.float32)
        bias = self.random.normal(0, spread / 2, channels).astype(np.int64)
        if self.chance(0.2):  # as dead channels have them; sums beyond 2^24 are rounded before they are scaled
            bias = np.where(self.random.random(channels) < 0.3, self.random.choice([-(2**30), 2**30], channels), bias)
            bias = bias + self.random.integers(-1000, 1000, channels)
        if self.chance(0.3):
            scales = scales[:1]
        return weights, scales, None if self.chance(0.1) else bias

    def window(self, shape: tuple[int, ...], dilate: bool = True) -> tuple[dict[str, Any], tuple[int, int]]:
        """Attributes of a window that fits, and the size of its output."""
        kernel = [self.number(1, 5), self.number(1, 5)]
        dilation = [self.number(1, 2), self.number(1, 2)] if dilate and self.chance(0.3) else [1, 1]
        stride = [self.number(1, 3), self.number(1, 3)]
        pads = [self.number(0, k - 1) for k in (*kernel, *kernel)] if self.chance(0.6) else [0, 0, 0, 0]
        sizes = []
        for i in range(2):
            reach = (kernel[i] - 1) * dilation[i] + 1
            room = shape[2 + i] + pads[i] + pads[2 + i]
            if reach > room:
                kernel[i], dilation[i], pads[i], pads[2 + i] = 1, 1, 0, 0
                reach, room = 1, shape[2 + i]
            sizes.append((room - reach) // stride[i] + 1)
        attributes = {"kernel_shape": kernel, "strides": stride, "pads": pads}
        if dilate:
            attributes["dilations"] = dilation
        return attributes, (sizes[0], sizes[1])

    def convolution(self, model: OnnxBuilder, x: Handle, channels: int, kind: str = "conv") -> Handle:
        out, depth = self.quantisation(), x.shape[1]
        groups = depth if kind == "depthwise" else 1
        attributes: dict[str, Any]
        attributes, size = self.window(x.shape)
        if kind == "pointwise":
            attributes, size = {"kernel_shape": [1, 1]}, (x.shape[2], x.shape[3])
        shape = (channels, depth // groups, *attributes["kernel_shape"])
        weights, scales, bias = self.weights(shape, channels, int(np.prod(shape[1:])), x.quantisation, out)
        clamp = ()
        if model.form == "qdq" and self.chance(0.3):
            out, clamp = Quantisation(out.scale, self.low), ("Relu",)
        real_bias = bias is not None and self.chance(0.2) and abs(bias).max() < 2**23
        return model.weighted(
            "Conv", x, weights, scales, bias, (1, channels, *size), out, clamp, real_bias, group=groups, **attributes
        )

    def matrix(self, model: OnnxBuilder, x: Handle, channels: int) -> Handle:
        out, taps = self.quantisation(), x.shape[1]
        weights, scales, bias = self.weights((channels, taps), channels, taps, x.quantisation, out)
        shape = (x.shape[0], channels)
        if bias is None or self.chance(0.3):
            return model.weighted("MatMul", x, weights.T, scales, None, shape, out, axis=1)
        if self.chance(0.5):
            return model.weighted("Gemm", x, weights.T, scales, bias, shape, out, axis=1)
        return model.weighted("Gemm", x, weights, scales, bias, shape, out, transB=1)


def _conv(dice: _Dice, model: OnnxBuilder) -> Handle:
    return dice.convolution(model, model.input(dice.picture(), dice.quantisation()), dice.one(CHANNELS))


def _depthwise(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    return dice.convolution(model, x, x.shape[1] * dice.one((1, 1, 2, 3)), "depthwise")


def _matrix(dice: _Dice, model: OnnxBuilder) -> Handle:
    shape = (dice.number(1, 3) if dice.chance(0.2) else 1, dice.number(1, 300))
    return dice.matrix(model, model.input(shape, dice.quantisation()), dice.number(1, 40))


def _flatten(dice: _Dice, model: OnnxBuilder) -> Handle:
    """Channels first becomes channels last inside: the weights behind have to follow."""
    x = dice.convolution(model, model.input(dice.picture(), dice.quantisation()), dice.one(CHANNELS))
    size = int(np.prod(x.shape))
    if dice.chance(0.5):
        x = model.renamed("Flatten", x, (1, size))
    else:
        x = model.renamed("Reshape", x, (1, size), [model.constant(np.array([0, -1]))])
    return dice.matrix(model, x, dice.number(1, 12))


def _two(kind: str) -> Callable[[_Dice, OnnxBuilder], Handle]:
    def make(dice: _Dice, model: OnnxBuilder) -> Handle:
        x = model.input(dice.picture(), dice.quantisation())
        y = dice.convolution(model, x, x.shape[1], "pointwise")
        a, b = (x, y) if dice.chance(0.5) else (y, x)
        q = dice.quantisation()
        if kind == "Mul":
            q = Quantisation(q.scale * 0.5, q.zero_point)
        return model.operator(kind, [a, b], a.shape, q)

    return make


def _repeated(kind: str) -> Callable[[_Dice, OnnxBuilder], Handle]:
    """The other operand has size 1 along rows and columns, or is a constant."""

    def make(dice: _Dice, model: OnnxBuilder) -> Handle:
        x = model.input(dice.picture(), dice.quantisation())
        y = model.operator("GlobalAveragePool", [x], (1, x.shape[1], 1, 1), dice.quantisation())
        if dice.chance(0.5):
            shape = dice.one(((), (x.shape[1], 1, 1), (1, 1, 1, 1), x.shape))
            y = model.held(dice.random.integers(0, 256, shape) + dice.low, dice.quantisation())
        q = dice.quantisation()
        q = Quantisation(q.scale * (0.5 if kind == "Mul" else 1), q.zero_point)
        return model.operator(kind, [x, y] if dice.chance(0.5) else [y, x], x.shape, q)

    return make


def _average_pool(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    attributes, size = dice.window(x.shape, dilate=False)
    q = x.quantisation if dice.chance(0.4) else dice.quantisation()
    attributes["count_include_pad"] = dice.number(0, 1)
    return model.operator("AveragePool", [x], (1, x.shape[1], *size), q, **attributes)


def _global_average_pool(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    q = x.quantisation if dice.chance(0.4) else dice.quantisation()
    return model.operator("GlobalAveragePool", [x], (1, x.shape[1], 1, 1), q)


def _max_pool(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    attributes, size = dice.window(x.shape)
    return model.operator("MaxPool", [x], (1, x.shape[1], *size), x.quantisation, **attributes)


def _pad(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    top, left, bottom, right = (dice.number(0, 3) for _ in range(4))
    shape = (1, x.shape[1], x.shape[2] + top + bottom, x.shape[3] + left + right)
    pads = model.constant(np.array([0, 0, top, left, 0, 0, bottom, right]))
    return model.operator("Pad", [x], shape, x.quantisation, [pads])


def _concat(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    y = dice.convolution(model, x, x.shape[1], "pointwise")
    axis = dice.number(1, 3)
    shape = [*x.shape]
    shape[axis] *= 3
    q = x.quantisation if dice.chance(0.3) else dice.quantisation()
    return model.operator("Concat", [x, y, x], tuple(shape), q, axis=axis)


def _slice(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    lists, shape = ([], [], [], []), [*x.shape]
    for axis in range(1, 4):
        cut = slice(dice.number(0, x.shape[axis] - 1), x.shape[axis] + dice.number(-1, 2), dice.number(1, 3))
        count = len(range(x.shape[axis])[cut])
        if count and dice.chance(0.7):
            shape[axis] = count
            for held, n in zip(lists, (cut.start, cut.stop, axis, cut.step), strict=True):
                held.append(n)
    if not lists[0]:
        for held, n in zip(lists, (0, x.shape[1], 1, 1), strict=True):
            held.append(n)
    names = [model.constant(np.array(held, np.int64)) for held in lists]
    return model.operator("Slice", [x], tuple(shape), x.quantisation, names)


def _resize(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    mode = dice.one((("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("asymmetric", "floor")))
    rows, columns = dice.one((2, 4)), dice.one((2, 4))
    shape = (*x.shape[:2], x.shape[2] * rows, x.shape[3] * columns)
    scales = model.constant(np.array([1, 1, rows, columns], np.float32))
    return model.operator(
        "Resize", [x], shape, x.quantisation, ["", scales],
        coordinate_transformation_mode=mode[0], nearest_mode=mode[1], mode="nearest",
    )  # fmt: skip


def _function(kind: str) -> Callable[[_Dice, OnnxBuilder], Handle]:
    def make(dice: _Dice, model: OnnxBuilder) -> Handle:
        shape = dice.picture() if dice.chance(0.5) else (1, 256)
        x, q = model.input(shape, dice.quantisation()), dice.quantisation()
        attributes, others = {}, []
        if kind in ("Sigmoid", "Tanh"):
            q = Quantisation(1 / 256, dice.low) if dice.chance(0.5) else Quantisation(q.scale / 64, q.zero_point)
        if kind == "LeakyRelu":
            attributes["alpha"] = dice.one((0.01, 0.1, 0.25, 0.3))
        if kind == "Clip":
            low, high = dice.one(((0.0, 6.0), (-1.0, 1.0)))
            others = [model.constant(np.float32(low)), model.constant(np.float32(high))]
        return model.operator(kind, [x], x.shape, q, others, **attributes)

    return make


def _softmax(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input((dice.number(1, 4), dice.number(2, 64)), dice.quantisation())
    q = Quantisation(1 / 256, dice.low) if dice.chance(0.7) else Quantisation(0.01, dice.low)
    return model.operator("Softmax", [x], x.shape, q, axis=1)


def _prelu(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    slopes = dice.random.uniform(-0.5, 1, (x.shape[1], 1, 1)).astype(np.float32)
    return model.operator("PRelu", [x], x.shape, dice.quantisation(), [model.constant(slopes)])


def _requantise(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation())
    return model.quantise(model.dequantise(x), x.shape, dice.quantisation())


def _chain(dice: _Dice, model: OnnxBuilder) -> Handle:
    x = model.input(dice.picture(), dice.quantisation(), real=dice.chance(0.5))
    kept = [x]
    for _ in range(dice.number(3, 8)):
        kind = dice.one(("conv", "conv", "depthwise", "add", "max", "leaky"))
        if kind == "conv":
            x = dice.convolution(model, x, dice.one(CHANNELS))
        elif kind == "depthwise":
            x = dice.convolution(model, x, x.shape[1], "depthwise")
        elif kind == "max":
            attributes, size = dice.window(x.shape, dilate=False)
            x = model.operator("MaxPool", [x], (1, x.shape[1], *size), x.quantisation, **attributes)
        elif kind == "leaky":
            x = model.operator("LeakyRelu", [x], x.shape, dice.quantisation(), alpha=0.1)
        else:
            same = [t for t in kept if t.shape == x.shape]
            y = dice.convolution(model, x, x.shape[1], "pointwise")
            x = model.operator("Add", [y, same[0] if same else x], x.shape, dice.quantisation())
        kept.append(x)
    if dice.chance(0.6):
        x = model.operator("GlobalAveragePool", [x], (1, x.shape[1], 1, 1), dice.quantisation())
        x = dice.matrix(model, model.renamed("Flatten", x, (1, x.shape[1])), dice.number(1, 12))
    return x


_MAKERS: dict[str, Callable[[_Dice, OnnxBuilder], Handle]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "matrix": _matrix,
    "flatten": _flatten,
    "add": _two("Add"),
    "sub": _two("Sub"),
    "mul": _two("Mul"),
    "repeated_add": _repeated("Add"),
    "repeated_sub": _repeated("Sub"),
    "repeated_mul": _repeated("Mul"),
    "average_pool": _average_pool,
    "global_average_pool": _global_average_pool,
    "max_pool": _max_pool,
    "pad": _pad,
    "concat": _concat,
    "slice": _slice,
    "resize": _resize,
    "relu": _function("Relu"),
    "clip": _function("Clip"),
    "leaky_relu": _function("LeakyRelu"),
    "sigmoid": _function("Sigmoid"),
    "tanh": _function("Tanh"),
    "hard_swish": _function("HardSwish"),
    "prelu": _prelu,
    "softmax": _softmax,
    "requantise": _requantise,
    "chain": _chain,
}
KINDS = tuple(_MAKERS)
FORMS = (("qdq", False), ("qdq", True), ("qoperator", False), ("qoperator", True))
"""How a file is written, and whether its activations are uint8."""


def random_onnx(kind: str, seed: int, form: str = "qdq", unsigned: bool = False) -> bytes:
    """An ``.onnx`` file; shapes, scales, weights and options follow from ``kind`` (of :data:`KINDS`) and ``seed``."""
    model = OnnxBuilder(form, unsigned)
    return model.build(_MAKERS[kind](_Dice(seed, unsigned), model))


def random_input(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """An int8 tensor: over the whole range, with runs of both ends of it."""
    random = np.random.default_rng(seed)
    x = random.integers(-128, 128, shape, dtype=np.int8)
    return np.where(random.random(shape) < 0.1, random.choice(np.array([-128, 127], np.int8)), x)
