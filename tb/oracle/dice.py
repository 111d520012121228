"""What is thrown for a random network: shapes on the corners, odd scales, extreme multipliers."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from .builder import Handle, ModelBuilder, Quantisation

CHANNELS = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 20)
SIZES = (1, 2, 3, 4, 5, 6, 7, 9, 11)
ACTIVATIONS = ("NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1")


T = TypeVar("T")


class Dice:
    """What is thrown for a network; everything follows from the seed.

    ``extreme`` lets weights have multipliers far from what trained networks have.
    """

    def __init__(self, seed: int, extreme: bool = True) -> None:
        self.random = np.random.default_rng(seed)
        self.extreme = extreme

    def one(self, choices: Sequence[T]) -> T:
        return choices[int(self.random.integers(len(choices)))]

    def number(self, low: int, high: int) -> int:
        """Both ends included."""
        return int(self.random.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def size(self) -> int:
        return self.one(SIZES)

    def channels(self) -> int:
        return self.one(CHANNELS)

    def picture(self, model: ModelBuilder, channels: int | None = None) -> Handle:
        """The network's input."""
        c = self.channels() if channels is None else channels
        return model.input((1, self.size(), self.size(), c), self.quantisation())

    def activation(self) -> str:
        return self.one(ACTIVATIONS)

    def padding(self, fits: bool) -> str:
        """``VALID`` only where the window fits into the picture."""
        return self.one(("SAME", "VALID")) if fits else "SAME"

    def quantisation(self) -> Quantisation:
        """A usual scale; zero points lie on both ends of the range as well."""
        zero_point = self.number(-128, 127) if self.chance(0.7) else self.one((-128, 127, 0))
        return Quantisation(float(np.float32(2.0 ** self.random.uniform(-7, -2))), zero_point)

    def wide_quantisation(self) -> Quantisation:
        """Scales from far too small to far too large."""
        q = self.quantisation()
        return Quantisation(float(np.float32(2.0 ** self.random.uniform(-12, 4))), q.zero_point)

    def scaled(self, scale: float, q: Quantisation) -> Quantisation:
        """``q`` with a scale near the given one, or such that the multiplier is extreme."""
        exponent = self.random.uniform(-9, 33) if self.chance(0.2) else self.random.uniform(-1.5, 1.5)
        return Quantisation(float(np.float32(scale * 2.0**exponent)), q.zero_point)

    def kernel(self) -> tuple[int, int]:
        if self.chance(0.1):
            return self.number(1, 15), self.number(1, 15)
        return self.number(1, 5), self.number(1, 5)

    def stride(self) -> tuple[int, int]:
        return self.number(1, 2), self.number(1, 2)

    def weights(
        self, shape: tuple[int, ...], channels: int, taps: int, in_scale: float, out: Quantisation
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Weights, bias and weight scales: mostly such that outputs spread over the range, sometimes extreme."""
        weights = self.random.integers(-127, 128, shape)
        spread = 73.0 * 73.0 * np.sqrt(taps)  # of the accumulator
        exponent = self.random.uniform(-1.5, 1.5, channels)
        if self.chance(0.25) and self.extreme:  # right shifts to 31 and beyond, and multipliers above 1
            exponent = self.random.uniform(-30, 12, channels)
        multiplier = 2.0**exponent * 60 / spread
        scales = (multiplier * float(out.scales[0]) / in_scale).astype(np.float32)
        bias = self.random.normal(0, spread / 2, channels).astype(np.int64)
        extreme = (self.random.random(channels) < 0.05) & self.extreme  # as dead channels of trained networks have them
        bias = np.where(extreme, self.random.choice([-(2**30), 2**30], channels), bias)
        if self.chance(0.1):
            weights[...] = self.random.choice([-127, 127])
        if self.chance(0.3):
            scales = scales[:1]
        return weights, (None if self.chance(0.1) else bias), scales

    def convolution(self, model: ModelBuilder, x: Handle, channels: int, pointwise: bool = False) -> Handle:
        kernel, stride = ((1, 1), (1, 1)) if pointwise else (self.kernel(), self.stride())
        out = self.quantisation()
        padding = self.padding(kernel[0] <= x.shape[1] and kernel[1] <= x.shape[2])
        weights, bias, scales = self.weights(
            (channels, *kernel, x.shape[3]), channels, int(np.prod(kernel)) * x.shape[3],
            float(x.quantisation.scales[0]), out,
        )  # fmt: skip
        if bias is None:  # LiteRT's CONV_2D asks for one
            bias = np.zeros(channels, np.int64)
        return model.convolution("CONV_2D", x, weights, bias, scales, out, stride, padding, self.activation())

    def depthwise(self, model: ModelBuilder, x: Handle, multiplier: int = 1) -> Handle:
        kernel, stride, out, channels = self.kernel(), self.stride(), self.quantisation(), x.shape[3] * multiplier
        padding = self.padding(kernel[0] <= x.shape[1] and kernel[1] <= x.shape[2])
        weights, bias, scales = self.weights(
            (1, *kernel, channels), channels, int(np.prod(kernel)), float(x.quantisation.scales[0]), out
        )
        return model.convolution("DEPTHWISE_CONV_2D", x, weights, bias, scales, out, stride, padding, self.activation())

    def fully_connected(self, model: ModelBuilder, x: Handle, channels: int) -> Handle:
        out, taps = self.quantisation(), x.shape[-1]
        weights, bias, scales = self.weights((channels, taps), channels, taps, float(x.quantisation.scales[0]), out)
        scale = float(scales[0])
        return model.fully_connected(x, weights, bias, scale, out, self.activation())

    def pool(self, model: ModelBuilder, kind: str, x: Handle) -> Handle:
        kernel = (self.number(1, x.shape[1]), self.number(1, x.shape[2]))
        stride = (self.number(1, 3), self.number(1, 3))
        padding = self.padding(True)
        if padding == "SAME" and self.chance(0.3):
            kernel = (kernel[0] + 2, kernel[1] + 1)
        return model.pool(kind, x, kernel, stride, padding, self.activation())
