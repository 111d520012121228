"""What a host sets before a frame: each stage's run-time settings, checked, and as register writes."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import gcd
from typing import Any

from . import formats
from .errors import BadInput
from .formats import Block, Head, Pattern


@dataclass(frozen=True)
class FrameFormat:
    """Frame and line timing in pixels, blanking included in the totals.

    ``width`` is a multiple of 4 from 8 to 8188, ``height`` is even, from 2 to 8190; ``h_total`` is a multiple of 4
    above ``width``, ``v_total`` at least ``height``. :class:`BadInput` otherwise.
    """

    width: int = 3840
    height: int = 2160
    h_total: int = 4400
    v_total: int = 2250

    def __post_init__(self) -> None:
        if self.width < 8 or self.width % formats.PIXELS_PER_CLOCK or self.width > 8188:
            raise BadInput(f"frame width: found {self.width}, allowed multiples of 4 from 8 to 8188")
        if self.height < 2 or self.height % 2 or self.height > 8190:
            raise BadInput(f"frame height: found {self.height}, allowed even numbers from 2 to 8190")
        if self.h_total <= self.width or self.h_total % formats.PIXELS_PER_CLOCK:
            raise BadInput(f"line total: found {self.h_total}, allowed multiples of 4 above the width {self.width}")
        if self.v_total < self.height:
            raise BadInput(f"frame total: found {self.v_total} lines, allowed {self.height} and more")

    @property
    def words_per_line(self) -> int:
        """Clocks that carry pixels in one line."""
        return self.width // formats.PIXELS_PER_CLOCK

    @property
    def clocks_per_line(self) -> int:
        """Clocks from one line's first pixels to the next line's."""
        return self.h_total // formats.PIXELS_PER_CLOCK

    @property
    def clocks_per_frame(self) -> int:
        """Clocks from one frame's first pixels to the next frame's."""
        return self.clocks_per_line * self.v_total


UHD = FrameFormat()
"""3840x2160 at 30 Hz inside CTA-861 totals: 2,475,000 clocks of 74.25 MHz a frame."""


def _writes(block: Block, values: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for f in block.layout.fields:
        items = values[f.name] if f.count > 1 else [values[f.name]]
        for index, item in enumerate(items):
            yield block.address(f.name, index), int(item) & 0xFFFF_FFFF


class _Settings:
    """What every stage's settings can do: become one packed word, or register writes."""

    block: Block

    def values(self) -> dict[str, Any]:
        """The fields of the stage's layout."""
        return asdict(self)  # type: ignore[call-overload]  # every subclass is a dataclass

    def word(self) -> int:
        """The settings as the packed word of the stage's settings port."""
        return self.block.layout.pack(self.values())

    def writes(self) -> Iterator[tuple[int, int]]:
        """(address, data) of each register write that puts these settings into the chip."""
        return _writes(self.block, self.values())


@dataclass(frozen=True)
class ReadoutSettings(_Settings):
    """docs/readout.md says what each means."""

    enable: bool = True
    live: bool = True
    pattern: Pattern = Pattern.ARRAY
    solid: int = 512

    @property
    def block(self) -> Block:  # type: ignore[override]  # a constant, kept out of the dataclass fields
        """The stage's registers."""
        return formats.READOUT

    def writes(self) -> Iterator[tuple[int, int]]:
        """``enable`` comes last: a frame begins in the clock after it, and takes the other settings as they stand."""
        enable, *others = super().writes()
        yield from others
        yield enable


def srgb_table() -> tuple[int, ...]:
    """The gamma table of IEC 61966-2-1: 1024 linear levels to 8 bits, rounded to nearest."""

    def encode(x: float) -> float:
        return 12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055

    return tuple(int(255 * encode(i / 1023) + 0.5) for i in range(1024))


UNITY_MATRIX = (256, 0, 0, 0, 256, 0, 0, 0, 256)
LUMA_MATRIX = (54, 183, 19) * 3
"""BT.709 weights in every row: what a network with one input channel looks at."""


@dataclass(frozen=True)
class IspSettings(_Settings):
    """Black level (10 bits), gain (unsigned 4.8) for R, Gr, Gb, B; matrix (3x3, signed 4.8) by rows; gamma tables."""

    black: tuple[int, ...] = (64, 64, 64, 64)
    gain: tuple[int, ...] = (256, 256, 256, 256)
    matrix: tuple[int, ...] = UNITY_MATRIX
    gamma: tuple[tuple[int, ...], ...] = field(default_factory=lambda: (srgb_table(),) * 3)

    @property
    def block(self) -> Block:  # type: ignore[override]  # a constant, kept out of the dataclass fields
        """The stage's registers."""
        return formats.ISP

    def values(self) -> dict[str, Any]:
        """All but the tables, which no settings word holds."""
        return {"black": self.black, "gain": self.gain, "matrix": self.matrix}

    def writes(self) -> Iterator[tuple[int, int]]:
        """The fields, then the tables."""
        yield from super().writes()
        for channel, table in enumerate(self.gamma):
            for index, level in enumerate(table):
                yield formats.GAMMA + 4096 * channel + 4 * index, level


