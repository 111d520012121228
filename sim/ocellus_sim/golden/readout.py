"""What readout hands on: test patterns, and frames as stream words; docs/readout.md is the specification.

Frames from the pixel array pass unaltered, so they need no function here.
"""

import numpy as np
from numpy.typing import NDArray

from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus.settings import FrameFormat, ReadoutSettings

from . import line

WHITE = 1023
BAR_COLOURS = ("RGB", "RG", "GB", "G", "RB", "R", "B", "")
"""White, yellow, cyan, green, magenta, red, blue, black: the primaries that each bar contains."""
BAYER_SITES = (("R", "G"), ("G", "B"))
PN9_PERIOD = 511


def pattern(frame: FrameFormat, settings: ReadoutSettings, counter: int = 0) -> NDArray[np.uint16]:
    """Draw the test pattern that ``settings`` select; of a moving one frame ``counter``.

    Returns
    -------
    uint16 (H, W)
        Levels from 0 to 1023.

    Raises
    ------
    BadInput
        When the settings select the pixel array.
    """
    shape = (frame.height, frame.width)
    match settings.pattern:
        case Pattern.SOLID:
            return np.full(shape, settings.solid, np.uint16)
        case Pattern.RAMP:
            return np.tile(np.arange(frame.width, dtype=np.uint16) % 1024, (frame.height, 1))
        case Pattern.BARS:
            return _bars(frame)
        case Pattern.PN9:
            return _pn9(frame)
        case Pattern.LINE:
            return line.draw(frame, counter)
    raise BadInput(f"test pattern: found {settings.pattern!r}, allowed {', '.join(p.name for p in Pattern if p)}")


def _bars(frame: FrameFormat) -> NDArray[np.uint16]:
    bar_width = frame.width // 32 * 4
    edges = np.arange(1, 8) * bar_width  # frames narrower than 32 pixels have seven empty bars and a black one
    bar = np.searchsorted(edges, np.arange(frame.width), side="right")
    raw = np.zeros((frame.height, frame.width), np.uint16)
    for y in range(2):
        for x in range(2):
            contains = np.array([BAYER_SITES[y][x] in colour for colour in BAR_COLOURS])
            raw[y::2, x::2] = np.where(contains[bar[x::2]], WHITE, 0)
    return raw


def pn9_bits(count: int) -> NDArray[np.uint8]:
    """The first ``count`` bits of the sequence x^9 + x^5 + 1 (ITU-T O.150) from a state of all ones."""
    period = np.zeros(PN9_PERIOD, np.uint8)
    period[:9] = 1
    for n in range(9, PN9_PERIOD):
        period[n] = period[n - 9] ^ period[n - 5]
    return np.resize(period, count)


def _pn9(frame: FrameFormat) -> NDArray[np.uint16]:
    # 511 is prime to 10, so the pixels repeat after 511 too, with ten whole periods of bits in between.
    bits = pn9_bits(10 * PN9_PERIOD).reshape(PN9_PERIOD, 10)
    pixels = bits.astype(np.uint16) @ (1 << np.arange(9, -1, -1)).astype(np.uint16)
    return np.resize(pixels, (frame.height, frame.width))


def beats(raw: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """Pack frames into the words of the simulated pixel array (``RAW_WORD``), four pixels a word, leftmost lowest.

    Parameters
    ----------
    raw : uint16 (..., W)
        Levels from 0 to 1023; W is a multiple of 4.

    Returns
    -------
    uint64 (n,)
        Line after line, frame after frame.

    Raises
    ------
    BadInput
        When a line is no multiple of 4 pixels, or a level has more than ten bits.
    """
    if not raw.size or raw.shape[-1] % 4:
        raise BadInput(f"raw frame: found shape {raw.shape}, allowed lines of a multiple of 4 pixels")
    if int(raw.min()) < 0 or int(raw.max()) > 1023:
        raise BadInput(f"raw frame: found levels from {int(raw.min())} to {int(raw.max())}, allowed 0 to 1023")
    # Four 16-bit pixels side by side are one 64-bit word (on a little-endian host) with gaps of six bits; close them.
    wide = np.ascontiguousarray(raw, np.uint16).view(np.uint64).reshape(-1)
    words = wide & np.uint64(0x3FF)
    for position in range(1, 4):
        words |= (wide >> np.uint64(6 * position)) & np.uint64(0x3FF << 10 * position)
    return words


def stream(raw: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """One frame (H, W) as readout's output words (``RAW_BEAT``): :func:`beats` with line and frame ends marked."""
    words = beats(raw)
    lines = words.reshape(raw.shape[-2], -1)
    lines[:, -1] |= np.uint64(1 << 40)
    lines[-1, -1] |= np.uint64(1 << 41)
    return words


def pixels(words: NDArray[np.uint64], width: int) -> NDArray[np.uint16]:
    """The inverse of :func:`beats` and :func:`stream`: whole lines of ``width`` pixels, (lines, width) uint16."""
    shifts = np.arange(0, 40, 10, dtype=np.uint64)
    return ((words[:, np.newaxis] >> shifts) & np.uint64(0x3FF)).astype(np.uint16).reshape(-1, width)
