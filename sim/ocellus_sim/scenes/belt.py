"""The conveyor: a woven belt with dirt and a seam between two aluminium rails."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocellus.settings import FrameFormat

from .camera import BLOCK, mosaic_rows

Plane = NDArray[np.floating]  # float32 in fact; the type stubs cannot follow it through sums with scalars

COLOURS = ((0.060, 0.064, 0.070), (0.028, 0.082, 0.060), (0.026, 0.068, 0.130), (0.075, 0.072, 0.066))
"""Linear sRGB: charcoal rubber, green and blue fabric, grey felt."""
RAIL = 96.0
"""Height of a rail in units of 1/2160 of the frame's height."""
_WEAVE = 30.0
_DIRT = 64.0


@dataclass(frozen=True)
class Belt:
    """How this stretch of belt looks. ``dirt`` is a coarse field about 1, one value every 64 units."""

    colour: tuple[float, float, float]
    weave: float
    seam: tuple[float, float] | None
    dirt: Plane
    streaks: Plane
    brushing: Plane

    @classmethod
    def draw(cls, rng: np.random.Generator, width: float) -> "Belt":
        """A belt ``width`` units long."""
        colour = COLOURS[int(rng.integers(len(COLOURS)))]
        tone = 0.8 + 0.5 * float(rng.random())
        weave = 0.05 + 0.09 * float(rng.random())
        has_seam, at, lean = (float(v) for v in rng.random(3))
        seam = (at * width, (lean - 0.5) * 0.5) if has_seam < 0.3 else None
        dirt = rng.random((36, 160), dtype=np.float32)
        dirt = (dirt[:-1] + dirt[1:])[:, :-1] * 0.25 + dirt[:-1, 1:] * 0.5
        streaks = rng.random(2176, dtype=np.float32)
        brushing = rng.random(512, dtype=np.float32)
        return cls((colour[0] * tone, colour[1] * tone, colour[2] * tone), weave, seam, dirt, streaks, brushing)

    def paint(self, frame: FrameFormat) -> Plane:
        """(height, width): levels above black of the empty belt."""
        scale = frame.height / 2160
        x = ((np.arange(frame.width) + 0.5) / scale).astype(np.float32)
        y = ((np.arange(frame.height) + 0.5) / scale).astype(np.float32)
        rows = mosaic_rows(self.colour, frame.width)
        light = np.empty((frame.height, frame.width), np.float32)
        threads_x, threads_y = _triangle(x / _WEAVE) * np.float32(self.weave), _triangle(y / _WEAVE)
        streaks = (0.9 + 0.2 * self.streaks[(y / 4).astype(np.int64) % 2176]) * _rail_shadow(y)
        column, share = _split(x / _DIRT, self.dirt.shape[1])
        row, part = _split(y / _DIRT, self.dirt.shape[0])
        for top in range(0, frame.height, BLOCK):
            block = slice(top, min(top + BLOCK, frame.height))
            coarse = self.dirt[row[block]] * (1 - part[block, None]) + self.dirt[row[block] + 1] * part[block, None]
            step = coarse[:, 1:] - coarse[:, :-1]
            shade = np.take(step, column, axis=1)
            shade *= share
            shade += np.take(coarse, column, axis=1)
            shade *= np.float32(0.6)
            shade += np.float32(0.7)
            shade += threads_x * threads_y[block, None]
            shade *= streaks[block, None]
            if self.seam is not None:
                distance = np.abs((x - np.float32(self.seam[0])) + (y[block, None] - 1080) * np.float32(self.seam[1]))
                shade *= np.clip(distance / 9, 0.45, 1)
            quads = shade.reshape(-1, 2, frame.width)
            np.multiply(quads, rows, out=light[block].reshape(quads.shape))
        self._paint_rails(light, x, y)
        return light

    def _paint_rails(self, light: Plane, x: Plane, y: Plane) -> None:
        """Aluminium profiles: lit from above, with a groove, brushed along their length."""
        inside = RAIL - np.minimum(y, 2160 - y)
        profile = 0.30 + 0.16 * np.clip(inside / 12, 0, 1) - 0.24 * (np.abs(inside - 46) < 13)
        profile = np.where(np.abs(inside - 4) < 4, 0.62, profile).astype(np.float32)
        grain = 0.96 + 0.08 * self.brushing[(x / 7).astype(np.int64) % len(self.brushing)]
        metal = mosaic_rows((0.96, 0.98, 1.0), len(x)) * grain
        for even in range(0, len(y), 2):
            if inside[even] > 0 and inside[min(even + 1, len(y) - 1)] > 0:
                light[even : even + 2] = metal * profile[even : even + 2, None]


def _triangle(phase: Plane) -> Plane:
    """A wave from -1 to 1 of period 1."""
    return (4 * np.abs(phase - np.floor(phase) - np.float32(0.5)) - 1).astype(np.float32)


def _split(position: Plane, count: int) -> tuple[NDArray[np.int64], Plane]:
    """Index of the grid value before each position (folded into ``count - 1``) and the share of the next one."""
    before = np.floor(position)
    return before.astype(np.int64) % (count - 1), (position - before).astype(np.float32)


def _rail_shadow(y: Plane) -> Plane:
    """Factor on the belt's light beside the rails."""
    return np.clip((np.minimum(y, 2160 - y) - RAIL) / 90 + 0.35, 0.2, 1).astype(np.float32)
