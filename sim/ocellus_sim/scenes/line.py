"""A production line seen from above: the same seed is the same scene in every frame format."""

from dataclasses import dataclass
from math import ceil, floor, pi

import numpy as np
from numpy.typing import NDArray

from ocellus.settings import UHD, FrameFormat

from .belt import RAIL, Belt
from .camera import Illumination, expose, mosaic_rows
from .defects import Chip, Defect, Scratch, Stain, draw_defects
from .parts import MATERIALS, Part, draw_part, turn_of
from .truth import Scene, SceneObject, enclose, labelled

Plane = NDArray[np.floating]  # float32 in fact; the type stubs cannot follow it through sums with scalars
Box = tuple[int, int, int, int]

_BEVEL = 15.0
_SHADOW = 30.0
_GAP = 26.0


@dataclass(frozen=True)
class _Layout:
    """Everything random about a scene but its noise."""

    belt: Belt
    illumination: Illumination
    lamp: tuple[float, float]
    parts: tuple[tuple[Part, tuple[Defect, ...]], ...]


def render(seed: int, frame: FrameFormat = UHD) -> Scene:
    """The scene of ``seed`` with its ground truth."""
    layout = _arrange(np.random.default_rng([seed, 0]), frame)
    light = layout.belt.paint(frame)
    objects = [found for part, flaws in layout.parts for found in _place(light, frame, part, flaws, layout.lamp)]
    raw = expose(light, frame, np.random.default_rng([seed, 1]), layout.illumination)
    return Scene(seed, frame, raw, tuple(objects))


def _arrange(rng: np.random.Generator, frame: FrameFormat) -> _Layout:
    """Draw a scene: 3 to 8 parts (fewer where they find no room), none over another or over a rail."""
    width = 2160 * frame.width / frame.height
    belt = Belt.draw(rng, width)
    draws = [float(value) for value in rng.random(8)]
    lamp = turn_of(2 * pi * draws[0])
    illumination = Illumination(
        frame,
        slope=(0.5 * (draws[1] - 0.5), 0.4 * (draws[2] - 0.5)),
        spot=(0.2 + 0.6 * draws[3], 0.2 + 0.6 * draws[4], 0.15 + 0.35 * draws[5], 0.6),
        fall_off=0.10 + 0.12 * draws[6],
        warmth=0.12 * (draws[7] - 0.5),
    )
    parts: list[tuple[Part, tuple[Defect, ...]]] = []
    names = list(MATERIALS)
    for _ in range(int(rng.integers(3, 9))):
        kind, sizes = draw_part(rng)
        material = names[int(rng.integers(len(names)))]
        axis = turn_of(2 * pi * float(rng.random()))
        grain = (0.93 + 0.14 * rng.random(256, dtype=np.float32)).astype(np.float32)
        places = rng.random((40, 2))
        part = kind(x=0.0, y=0.0, axis=axis, material=material, grain=grain, **sizes)
        flaws = draw_defects(rng, part)
        margin = part.reach + _GAP
        for across, down in places:
            x, y = margin + float(across) * (width - 2 * margin), RAIL + margin
            y += float(down) * (2160 - 2 * y)
            free = all((x - o.x) ** 2 + (y - o.y) ** 2 > (margin + o.reach) ** 2 for o, _ in parts)
            if free and margin < width / 2:
                parts.append((kind(x=x, y=y, axis=axis, material=material, grain=grain, **sizes), flaws))
                break
    return _Layout(belt, illumination, lamp, tuple(parts))


