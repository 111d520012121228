"""The parts on the belt: each knows its outline as a signed distance, and how light plays on its surface.

Lengths are units of 1/2160 of the frame's height, (u, v) the part's own axes, distances negative inside.
"""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating]  # float32 in fact; the type stubs cannot follow it through sums with scalars

MATERIALS = {
    "steel": (0.29, 0.30, 0.32),
    "brass": (0.42, 0.30, 0.11),
    "copper": (0.40, 0.20, 0.12),
    "aluminium": (0.36, 0.37, 0.38),
    "blued": (0.14, 0.17, 0.24),
}
"""Colour of the flat surface, linear sRGB."""


@dataclass(frozen=True)
class Part:
    """A part's place, turn and material.

    Attributes
    ----------
    x, y : float
        Its centre.
    axis : tuple of float
        Cosine and sine of its turn.
    material : str
        Key of :data:`MATERIALS`.
    grain : ndarray
        Factors about 1 of the tool marks, one every 6 units.
    """

    name: ClassVar[str]

    x: float
    y: float
    axis: tuple[float, float]
    material: str
    grain: Plane

    @property
    def reach(self) -> float:
        """Radius of the circle that holds the whole part."""
        raise NotImplementedError

    @property
    def wall(self) -> float:
        """Smallest width of material from the outline inwards: a chip may not go deeper."""
        raise NotImplementedError

    def distance(self, u: Plane, v: Plane) -> Plane:
        """Signed distance to the outline, holes included."""
        raise NotImplementedError

    def shading(self, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
        """Factor on the surface's light, about 1; ``lamp`` is the light's direction in the part's axes."""
        raise NotImplementedError

    def local(self, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """The part's own coordinates of frame coordinates."""
        c, s = (np.float32(a) for a in self.axis)
        p, q = (x - np.float32(self.x)).astype(np.float32), (y - np.float32(self.y)).astype(np.float32)
        return c * p + s * q, c * q - s * p


@dataclass(frozen=True)
class Washer(Part):
    """A turned ring."""

    name = "washer"
    outer: float
    inner: float

    @property
    def reach(self) -> float:
        """The outer radius."""
        return self.outer

    @property
    def wall(self) -> float:
        """The width of the ring."""
        return self.outer - self.inner

    def distance(self, u: Plane, v: Plane) -> Plane:
        """A disc without a disc."""
        r = np.sqrt(u * u + v * v)
        return np.maximum(r - np.float32(self.outer), np.float32(self.inner) - r)

    def shading(self, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
        """Turned on a lathe."""
        return _turned(self.grain, u, v, lamp)


@dataclass(frozen=True)
class Nut(Part):
    """A hexagon with a threaded hole and chamfered corners; ``across`` is half the width across flats."""

    name = "nut"
    across: float
    bore: float

    @property
    def reach(self) -> float:
        """Radius of the circle that cuts the corners."""
        return self.across * 1.13

    @property
    def wall(self) -> float:
        """From a flat to the thread."""
        return self.across - self.bore

    def distance(self, u: Plane, v: Plane) -> Plane:
        """Three pairs of flats, a circle that cuts the corners, a bore."""
        a, b = np.abs(u), np.abs(v)
        flats = np.maximum(a * np.float32(0.8660254) + b * np.float32(0.5), b) - np.float32(self.across)
        r = np.sqrt(u * u + v * v)
        return np.maximum(np.maximum(flats, r - np.float32(self.reach)), np.float32(self.bore) - r)

    def shading(self, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
        """Brushed, with sloping corners and the thread seen from above."""
        r = np.sqrt(u * u + v * v)
        light = _brushed(self.grain, v)
        corner = np.clip((r - np.float32(self.across * 0.965)) / 6, 0, 1)
        toward = (u * np.float32(lamp[0]) + v * np.float32(lamp[1])) / (r + 1)
        light *= 1 + corner * (toward * np.float32(0.45) - np.float32(0.22))
        depth = r - np.float32(self.bore)
        thread = np.abs(depth / 13 - np.floor(depth / 13) - np.float32(0.5)) * 2
        light *= np.where(depth < 39, np.float32(0.35) + np.float32(0.45) * thread, np.float32(1))
        return light


@dataclass(frozen=True)
class Plate(Part):
    """A milled rectangle with rounded corners, a hole in each, and perhaps a window in the middle."""

    name = "plate"
    half_u: float
    half_v: float
    corner: float
    hole: float
    inset: float
    window: float

    @property
    def reach(self) -> float:
        """From the centre to a rounded corner."""
        return (self.half_u**2 + self.half_v**2) ** 0.5 - 0.41 * self.corner

    @property
    def wall(self) -> float:
        """From a long side to the window, or to the middle."""
        return self.half_v - self.window if self.window else self.half_v

    def distance(self, u: Plane, v: Plane) -> Plane:
        """A rounded rectangle; the absolute coordinates make one hole four."""
        a, b = np.abs(u), np.abs(v)
        p = a - np.float32(self.half_u - self.corner)
        q = b - np.float32(self.half_v - self.corner)
        outside = np.sqrt(np.maximum(p, 0) ** 2 + np.maximum(q, 0) ** 2)
        edge = outside + np.minimum(np.maximum(p, q), 0) - np.float32(self.corner)
        p = a - np.float32(self.half_u - self.inset)
        q = b - np.float32(self.half_v - self.inset)
        edge = np.maximum(edge, np.float32(self.hole) - np.sqrt(p * p + q * q))
        if self.window:
            p = np.maximum(a - np.float32(self.window), 0)
            edge = np.maximum(edge, np.float32(self.window * 0.6) - np.sqrt(p * p + b * b))
        return edge

    def shading(self, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
        """Brushed, slightly arched."""
        light = _brushed(self.grain, v)
        light *= 1 + (u * np.float32(lamp[0]) + v * np.float32(lamp[1])) * np.float32(0.12 / self.half_u)
        return light


@dataclass(frozen=True)
class Gear(Part):
    """A toothed wheel with a recessed web and a hub; ``outer`` is the radius at the tips."""

    name = "gear"
    outer: float
    root: float
    bore: float
    teeth: int

    @property
    def reach(self) -> float:
        """The radius at the tips."""
        return self.outer

    @property
    def wall(self) -> float:
        """From the root to the bore."""
        return self.root - self.bore

    def distance(self, u: Plane, v: Plane) -> Plane:
        """A circle that goes in and out with the teeth, and a bore."""
        r = np.sqrt(u * u + v * v)
        turn = _angle(u, v) * np.float32(self.teeth / (2 * pi))
        wave = np.abs(turn - np.floor(turn) - np.float32(0.5)) * 2
        tooth = np.clip((wave - np.float32(0.47)) * np.float32(3.6) + np.float32(0.5), 0, 1)
        edge = (r - np.float32(self.root) - tooth * np.float32(self.outer - self.root)) * np.float32(0.7)
        return np.maximum(edge, np.float32(self.bore) - r)

    def shading(self, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
        """Turned, with the web lower than rim and hub."""
        r = np.sqrt(u * u + v * v)
        light = _turned(self.grain, u, v, lamp)
        hub, rim = self.bore + 0.22 * self.root, 0.84 * self.root
        web = np.clip(np.minimum(r - np.float32(hub), np.float32(rim) - r) / 7, -1, 1)
        toward = (u * np.float32(lamp[0]) + v * np.float32(lamp[1])) / (r + 1)
        inner_step = 1 - np.abs(web)
        side = np.where(r < (hub + rim) / 2, toward, -toward)
        light *= 1 - np.float32(0.24) * np.maximum(web, 0) + np.float32(0.5) * inner_step * side
        return light


def draw_part(rng: np.random.Generator) -> tuple[type[Part], dict[str, float | int]]:
    """A class of part and its sizes; where it lies is for the caller to find."""
    kind = int(rng.integers(4))
    a, b, c, d = (float(value) for value in rng.random(4))
    if kind == 0:
        outer = 185 + 150 * a
        return Washer, {"outer": outer, "inner": outer * (0.38 + 0.16 * b)}
    if kind == 1:
        across = 175 + 125 * a
        return Nut, {"across": across, "bore": across * (0.42 + 0.16 * b)}
    if kind == 2:
        half_u, half_v = 225 + 95 * a, 145 + 40 * b
        hole = half_v * (0.16 + 0.10 * c)
        window = half_v * 0.42 if d < 0.5 else 0.0
        sizes = {"half_u": half_u, "half_v": half_v, "corner": 30 + 30 * c, "hole": hole, "inset": hole + 32}
        return Plate, {**sizes, "window": window}
    outer = 215 + 120 * a
    return Gear, {"outer": outer, "root": outer * 0.8, "bore": outer * (0.20 + 0.10 * b), "teeth": 9 + int(c * 5)}


def turn_of(angle: float) -> tuple[float, float]:
    """Cosine and sine, rounded so that every machine's library gives the same."""
    return round(cos(angle), 6), round(sin(angle), 6)


def _angle(u: Plane, v: Plane) -> Plane:
    """Angle of (u, v) in -pi to pi within 1e-3; library arctangents differ from machine to machine, sums do not."""
    a, b = np.abs(u), np.abs(v)
    t = np.minimum(a, b) / (np.maximum(a, b) + np.float32(1e-6))
    s = t * t
    angle = ((np.float32(-0.0464964749) * s + np.float32(0.15931422)) * s - np.float32(0.327622764)) * s * t + t
    angle = np.where(b > a, np.float32(pi / 2) - angle, angle)
    angle = np.where(u < 0, np.float32(pi) - angle, angle)
    return np.where(v < 0, -angle, angle)


def _marks(grain: Plane, along: Plane) -> Plane:
    """The tool marks at positions across them."""
    return np.take(grain, (along * np.float32(1 / 6)).astype(np.int32), mode="wrap")


def _brushed(grain: Plane, v: Plane) -> Plane:
    """Straight tool marks along u."""
    return _marks(grain, v)


def _turned(grain: Plane, u: Plane, v: Plane, lamp: tuple[float, float]) -> Plane:
    """Round tool marks, and the bright wedges that turned metal shows towards and away from the lamp."""
    square = u * u + v * v
    toward = u * np.float32(lamp[0]) + v * np.float32(lamp[1])
    wedge = toward * toward / (square + 1)
    light = _marks(grain, np.sqrt(square))
    light *= np.float32(0.80) + np.float32(0.55) * wedge * wedge
    return light
