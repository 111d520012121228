"""The image path's lines, and frames put together from them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import formats
from .errors import BadInput

HEADER_BYTES = formats.LINE_HEADER.bits // 8
MAX_LINES = 8190
MAX_LINE_BYTES = HEADER_BYTES + 8188 * 5 // 4
"""Of the widest frame that there is (``FrameFormat``)."""


@dataclass(frozen=True, eq=False)
class ImageLine:
    """One line of RAW10 pixels: ``pixels`` is uint16 (W,)."""

    frame_counter: int
    line: int
    pixels: NDArray[np.uint16]


def parse_line(data: bytes) -> ImageLine:
    """Read one image line as it stands in a packet's payload.

    Raises
    ------
    BadInput
        When its length is not that of its pixels.
    """
    if len(data) < HEADER_BYTES:
        raise BadInput(f"image line: found {len(data)} bytes, allowed {HEADER_BYTES} and more")
    header = formats.LINE_HEADER.unpack(int.from_bytes(data[:HEADER_BYTES], "little"))
    width = header["pixels"]
    if width % 4 or len(data) != HEADER_BYTES + width * 5 // 4 or header["line"] >= MAX_LINES:
        raise BadInput(
            f"image line: found line {header['line']} of {width} pixels in {len(data)} bytes, "
            f"allowed lines up to {MAX_LINES - 1} with multiples of 4 pixels in {HEADER_BYTES} + 5/4 bytes each"
        )
    fives = np.frombuffer(data, np.uint8, offset=HEADER_BYTES).reshape(-1, 5).astype(np.uint16)
    low_bits = fives[:, 4:] >> np.array([0, 2, 4, 6], np.uint16) & np.uint16(3)
    pixels = fives[:, :4] << np.uint16(2) | low_bits
    return ImageLine(header["frame_counter"], header["line"], pixels.reshape(-1))


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture put together from image lines: ``raw`` is uint16 (H, W), zeros where a line is ``missing``."""

    frame_counter: int
    raw: NDArray[np.uint16]
    missing: tuple[int, ...]


def frames(lines: Iterable[ImageLine], height: int | None = None) -> Iterator[Frame]:
    """Put image lines together, one frame for each run of lines with the same frame counter.

    Parameters
    ----------
    lines : in the order in which they were decoded
    height : int, optional
        Rows of a frame; without it a frame reaches down to the last line that arrived.

    Raises
    ------
    BadInput
        When lines of one frame differ in width, or lie below ``height``.
    """
    run: list[ImageLine] = []
    for line in lines:
        if run and line.frame_counter != run[0].frame_counter:
            yield _frame(run, height)
            run = []
        run.append(line)
    if run:
        yield _frame(run, height)


def _frame(run: list[ImageLine], height: int | None) -> Frame:
    counter, width = run[0].frame_counter, len(run[0].pixels)
    rows = max(line.line for line in run) + 1
    for line in run:
        if len(line.pixels) != width:
            raise BadInput(f"frame {counter}: line {line.line} has {len(line.pixels)} pixels, allowed {width}")
    if height is not None and rows > height:
        raise BadInput(f"frame {counter}: found line {rows - 1}, allowed lines up to {height - 1}")
    raw = np.zeros((height or rows, width), np.uint16)
    for line in run:
        raw[line.line] = line.pixels
    missing = sorted(set(range(len(raw))) - {line.line for line in run})
    return Frame(counter, raw, tuple(missing))
