"""PRELU: what is above zero and what is below go through layers of their own, and are added."""

from dataclasses import dataclass, replace

import numpy as np

from ..graph import Operator, Tensor
from ..quantisation import Factor, product_factor
from .constants import constant_operand, constant_values
from .copies import copied
from .layers import ArrayLayer, Combination, Shape
from .lower_functions import apply_table
from .quotients import EXACT_SUM
from .scaling import is_onnx
from .staircase import Staircase, staircase
from .storages import Storages, constant


def lower_slopes(storages: Storages, operator: Operator) -> None:
    """PRELU. One of both parts is always zero, so their sum is exact; where all slopes are alike, a table does.

    With a slope for each channel, the part below is a staircase for each; with others, or where no staircase fits, a
    product with a picture of the slopes.
    """
    (x, slopes), output = storages.tensors(operator)
    levels, level_of = np.unique(constant(slopes), return_inverse=True)
    functions = np.array([_function(storages, x, slopes, output, level) for level in levels])
    if (functions == functions[0]).all():
        apply_table(storages, operator, x, output, tuple((functions[0] + output.zero_point).tolist()))
        return
    source, shape = storages.picture(operator, x)
    parts = _Parts(storages, operator, x, slopes, output, source, shape)
    places = constant_values(replace(slopes, data=level_of.reshape(slopes.shape)), x)
    below = parts.staircases_below(functions, places)
    if below is None and is_onnx(storages):
        raise storages.refuse(
            operator,
            f"tensor {slopes.name!r}: found slopes at which no integer multiplication rounds halves to even, "
            "allowed others, or one for all channels",
        )
    if below is None:
        below = parts.products_below()
    last = parts.above(functions[0])
    zero_points = (output.zero_point, output.zero_point, output.zero_point)
    combination = Combination(below, zero_points, EXACT_SUM[1], (EXACT_SUM[0], EXACT_SUM[0]))
    storages.add(replace(last, output=storages.store(output), combination=combination))


def _inputs(x: Tensor) -> np.ndarray:
    """All 256, minus the zero point."""
    return np.arange(-128, 128) - x.zero_point


def _function(storages: Storages, x: Tensor, slopes: Tensor, output: Tensor, slope: np.generic) -> np.ndarray:
    """Results of the 256 inputs, minus the output's zero point, for one of the slopes."""
    low, high = -128 - output.zero_point, 127 - output.zero_point
    if is_onnx(storages):
        reals = _inputs(x).astype(np.float32) * np.float32(x.scale)
        reals = np.where(reals > 0, reals, reals * np.float32(slope)) / np.float32(output.scale)
        return np.rint(np.clip(reals, np.float32(low), np.float32(high))).astype(np.int64)
    over = Factor.of(float(np.float32(x.scale) / np.float32(output.scale)))
    under, centred = product_factor(x, slopes, output), int(slope) - slopes.zero_point
    return np.clip([over.times(n) if n >= 0 else under.times(n * centred) for n in _inputs(x).tolist()], low, high)


@dataclass(frozen=True)
class _Parts:
    """The two parts' layers. Both are at the output's zero point."""

    storages: Storages
    operator: Operator
    x: Tensor
    slopes: Tensor
    output: Tensor
    source: str
    shape: Shape

    def above(self, function: np.ndarray) -> ArrayLayer:
        """A layer, without an output, of what is above zero, and of zero; it adds nothing yet."""
        n, low = _inputs(self.x), self.output.zero_point
        steps = staircase(n[n >= 0], function[n >= 0], 0, 127 - low)
        if steps is not None:  # below zero it is below zero, and clamped
            layer = self._stairs(self.source, [steps] * self.shape[2])
            return replace(layer, minimum=low)
        table = tuple((np.where(n >= 0, function, 0) + low).tolist())
        return self._copied(self._part(replace(self._copied(self.source), table=table)))

    def staircases_below(self, functions: np.ndarray, places: np.ndarray) -> str | None:
        """The part below zero, or None; ``places`` (rows, columns, channels) are rows of ``functions``."""
        if (places != places[:1, :1]).any():
            return None
        n, zero = _inputs(self.x), self.output.zero_point
        wanted = functions[:, n <= 0]
        rising = bool((wanted <= 0).all())
        high = 0 if rising else 127 - zero  # what rises is above zero there, and clamped
        found = [s for row in wanted if (s := staircase(n[n <= 0], row, -128 - zero, high)) is not None]
        if len(found) < len(wanted):
            return None
        source = self.source if rising else self._part(self._lower_half())
        layer = self._stairs(source, [found[i] for i in places[0, 0]])
        return self._part(replace(layer, maximum=high + zero))

    def products_below(self) -> str:
        """The part below zero by TensorFlow Lite's own product, with slopes of any shape."""
        x, slopes, output = self.x, self.slopes, self.output
        operand = constant_operand(self.storages, self.operator, self.source, constant_values(slopes, x))
        zero_points = (x.zero_point, slopes.zero_point, output.zero_point)
        combination = Combination(operand, zero_points, product_factor(x, slopes, output))
        return self._part(replace(self._lower_half(), combination=combination, multiply=True))

    def _lower_half(self) -> ArrayLayer:
        """What is not above zero, and zero."""
        return replace(self._copied(self.source), maximum=self.x.zero_point)

    def _copied(self, source: str) -> ArrayLayer:
        return copied((self.operator,), source, "", self.shape)

    def _part(self, layer: ArrayLayer) -> str:
        storage = self.storages.temporary(self.operator, self.shape)
        self.storages.add(replace(layer, output=storage, partial=True))
        return storage

    def _stairs(self, source: str, steps: list[Staircase]) -> ArrayLayer:
        """A staircase for each channel."""
        weights = np.array([step.weight for step in steps])
        biases = np.array([step.bias for step in steps]) - self.x.zero_point * weights
        return replace(
            self._copied(source),
            weights=weights.reshape(1, 1, -1).astype(np.int8),
            biases=biases.astype(np.int32),
            factors=tuple(step.factor for step in steps),
            zero_point=self.output.zero_point,
        )
