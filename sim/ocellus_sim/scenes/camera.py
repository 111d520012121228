"""The lens and the pixel array: from light to RAW10; `ocellus.line.isp_settings` undoes its colours."""

import numpy as np
from numpy.typing import NDArray

from ocellus.line import BLACK, GAIN, MATRIX
from ocellus.settings import FrameFormat

FULL_SCALE = 4092 * 64
"""Level above black times gain that the image processor turns into its largest linear value, 1023 (docs/isp.md)."""
SITES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Row and column in the quad of R, Gr, Gb, B."""

LEVELS_PER_ELECTRON = 0.096
READ_LEVELS = 1.8
"""Shot noise: variance grows with the level by this much a level. Read noise: standard deviation in levels."""

_SENSOR_FROM_SRGB = np.linalg.inv(np.array(MATRIX, np.float64).reshape(3, 3) / 256).round(6)


def site_weights() -> NDArray[np.float32]:
    """(4, 3): levels above black that linear sRGB (0 to 1) gives at the sites R, Gr, Gb, B."""
    rows = _SENSOR_FROM_SRGB[[0, 1, 1, 2]]
    return (rows * FULL_SCALE / np.array(GAIN)[:, None]).astype(np.float32)


def mosaic_rows(colour: tuple[float, float, float], width: int) -> NDArray[np.float32]:
    """(2, width): one even and one odd row of levels above black for a linear sRGB colour."""
    # Rounded, because matrix products differ in their last digits from machine to machine.
    levels = (site_weights().astype(np.float64) @ np.array(colour, np.float64)).round(4)
    return np.tile(np.maximum(levels, 0).astype(np.float32).reshape(2, 2), (1, width // 2))


def expose(
    light: NDArray[np.float32], frame: FrameFormat, noise: np.random.Generator, illumination: "Illumination"
) -> NDArray[np.uint16]:
    """RAW10 of a mosaic of levels above black: illumination, shot and read noise, black level, clipping.

    Noise shrinks with the frame, so that a tensor averaged from it is about as noisy as one from 4K.
    """
    raw = np.empty(light.shape, np.uint16)
    scale = min(frame.height / 2160, 1.0)
    shot, read = np.float32(LEVELS_PER_ELECTRON * scale**2), np.float32((READ_LEVELS * scale) ** 2)
    for top in range(0, frame.height, BLOCK):
        rows = slice(top, min(top + BLOCK, frame.height))
        level = light[rows]
        np.maximum(level, 0, out=level)
        level *= illumination.rows(rows)
        spread = noise.standard_normal(level.shape, dtype=np.float32)
        spread *= np.sqrt(level * shot + read)
        level += spread
        level += np.float32(BLACK + 0.5)
        np.clip(level, 0, 1023, out=level)
        raw[rows] = level
    return raw


BLOCK = 48
"""Rows handled at once: what is worked on stays in the processor's cache."""


class Illumination:
    """Light over the frame: a slope across it, a brighter spot below the lamp, and the lens's fall-off to the corners.

    Attributes
    ----------
    slope : tuple of float
        Change of the light from the left to the right edge and from the upper to the lower one.
    spot : tuple of float
        Place of the lamp (0 to 1 in both directions), its share of the light, and its width in frame heights.
    fall_off : float
        The lens passes ``1 / (1 + fall_off * r**2) ** 2`` with r = 1 in the corners.
    warmth : float
        How much more red and less blue the light has than the white balance expects.
    """

    def __init__(
        self,
        frame: FrameFormat,
        slope: tuple[float, float],
        spot: tuple[float, float, float, float],
        fall_off: float,
        warmth: float = 0.0,
    ) -> None:
        aspect = frame.width / frame.height
        x = ((np.arange(frame.width) + 0.5) / frame.width).astype(np.float32)
        y = ((np.arange(frame.height) + 0.5) / frame.height).astype(np.float32)
        corner = aspect**2 / 4 + 0.25
        self._slope_x, self._slope_y = (x - 0.5) * np.float32(slope[0]) + 1, (y - 0.5) * np.float32(slope[1])
        at_x, at_y, self._share, width = spot[0], spot[1], np.float32(spot[2]), spot[3]
        self._spot_x = ((x - np.float32(at_x)) * np.float32(aspect / width)) ** 2 + 1
        self._spot_y = ((y - np.float32(at_y)) / np.float32(width)) ** 2
        fall = np.float32(fall_off / corner)
        self._lens_x, self._lens_y = ((x - 0.5) * np.float32(aspect)) ** 2 * fall + 1, (y - 0.5) ** 2 * fall

        self._tint = np.tile(np.array([[1 + warmth, 1], [1, 1 - warmth]], np.float32), (1, frame.width // 2))

    def rows(self, rows: slice) -> NDArray[np.floating]:
        """(rows, width): factor on each pixel's light."""
        field = self._spot_x + self._spot_y[rows, None]
        np.divide(self._share, field, out=field)
        field += self._slope_x + self._slope_y[rows, None]
        lens = self._lens_x + self._lens_y[rows, None]
        lens *= lens
        field /= lens
        quads = field.reshape(-1, 2, field.shape[1])
        quads *= self._tint
        return field