class _Window:
    """The pixels around a part: frame coordinates cut to whole quads, in pixels and in units."""

    def __init__(self, frame: FrameFormat, x: float, y: float, reach: float) -> None:
        scale = frame.height / 2160
        self.pixel = 1 / scale
        self.left, self.top = (max(floor((c - reach) * scale) // 2 * 2, 0) for c in (x, y))
        self.right = min(ceil((x + reach) * scale) // 2 * 2 + 2, frame.width)
        self.bottom = min(ceil((y + reach) * scale) // 2 * 2 + 2, frame.height)
        self.rows, self.columns = slice(self.top, self.bottom), slice(self.left, self.right)

    def coordinates(self) -> tuple[Plane, Plane]:
        """Units of each column (1, w) and row (h, 1)."""
        x = ((np.arange(self.left, self.right) + 0.5) * self.pixel).astype(np.float32)
        y = ((np.arange(self.top, self.bottom) + 0.5) * self.pixel).astype(np.float32)
        return x[None, :], y[:, None]

    def around(self, x: float, y: float, reach: float, frame: FrameFormat) -> tuple[slice, slice]:
        """Rows and columns of a smaller window, counted from this one's corner, cut to this one."""
        inner = _Window(frame, x, y, reach)
        rows = slice(max(inner.top - self.top, 0), max(min(inner.bottom, self.bottom) - self.top, 0))
        return rows, slice(max(inner.left - self.left, 0), max(min(inner.right, self.right) - self.left, 0))


def _place(
    light: Plane, frame: FrameFormat, part: Part, flaws: tuple[Defect, ...], lamp: tuple[float, float]
) -> list[SceneObject]:
    """Draw a part with its flaws over the belt; what was drawn."""
    window = _Window(frame, part.x, part.y, part.reach + _GAP + _SHADOW)
    if window.left >= window.right or window.top >= window.bottom:
        return []
    u, v = part.local(*window.coordinates())
    edge = part.distance(u, v)
    box = enclose(edge < 0, window.left, window.top)
    if box is None:
        return []
    objects = [labelled(part.name, box)]
    spots: list[tuple[Defect, tuple[slice, slice]]] = []
    for flaw in flaws:
        c, s = part.axis
        x, y = part.x + c * flaw.u - s * flaw.v, part.y + s * flaw.u + c * flaw.v
        spots.append((flaw, window.around(x, y, flaw.reach, frame)))
    for flaw, spot in spots:
        if isinstance(flaw, Chip):
            bite = flaw.distance(u[spot], v[spot])
            gone = enclose((bite < 0) & (edge[spot] < 0), window.left + spot[1].start, window.top + spot[0].start)
            np.maximum(edge[spot], -bite, out=edge[spot])
            if gone:
                objects.append(labelled(flaw.name, gone))
    ground = light[window.rows, window.columns]
    _cast_shadow(ground, edge, lamp, window.pixel)
    inverse = (lamp[0] * part.axis[0] + lamp[1] * part.axis[1], lamp[1] * part.axis[0] - lamp[0] * part.axis[1])
    shade = part.shading(u, v, inverse)
    shade *= _bevel(edge, lamp, window.pixel)
    metal = _coloured(shade, MATERIALS[part.material])
    for flaw, spot in spots:
        seen = _mark(metal, flaw, spot, u, v, window.pixel, MATERIALS[part.material])
        if seen is not None:
            mark = enclose(seen & (edge[spot] < 0), window.left + spot[1].start, window.top + spot[0].start)
            if mark:
                objects.append(labelled(flaw.name, mark))
    cover = np.clip(np.float32(0.5) - edge * np.float32(1 / window.pixel), 0, 1)
    metal -= ground
    metal *= cover
    ground += metal
    return objects


def _mark(
    metal: Plane, flaw: Defect, spot: tuple[slice, slice], u: Plane, v: Plane, pixel: float,
    colour: tuple[float, float, float],
) -> NDArray[np.bool_] | None:  # fmt: skip
    """Draw a stain or a scratch on the metal; the pixels it shows on."""
    below = metal[spot]
    if isinstance(flaw, Stain):
        cover = flaw.cover(u[spot], v[spot], pixel)
        factor = _rows(np.array(flaw.colour, np.float32), below.shape[1]) - 1
        below *= (cover.reshape(-1, 2, cover.shape[1]) * factor + 1).reshape(cover.shape)
        return cover > 0.5
    if isinstance(flaw, Scratch):
        bright, dark = flaw.cover(u[spot], v[spot], pixel)
        below *= 1 - np.float32(0.55) * dark
        glint = _coloured(bright, tuple(0.3 * c + 0.72 for c in colour))  # type: ignore[arg-type]  # three of them
        below *= 1 - bright
        below += glint
        return (bright > 0.5) | (dark > 0.5)
    return None


def _rows(levels: Plane, width: int) -> Plane:
    """(2, width) of one value each for red, green and blue sites."""
    return np.tile(np.array([[levels[0], levels[1]], [levels[1], levels[2]]], np.float32), (1, width // 2))


def _coloured(shade: Plane, colour: tuple[float, float, float]) -> Plane:
    """Levels above black of a surface of this colour under ``shade``."""
    height, width = shade.shape
    return (shade.reshape(-1, 2, width) * mosaic_rows(colour, width)).reshape(height, width)


def _bevel(edge: Plane, lamp: tuple[float, float], pixel: float) -> Plane:
    """Factor of the broken edges: bright where they face the lamp, dark where they turn away."""
    slope = np.zeros_like(edge)
    slope[:, 1:-1] = (edge[:, 2:] - edge[:, :-2]) * np.float32(lamp[0] / (2 * pixel))
    slope[1:-1] += (edge[2:] - edge[:-2]) * np.float32(lamp[1] / (2 * pixel))
    slope *= np.float32(0.75)
    slope -= np.float32(0.08)
    slope *= np.clip(1 + edge * np.float32(1 / _BEVEL), 0, 1)
    slope += 1
    return slope


def _cast_shadow(ground: Plane, edge: Plane, lamp: tuple[float, float], pixel: float) -> None:
    """Darken the ground on the side away from the lamp, softly; through the holes as well."""
    shift = [round(-18 * part / pixel) for part in lamp]
    moved = np.roll(edge, (shift[1], shift[0]), axis=(0, 1))
    dark = np.clip(np.float32(0.5) - moved * np.float32(1 / _SHADOW), 0, 1)
    dark *= np.float32(-0.72)
    dark += 1
    ground *= dark
