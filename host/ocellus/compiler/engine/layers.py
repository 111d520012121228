"""Array operations that still speak of shapes and names: between the graph's operators and the image's words."""

from dataclasses import dataclass, field
from math import ceil

import numpy as np

from ...configurations import Configuration
from ...program_formats import Epilogue, LayerOp
from ..graph import Network, Operator
from ..quantisation import Factor

Shape = tuple[int, int, int]
"""Rows, columns, channels."""


@dataclass(frozen=True)
class Combination:
    """ADD or MULTIPLY with a second operand: factors of both operands (None for MULTIPLY) and of the result."""

    operand: str
    zero_points: tuple[int, int, int]
    result: Factor
    factors: tuple[Factor, Factor] | None = None
    subtract: bool = False
    minimum: int = -128
    maximum: int = 127


@dataclass(frozen=True, eq=False)
class ArrayLayer:
    """One layer of the array: what it reads, sums, and writes.

    Attributes
    ----------
    operators : tuple of Operator
        The operator it comes from, then those that are fused behind it.
    source, output : str
        Storages.
    in_shape : tuple of int
        What of the source it sees, from ``in_origin`` on.
    weights : ndarray or None
        int8: (out, rows, columns, in) for POINT, (rows, columns, channels) for WINDOW. With ``repeats`` up to so
        many times larger.
    biases : ndarray
        int32 a channel, the input's zero point folded in.
    pad : tuple of int
        Rows above and columns to the left, where ``fill`` is read.
    in_origin, out_origin : tuple of int
        Row, column and channel where the layer's picture begins in its storage; channels in whole words.
    out_step : tuple of int
        Rows and columns of the storage from one output pixel to the next.
    shared : bool
        WINDOW: ``weights`` is (1, 1, channels) and counts for every tap of the kernel.
    repeats : int
        WINDOW, kernels of up to 3 columns: passes over each place, among which larger weights are shared out.
    partial : bool
        What it writes is not yet, or no, tensor of the file.
    """

    operators: tuple[Operator, ...]
    op: LayerOp
    source: str
    output: str
    in_shape: Shape
    out_shape: Shape
    weights: np.ndarray | None
    biases: np.ndarray
    factors: tuple[Factor, ...]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    fill: int = 0
    zero_point: int = 0
    minimum: int = -128
    maximum: int = 127
    table: tuple[int, ...] | None = None
    combination: Combination | None = None
    multiply: bool = False
    in_origin: Shape = (0, 0, 0)
    out_origin: Shape = (0, 0, 0)
    out_step: tuple[int, int] = (1, 1)
    shared: bool = False
    repeats: int = 1
    partial: bool = False

    @property
    def epilogue(self) -> Epilogue:
        """What happens to a value before it is written."""
        if self.combination is not None:
            return Epilogue.MULTIPLY if self.multiply else Epilogue.ADD
        return Epilogue.PLAIN if self.table is None else Epilogue.TABLE

    @property
    def operand(self) -> str | None:
        """The storage of the second operand."""
        return self.combination.operand if self.combination else None

    @property
    def macs(self) -> int:
        """Multiplications that the layer's weights ask for."""
        if self.weights is None or self.shared:
            return 0
        return self.out_shape[0] * self.out_shape[1] * self.weights.size

    def rows_needed(self, first: int, last: int) -> tuple[int, int]:
        """Rows of the source that output rows ``first`` to ``last`` (not included) read: first, one behind the last."""
        low = first * self.stride[0] - self.pad[0]
        high = (last - 1) * self.stride[0] - self.pad[0] + (self.kernel[0] - 1) * self.dilation[0] + 1
        rows = self.in_shape[0]
        low, high = min(max(low, 0), rows), min(max(high, 0), rows)
        return low + self.in_origin[0], max(low, high) + self.in_origin[0]

    def rows_written(self, first: int, last: int) -> range:
        """Rows of the output's storage that output rows ``first`` to ``last`` (not included) are."""
        start, step = self.out_origin[0], self.out_step[0]
        return range(start + first * step, start + (last - 1) * step + 1, step)


@dataclass(frozen=True)
class Unfolding:
    """How the inlet gathers ``columns`` neighbouring pixels into one."""

    columns: int = 1
    stride: int = 1
    lead: int = 0
    fill: int = 0


@dataclass
class Plan:
    """The layers of a network and the storages between them.

    Attributes
    ----------
    shapes : dict
        Of every storage. The input's is that of the stored, perhaps unfolded picture.
    stored_as : dict
        The storage of every tensor that has one: a RESHAPE's output lies where its input lies.
    picture : tuple of int
        The input as it comes.
    left_to_host : list of Operator
        What the host computes from the accelerator's output.
    notes : list of str
        What was fused, eliminated and left to the host, a sentence each.
    """

    network: Network
    sizes: Configuration
    input: str
    picture: Shape
    layers: list[ArrayLayer] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    stored_as: dict[str, str] = field(default_factory=dict)
    output: str = ""
    unfolding: Unfolding = Unfolding()
    left_to_host: list[Operator] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clocks_behind(self) -> int:
        """Clocks of the inlet behind the last byte of a row that only its unfolding takes.

        Columns behind the picture are made, a byte a clock. Pixels that end there or with the last column are stored,
        and behind each that ends there the inlet takes a clock more, which it does in any row when it ends.
        """
        u, (_, columns, channels) = self.unfolding, self.picture
        if u.columns == 1:
            return 0
        ends = [x * u.stride - u.lead + u.columns for x in range(self.shapes[self.input][1])]
        beyond, last = sum(end > columns for end in ends), sum(end == columns for end in ends)
        made = max(0, ends[-1] - columns) * channels
        return made + beyond * (self.words(self.input) + 1) + last * self.words(self.input) - 1

    def words(self, storage: str) -> int:
        """Words a pixel."""
        return ceil(self.shapes[storage][2] / self.sizes.word)

    def readers(self, storage: str) -> list[int]:
        """Numbers of the layers that read it, as source or as second operand."""
        return [i for i, layer in enumerate(self.layers) if storage in (layer.source, layer.operand)]

    def writers(self, storage: str) -> list[int]:
        """Numbers of the layers that write it."""
        return [i for i, layer in enumerate(self.layers) if layer.output == storage]
