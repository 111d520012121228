"""A network as operators and tensors: what every importer makes, and all that the passes behind it know."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod

import numpy as np


class Kind(StrEnum):
    """The operators, by the names TensorFlow Lite gives them."""

    CONV_2D = "CONV_2D"
    DEPTHWISE_CONV_2D = "DEPTHWISE_CONV_2D"
    TRANSPOSE_CONV = "TRANSPOSE_CONV"
    FULLY_CONNECTED = "FULLY_CONNECTED"
    ADD = "ADD"
    SUB = "SUB"
    MUL = "MUL"
    AVERAGE_POOL_2D = "AVERAGE_POOL_2D"
    MAX_POOL_2D = "MAX_POOL_2D"
    MEAN = "MEAN"
    PAD = "PAD"
    RESHAPE = "RESHAPE"
    CONCATENATION = "CONCATENATION"
    STRIDED_SLICE = "STRIDED_SLICE"
    RESIZE_NEAREST_NEIGHBOR = "RESIZE_NEAREST_NEIGHBOR"
    RESIZE_BILINEAR = "RESIZE_BILINEAR"
    QUANTIZE = "QUANTIZE"
    LOGISTIC = "LOGISTIC"
    TANH = "TANH"
    HARD_SWISH = "HARD_SWISH"
    RELU = "RELU"
    RELU6 = "RELU6"
    RELU_N1_TO_1 = "RELU_N1_TO_1"
    LEAKY_RELU = "LEAKY_RELU"
    PRELU = "PRELU"
    SOFTMAX = "SOFTMAX"


class Padding(StrEnum):
    """``SAME`` gives ``ceil(size / stride)`` outputs, the odd padding row or column last; ``VALID`` pads nothing."""

    SAME = "SAME"
    VALID = "VALID"


class Activation(StrEnum):
    """The clamp fused into an operator."""

    NONE = "NONE"
    RELU = "RELU"
    RELU_N1_TO_1 = "RELU_N1_TO_1"
    RELU6 = "RELU6"


class Runtime(StrEnum):
    """Whose rules the arithmetic of a network follows; docs/compiler.md tells them apart."""

    TFLITE = "TFLITE"
    ONNX = "ONNX"


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file.

    Attributes
    ----------
    shape : tuple of int
        As the file says, batch included.
    scales : tuple of float
        Exact float32 values: one, or one for each index of ``axis``; empty when the tensor is not quantised.
    zero_point : int
        0 for weights and biases.
    data : ndarray or None
        The constant's values; None for an activation.
    unsigned : bool
        The file holds uint8: its values and its zero point are 128 more than those here.
    """

    name: str
    shape: tuple[int, ...]
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    axis: int = 0
    data: np.ndarray | None = None
    unsigned: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def scale(self) -> float:
        """The scale of a tensor that has one."""
        return self.scales[0]

    @property
    def picture(self) -> tuple[int, int, int]:
        """Rows, columns and channels: leading dimensions become rows where there are fewer or more than four."""
        if len(self.shape) == 4 and self.shape[0] == 1:
            return self.shape[1], self.shape[2], self.shape[3]
        channels = self.shape[-1] if self.shape else 1
        return self.size // channels, 1, channels


@dataclass(frozen=True)
class Operator:
    """One operator; inputs and output are names of tensors.

    ``inputs`` holds the activations first, then constants: weights and bias (absent when the file has none), the
    slopes of a PRELU. ADD, SUB and MUL keep the file's order, and one of their two inputs may be a constant, or
    smaller than the other along rows, columns or channels: an axis of size 1 is repeated.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
        Rows, columns. ``dilation`` belongs to CONV_2D and DEPTHWISE_CONV_2D.
    depth_multiplier : int
        Of DEPTHWISE_CONV_2D: output channel ``c`` reads input channel ``c // depth_multiplier``.
    amounts : tuple of int
        (top, bottom, left, right) of a PAD.
    axes : tuple of int
        Which of rows (0), columns (1) and channels (2) of the input's picture CONCATENATION joins (one) or MEAN
        averages (0, 1 or both, ascending).
    begin, count, step : tuple of int
        Of STRIDED_SLICE, in rows, columns and channels of the input's picture: first index, how many, and the
        distance from one to the next, at least 1. The output's shape may leave out dimensions of size 1.
    align_corners, half_pixel_centers : bool
        Of the two RESIZE operators, never both.
    alpha : float
        LEAKY_RELU's slope below zero, an exact float32.
    beta : float
        Belongs to SOFTMAX.
    pads : tuple of int or None
        (top, bottom, left, right) of a convolution or pool of an .onnx file; they count instead of ``padding``.
    count_include_pad : bool
        Of AVERAGE_POOL_2D: padding counts as zeros. Without it only the taps inside the picture are averaged.
    """

    number: int
    kind: Kind
    inputs: tuple[str, ...]
    output: str
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE
    amounts: tuple[int, int, int, int] = (0, 0, 0, 0)
    beta: float = 1.0
    dilation: tuple[int, int] = (1, 1)
    depth_multiplier: int = 1
    axes: tuple[int, ...] = ()
    begin: tuple[int, int, int] = (0, 0, 0)
    count: tuple[int, int, int] = (1, 1, 1)
    step: tuple[int, int, int] = (1, 1, 1)
    align_corners: bool = False
    half_pixel_centers: bool = False
    alpha: float = 0.0
    pads: tuple[int, int, int, int] | None = None
    count_include_pad: bool = False

    def __str__(self) -> str:
        return f"operator {self.number} ({self.kind})"


@dataclass(frozen=True, eq=False)
class Network:
    """Operators in the order in which they run, from one input tensor to one output tensor, batch 1.

    Attributes
    ----------
    identity : int
        CRC-32 of the file.
    notes : tuple of str
        What the importer dropped, a sentence each.
    """

    name: str
    file: str
    identity: int
    tensors: Mapping[str, Tensor]
    operators: tuple[Operator, ...]
    input: str
    output: str
    notes: tuple[str, ...] = ()
    runtime: Runtime = Runtime.TFLITE

    @property
    def input_tensor(self) -> Tensor:
        """The tensor the network takes."""
        return self.tensors[self.input]

    @property
    def output_tensor(self) -> Tensor:
        """The tensor the network gives."""
        return self.tensors[self.output]

    def activations_of(self, operator: Operator) -> tuple[Tensor, ...]:
        """The operator's inputs that are no constants."""
        return tuple(t for t in (self.tensors[name] for name in operator.inputs) if t.data is None)
