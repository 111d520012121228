"""The sprites of the production line, in cells: a quarter of each part, and each flaw; docs/line.md specifies them."""

import numpy as np
from numpy.typing import NDArray

from ocellus.line import Flaw, Shape

Plane = NDArray[np.int64]
Mask = NDArray[np.bool_]

SIDE = 64
"""Cells along a side of a quarter."""
BELT, FLAT, LOW = 0, 12, 13
"""Codes of what does not depend on a direction; shadows have 1 to 5, slopes 6 to 11."""
TEETH = ((64, 0), (55, 32), (32, 55), (0, 64))
"""Directions of a quarter's teeth, in 1/64."""
SLOPES = ((1, -1), (1, 0), (1, 1), (-1, 1), (-1, 0), (-1, -1))
"""Which way each of the codes from 6 on falls: signs of s and d."""
DROPS = ((0, 0, 12), (11, 5, 7), (-9, 8, 6), (3, -12, 5), (-10, -7, 4))
GROOVES = ((-12, 24), (0, 30), (12, 22))


def _disc(square: Plane, radius: int) -> Mask:
    return square <= radius * radius


def metal(shape: Shape, a: Plane, b: Plane) -> Mask:
    """Where a part is, at (a, b) half cells from its centre, both positive."""
    square = a * a + b * b
    if shape == Shape.WASHER:
        return _disc(square, 114) & ~_disc(square, 48)
    if shape == Shape.NUT:
        return (b <= 102) & (7 * a + 4 * b <= 816) & _disc(square, 115) & ~_disc(square, 46)
    if shape == Shape.PLATE:
        p, q = np.maximum(a - 98, 0), np.maximum(b - 60, 0)
        return _disc(p * p + q * q, 16) & ~_disc((a - 83) ** 2 + (b - 45) ** 2, 15)
    whole = _disc(square, 90)
    for c, s in TEETH:
        along, across = c * a + s * b, np.abs(c * b - s * a)
        whole |= (along <= 64 * 114) & (3 * across <= 64 * 141 - along)
    return whole & ~_disc(square, 26)


def low(shape: Shape, a: Plane, b: Plane) -> Mask:
    """Where its surface lies lower and is darker: a nut's thread, a gear's web."""
    square = a * a + b * b
    if shape == Shape.NUT:
        return _disc(square, 72)
    if shape == Shape.GEAR:
        return _disc(square, 76) & ~_disc(square, 44)
    return np.zeros(square.shape, np.bool_)


def _toward(mask: Mask, square: int) -> tuple[Plane, Plane]:
    """Sums s and d of ``dx + dy`` and ``dy - dx`` over the true cells within a disc around each cell of the quarter."""
    x, y = np.zeros((2, SIDE, SIDE), np.int64)
    reach = range(-SIDE, SIDE)
    for dy, dx in ((dy, dx) for dy in reach for dx in reach if dx * dx + dy * dy <= square):
        there = mask[SIDE + dy : 2 * SIDE + dy, SIDE + dx : 2 * SIDE + dx]
        x += dx * there
        y += dy * there
    return x + y, y - x


def part(shape: Shape) -> NDArray[np.uint8]:
    """(64, 64): codes of the quarter with x and y away from the centre, row after row."""
    ends = slice(1 - 2 * SIDE, 4 * SIDE, 2)  # a quarter of context on either side
    b, a = np.mgrid[ends, ends]
    whole = metal(shape, np.abs(a), np.abs(b))
    quarter = (slice(SIDE, 2 * SIDE),) * 2
    a, b, inside = a[quarter], b[quarter], whole[quarter]

    s, d = (-plane for plane in _toward(whole, 30))  # away from the metal
    outside = np.where(5 * np.abs(d) < 2 * np.abs(s), 2, np.where(d < 0, 1, 3))
    codes = np.select([s > 0, s < 0], [outside, np.where(d > 0, 4, 5)], BELT)

    s, d = _toward(~whole, 13)
    signs = np.where(s < 0, -1, 1), np.where(5 * np.abs(d) < 2 * np.abs(s), 0, np.sign(d))
    surface = np.where(low(shape, a, b), LOW, FLAT)
    for code, falls in enumerate(SLOPES, 6):
        surface[((s != 0) | (d != 0)) & (signs[0] == falls[0]) & (signs[1] == falls[1])] = code
    return np.where(inside, surface, codes).astype(np.uint8)


def flaw(kind: Flaw) -> NDArray[np.uint8]:
    """(32, 32) squares of two by two cells: 0 nothing, 1 bright, 2 dark, 3 gone or stained."""
    b, a = np.mgrid[-31:32:2, -31:32:2]
    marks = np.zeros(a.shape, np.uint8)
    if kind == Flaw.CHIP:
        marks[(np.abs(a) <= 21) & (np.abs(b) <= 19) & (np.abs(a + b) <= 30) & (np.abs(a - b) <= 27)] = 3
    elif kind == Flaw.STAIN:
        for x, y, radius in DROPS:
            marks[_disc((a - x) ** 2 + (b - y) ** 2, radius)] = 3
    elif kind == Flaw.SCRATCH:
        for width, mark in ((4, 2), (2, 1)):
            for offset, length in GROOVES:
                marks[(np.abs(a - b - offset) <= width) & (np.abs(a + b) <= length)] = mark
    return marks