@dataclass(frozen=True)
class Window:
    """A region of interest in full-frame pixels; all four numbers even, inside the frame."""

    x: int
    y: int
    width: int
    height: int

    def check(self, frame: FrameFormat) -> None:
        """:class:`BadInput` when the window is odd, empty or reaches outside ``frame``."""
        for name, value in (("x", self.x), ("y", self.y), ("width", self.width), ("height", self.height)):
            if value % 2:
                raise BadInput(f"region of interest: found {name} {value}, allowed even numbers")
        if self.width < 2 or self.height < 2:
            raise BadInput(f"region of interest: found {self.width}x{self.height}, allowed 2x2 and larger")
        if self.x < 0 or self.y < 0 or self.x + self.width > frame.width or self.y + self.height > frame.height:
            raise BadInput(
                f"region of interest: found {self.width}x{self.height} at ({self.x}, {self.y}), "
                f"allowed inside {frame.width}x{frame.height}"
            )


@dataclass(frozen=True)
class TensorSettings(_Settings):
    """docs/tensor.md says what each means; :meth:`scaled` derives the ratios and multipliers."""

    crop_x: int
    crop_y: int
    crop_w: int
    crop_h: int
    out_w: int
    out_h: int
    x_in: int
    x_out: int
    y_in: int
    y_out: int
    channels: int
    multiplier: tuple[int, int, int]
    shift: int
    offset: tuple[int, int, int]

    @property
    def block(self) -> Block:  # type: ignore[override]  # a constant, kept out of the dataclass fields
        """The stage's registers."""
        return formats.TENSOR

    @classmethod
    def scaled(
        cls,
        window: Window,
        shape: tuple[int, int, int],
        scale: float,
        zero_point: int,
        mean: tuple[float, ...] = (0.0, 0.0, 0.0),
        deviation: tuple[float, ...] = (1.0, 1.0, 1.0),
    ) -> "TensorSettings":
        """Settings that bring ``window`` to ``shape`` (rows, columns, channels) and quantise it.

        A level ``v`` of 0 to 255 becomes ``((v / 255 - mean) / deviation) / scale + zero_point``. :class:`BadInput`
        when the shape does not fit the stage (1 or 3 channels, 1 to 1023 rows and columns) or the gain is
        not representable.
        """
        rows, columns, channels = shape
        if channels not in (1, 3) or not 1 <= rows <= 1023 or not 1 <= columns <= 1023:
            raise BadInput(
                f"input tensor: found {rows}x{columns}x{channels}, allowed up to 1023x1023 with 1 or 3 channels"
            )
        crop_w, crop_h = window.width // 2, window.height // 2
        gx, gy = gcd(crop_w, columns), gcd(crop_h, rows)
        x_in, x_out, y_in, y_out = crop_w // gx, columns // gx, crop_h // gy, rows // gy
        gains = [1 / (255 * deviation[c] * scale * x_in * y_in) for c in range(3)]
        shift = 0
        while shift < 56 and max(gains) * 2.0 ** (shift + 1) < 1 << 24 - 8:
            shift += 1
        multiplier = tuple(round(g * 2.0 ** (shift + 8)) for g in gains)
        offset = tuple(round(256 * (zero_point - mean[c] / (deviation[c] * scale))) for c in range(3))
        if min(multiplier) < 1 or max(multiplier) >= 1 << 24:
            raise BadInput(f"input tensor: found a gain of {max(gains):g} a level, allowed 2^-47 to 2^15")
        if max(abs(o) for o in offset) >= 1 << 23:
            raise BadInput(f"input tensor: found an offset of {max(offset) / 256:g}, allowed -32768 to 32767")
        return cls(
            window.x // 2, window.y // 2, crop_w, crop_h, columns, rows, x_in, x_out, y_in, y_out, channels,
            (multiplier[0], multiplier[1], multiplier[2]), shift, (offset[0], offset[1], offset[2]),
        )  # fmt: skip


@dataclass(frozen=True)
class MetadataSettings(_Settings):
    """docs/metadata.md says what each means; lengths with 8 fraction bits where the page says so."""

    head: Head
    frame_w: int
    frame_h: int
    origin_x: int
    origin_y: int
    window_w: int
    window_h: int
    grid_w: int = 1
    grid_h: int = 1
    classes: int = 1
    threshold: int = 0
    zero_point: int = 0
    top_k: int = 1
    half_cell_x: int = 0
    half_cell_y: int = 0
    step_x: int = 0
    step_y: int = 0

    @property
    def block(self) -> Block:  # type: ignore[override]  # a constant, kept out of the dataclass fields
        """The stage's registers."""
        return formats.METADATA

    @classmethod
    def vector(cls, frame: FrameFormat, window: Window, top_k: int = 1) -> "MetadataSettings":
        """The ``top_k`` (1 to 16) largest values of an output vector, placed at the whole window."""
        if not 1 <= top_k <= formats.MAX_TOP_K:
            raise BadInput(f"top-k: found {top_k}, allowed 1 to {formats.MAX_TOP_K}")
        return cls(Head.VECTOR, frame.width, frame.height, window.x, window.y, window.width, window.height, top_k=top_k)

    @classmethod
    def heatmap(
        cls,
        frame: FrameFormat,
        window: Window,
        grid: tuple[int, int],
        classes: int,
        threshold: int,
        scale: float,
        zero_point: int,
    ) -> "MetadataSettings":
        """Peaks of a heat map of ``grid`` (rows, columns) cells with ``classes`` scores and a box each.

        ``scale`` and ``zero_point`` quantise the output tensor; box channels count in cells.
        """
        rows, columns = grid
        cell_x, cell_y = window.width / columns, window.height / rows
        return cls(
            Head.HEATMAP, frame.width, frame.height, window.x, window.y, window.width, window.height,
            columns, rows, classes, threshold, zero_point,
            half_cell_x=round(cell_x * 128), half_cell_y=round(cell_y * 128),
            step_x=round(scale * cell_x * 256), step_y=round(scale * cell_y * 256),
        )  # fmt: skip
