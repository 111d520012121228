"""One operator at work: its tensors, the values that go in, and what is the same for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocellus.compiler.graph import Activation, Kind, Operator, Tensor
from ocellus.formats import Arithmetic


@dataclass(frozen=True, eq=False)
class Step:
    """An operator with its operands.

    Attributes
    ----------
    inputs : sequence of Tensor
        In the operator's order, constants among them.
    values : sequence of ndarray
        Of each of ``inputs``, in its shape.
    arithmetic : Arithmetic
        How the accumulators of convolutions and fully connected layers are rounded.
    """

    operator: Operator
    inputs: Sequence[Tensor]
    output: Tensor
    values: Sequence[np.ndarray]
    arithmetic: Arithmetic

    @property
    def x(self) -> np.ndarray:
        """The first operand as rows, columns, channels."""
        return self.picture(0)

    def picture(self, index: int) -> np.ndarray:
        """An operand as rows, columns, channels."""
        return self.values[index].reshape(self.inputs[index].picture)

    def centred(self, index: int) -> np.ndarray:
        """An operand minus its zero point, int64 in its own shape."""
        return self.values[index].astype(np.int64) - self.inputs[index].zero_point

    def clamp(self, x: np.ndarray) -> np.ndarray:
        """int8 between the ends of the fused activation, or of the operator that is one."""
        low, high = activation_ends(activation_of(self.operator), self.output)
        # TensorFlow Lite takes the larger first: where the range is empty its upper end wins
        return np.minimum(np.maximum(x, low), high).astype(np.int8)


def activation_of(operator: Operator) -> Activation:
    """The clamp at the operator's end."""
    of_its_own = {
        Kind.RELU: Activation.RELU, Kind.RELU6: Activation.RELU6, Kind.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
    }  # fmt: skip
    return of_its_own.get(operator.kind, operator.activation)


def activation_ends(activation: Activation, output: Tensor) -> tuple[int, int]:
    """Smallest and largest value that the activation lets pass."""

    def quantised(real: float) -> int:
        ratio = float(np.float32(real) / np.float32(output.scale))
        return output.zero_point + int(np.copysign(np.floor(abs(ratio) + 0.5), ratio))

    low, high = {
        Activation.NONE: (-128, 127),
        Activation.RELU: (quantised(0), 127),
        Activation.RELU6: (quantised(0), quantised(6)),
        Activation.RELU_N1_TO_1: (quantised(-1), quantised(1)),
    }[activation]
    return max(low, -128), min(high, 127)
