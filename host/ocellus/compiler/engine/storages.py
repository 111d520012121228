"""Where an operator's tensors lie while the network is lowered, and who else reads them."""

from dataclasses import replace

import numpy as np

from ...errors import BadInput
from ...formats import Arithmetic
from ..graph import Kind, Operator, Padding, Tensor
from .layers import ArrayLayer, Plan, Shape


class Storages:
    """The plan in the making.

    Attributes
    ----------
    padded : dict
        Tensors that are another with padding around, which their readers add themselves: source, rows above, columns
        to the left.
    """

    def __init__(self, plan: Plan, arithmetic: Arithmetic) -> None:
        self.plan, self.arithmetic = plan, arithmetic
        self.padded: dict[str, tuple[str, int, int]] = {}

    def tensors(self, operator: Operator) -> tuple[list[Tensor], Tensor]:
        """The operator's inputs and its output."""
        tensors = self.plan.network.tensors
        return [tensors[name] for name in operator.inputs], tensors[operator.output]

    def readers(self, tensor: str) -> list[Operator]:
        """The operators that read it; none for the network's output."""
        return [operator for operator in self.plan.network.operators if tensor in operator.inputs]

    def refuse(self, operator: Operator, sentence: str) -> BadInput:
        """The refusal of an operator."""
        return BadInput(f"{self.plan.network.file}: {operator}: {sentence}")

    def picture(self, operator: Operator, tensor: Tensor) -> tuple[str, Shape]:
        """The storage that holds the tensor as the picture it is."""
        storage = self.plan.stored_as[tensor.name]
        shape = self.plan.shapes[storage]
        if shape != tensor.picture:
            raise self.refuse(
                operator,
                f"tensor {tensor.name!r}: found a picture of {tensor.picture} that lies in memory as {shape}, allowed "
                f"a {Kind.RESHAPE} that a {Kind.FULLY_CONNECTED} reads or that ends the network",
            )
        return storage, shape

    def store(self, tensor: Tensor, shape: Shape | None = None) -> str:
        """A storage for an operator's output."""
        self.plan.stored_as[tensor.name] = tensor.name
        self.plan.shapes[tensor.name] = tensor.picture if shape is None else shape
        return tensor.name

    def temporary(self, operator: Operator, shape: Shape) -> str:
        """A storage that is no tensor of the file."""
        name = f"{operator.output} from {len(self.plan.shapes)}"
        self.plan.shapes[name] = shape
        return name

    def add(self, layer: ArrayLayer) -> None:
        """The next layer; where it makes one row or column, no stride counts."""
        rows, columns = (1 if n == 1 else s for n, s in zip(layer.out_shape[:2], layer.stride, strict=True))
        self.plan.layers.append(replace(layer, stride=(rows, columns)))


def pads(operator: Operator, shape: Shape) -> tuple[int, int]:
    """Rows above and columns to the left; SAME shares the missing ones out, the smaller half first."""
    if operator.pads is not None:
        return operator.pads[0], operator.pads[2]
    if operator.padding is Padding.VALID:
        return 0, 0
    top, left = (
        max(((size - 1) // stride) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2
        for size, kernel, stride, dilation in zip(
            shape[:2], operator.kernel, operator.stride, operator.dilation, strict=True
        )
    )
    return top, left


def constant(tensor: Tensor) -> np.ndarray:
    """The values of a constant."""
    if tensor.data is None:
        raise BadInput(f"tensor {tensor.name!r}: found an activation, allowed a constant")
    return tensor.data
