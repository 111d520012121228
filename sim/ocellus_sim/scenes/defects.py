"""What can be wrong with a part: a chipped edge, a stain, a scratch; each drawn where it lies on its part."""

from dataclasses import dataclass
from math import cos, pi, sin
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .parts import Part, turn_of

Plane = NDArray[np.floating]  # float32 in fact; the type stubs cannot follow it through sums with scalars
_TRIES = 48
OFF_CENTRE = 130.0
"""Stains and scratches keep this far from their part's centre: a cell of the network tells one box, not two."""


@dataclass(frozen=True)
class Defect:
    """A flaw at (u, v) in its part's own axes, within ``reach`` of that point."""

    name: ClassVar[str]

    u: float
    v: float
    reach: float


@dataclass(frozen=True)
class Chip(Defect):
    """Material broken out of the edge: two overlapping polygons of straight cracks, each (du, dv, sides)."""

    name = "chip"
    bites: tuple[tuple[float, float, tuple[tuple[float, float, float], ...]], ...]

    def distance(self, u: Plane, v: Plane) -> Plane:
        """Signed distance to the missing material."""
        whole = None
        for du, dv, sides in self.bites:
            p, q = u - np.float32(self.u + du), v - np.float32(self.v + dv)
            bite = None
            for nu, nv, away in sides:
                side = p * np.float32(nu) + q * np.float32(nv) - np.float32(away)
                bite = side if bite is None else np.maximum(bite, side)
            assert bite is not None
            whole = bite if whole is None else np.minimum(whole, bite)
        assert whole is not None
        return whole


@dataclass(frozen=True)
class Stain(Defect):
    """A patch of oil or rust: drops (du, dv, radius) that run together; ``colour`` multiplies what lies below."""

    name = "stain"
    drops: tuple[tuple[float, float, float], ...]
    colour: tuple[float, float, float]

    def cover(self, u: Plane, v: Plane, pixel: float) -> Plane:
        """Share of each pixel that is stained, with an edge a few units soft."""
        field = np.zeros_like(u)
        for du, dv, radius in self.drops:
            p, q = u - np.float32(self.u + du), v - np.float32(self.v + dv)
            field += np.float32(radius**2) / (p * p + q * q + 1)
        return np.clip((field - 1) * np.float32(30 / (pixel + 6)) + np.float32(0.5), 0, 1)


@dataclass(frozen=True)
class Scratch(Defect):
    """Parallel bright grooves along ``axis``, each (offset, half width, bend, half length), with thin dark burrs."""

    name = "scratch"
    axis: tuple[float, float]
    strands: tuple[tuple[float, float, float, float], ...]

    def cover(self, u: Plane, v: Plane, pixel: float) -> tuple[Plane, Plane]:
        """Shares of each pixel that are bright groove and dark burr."""
        c, s = (np.float32(a) for a in self.axis)
        p, q = u - np.float32(self.u), v - np.float32(self.v)
        along, across = c * p + s * q, c * q - s * p
        bright, dark = np.zeros_like(u), np.zeros_like(u)
        for offset, half, bend, length in self.strands:
            place = along / np.float32(length)
            square = place * place
            middle = across - np.float32(offset) - np.float32(bend) * square
            taper = np.clip((1 - square) * 3, 0, 1)
            width, soft = np.float32(half) * taper, np.float32(1 / pixel)
            np.maximum(bright, taper * np.clip((width - np.abs(middle)) * soft + np.float32(0.5), 0, 1), out=bright)
            burr = np.abs(middle - np.float32(half * 1.4))
            np.maximum(dark, taper * np.clip((width * np.float32(0.4) - burr) * soft + np.float32(0.5), 0, 1), out=dark)
        return bright, dark


def draw_defects(rng: np.random.Generator, part: Part) -> tuple[Defect, ...]:
    """None, one or two flaws on ``part``, apart from each other."""
    count = int(np.searchsorted((0.45, 0.87), float(rng.random()), side="right"))
    found: list[Defect] = []
    for _ in range(count):
        draw = (_draw_chip, _draw_stain, _draw_scratch)[int(rng.integers(3))]
        flaw = draw(rng, part)
        if flaw and all((flaw.u - o.u) ** 2 + (flaw.v - o.v) ** 2 > 270**2 for o in found):
            found.append(flaw)
    return tuple(found)


def _draw_chip(rng: np.random.Generator, part: Part) -> Chip | None:
    angle = 2 * pi * float(rng.random())
    c, s = turn_of(angle)
    ray = np.arange(0, part.reach + 4, 2, dtype=np.float32)
    inside = np.flatnonzero(part.distance(ray * np.float32(c), ray * np.float32(s)) < 0)
    edge = float(ray[inside[-1]])
    size = min(84 + 34 * float(rng.random()), 0.8 * part.wall)
    out = -0.18 * size
    bites = []
    for index in range(2):
        spread = (0.34 * size * (2 * index - 1), 0.16 * size * float(rng.random()))
        sides = []
        turn = float(rng.random())
        for k in range(6):
            nu, nv = turn_of(2 * pi * (k + turn + 0.25 * float(rng.random())) / 6)
            sides.append((nu, nv, size * (0.6 + 0.3 * float(rng.random()))))
        bites.append((-s * spread[0] + c * spread[1], c * spread[0] + s * spread[1], tuple(sides)))
    return Chip(c * (edge + out), s * (edge + out), 2.2 * size, tuple(bites))


def _surface_points(rng: np.random.Generator, part: Part, depth: float) -> NDArray[np.float32]:
    """Points of the surface at least ``depth`` from any edge, in the order drawn."""
    points = ((2 * rng.random((2, _TRIES), dtype=np.float32)) - 1) * np.float32(part.reach)
    off_centre = points[0] * points[0] + points[1] * points[1] > np.float32(OFF_CENTRE**2)
    return points[:, off_centre & (part.distance(points[0], points[1]) < -depth)]


def _draw_stain(rng: np.random.Generator, part: Part) -> Stain | None:
    points = _surface_points(rng, part, 34)
    size, rust = (float(v) for v in rng.random(2))
    drops = [(0.0, 0.0, 34 + 14 * size)]
    for _ in range(5):
        along, across, radius = (float(v) for v in rng.random(3))
        drops.append(((along - 0.5) * 120, (across - 0.5) * 120, (11 + 9 * size) * (0.6 + 0.8 * radius)))
    if not points.shape[1]:
        return None
    colour = (0.42, 0.23, 0.14) if rust < 0.5 else (0.14, 0.12, 0.09)
    return Stain(float(points[0, 0]), float(points[1, 0]), 170.0, tuple(drops), colour)


def _draw_scratch(rng: np.random.Generator, part: Part) -> Scratch | None:
    points = _surface_points(rng, part, 26)
    turns = 2 * pi * rng.random(_TRIES)
    half = 72 + 50 * float(rng.random())
    strands = []
    for index in range(3):
        shift, bend, length, width = (float(v) for v in rng.random(4))
        strands.append(
            ((index - 1) * 21 + 8 * shift, 6.5 + 3 * width, 24 * (bend - 0.5), half * (0.75 + 0.25 * length))
        )
    for u, v, turn in zip(points[0], points[1], turns, strict=False):
        c, s = round(cos(turn), 6), round(sin(turn), 6)
        ends = np.linspace(-half, half, 7, dtype=np.float32)
        if (part.distance(u + ends * np.float32(c), v + ends * np.float32(s)) < -12).all():
            return Scratch(float(u), float(v), half + 45, (c, s), tuple(strands))
    return None
