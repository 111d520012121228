"""What the sprite memories of the production line hold; docs/line.md specifies every cell.

Rows of cells are integers here, a bit a cell, so that sums over discs are looked up a row at a time.
"""

from collections.abc import Callable
from functools import cache

from ocellus.line import Flaw, Shape

QUARTER = 64
MARGIN = 6
"""Cells kept around a quarter, for the discs that reach over its sides."""
SHADOW, SLOPE = 30, 13
"""Squares of the radii within which metal casts a shadow, and an edge makes a slope."""
TEETH = ((64, 0), (55, 32), (32, 55), (0, 64))
DROPS = ((0, 0, 12), (11, 5, 7), (-9, 8, 6), (3, -12, 5), (-10, -7, 4))
GROOVES = ((-12, 24), (0, 30), (12, 22))
NO_CODE, FLAT, LOW = 0, 12, 13


def is_metal(shape: Shape, a: int, b: int) -> bool:
    """Whether the part covers the cell whose middle is (a, b) half cells from its centre, both positive."""
    square = a**2 + b**2
    match shape:
        case Shape.WASHER:
            return 48**2 < square <= 114**2
        case Shape.NUT:
            return 46**2 < square <= 115**2 and b <= 102 and 7 * a + 4 * b <= 816
        case Shape.PLATE:
            corner = max(a - 98, 0) ** 2 + max(b - 60, 0) ** 2
            return corner <= 16**2 and (a - 83) ** 2 + (b - 45) ** 2 > 15**2
        case Shape.GEAR:
            tooth = any(_in_tooth(c * a + s * b, abs(c * b - s * a)) for c, s in TEETH)
            return square > 26**2 and (square <= 90**2 or tooth)


def _in_tooth(along: int, across: int) -> bool:
    return along <= 114 * 64 and 3 * across <= 141 * 64 - along


def _is_low(shape: Shape, a: int, b: int) -> bool:
    square = a**2 + b**2
    return (shape == Shape.NUT and square <= 72**2) or (shape == Shape.GEAR and 44**2 < square <= 76**2)


def _disc_sums(rows: list[int], square: int) -> Callable[[int, int], tuple[int, int]]:
    """A function of (column, row): sums of dx and of dy over the set cells of ``rows`` within a disc around it."""
    reach = int(square**0.5)
    chords = []
    for dy in range(-reach, reach + 1):
        half = max(dx for dx in range(reach + 1) if dx**2 + dy**2 <= square)
        window = [
            sum(dx for dx in range(-half, half + 1) if bits >> dx + half & 1) for bits in range(1 << 2 * half + 1)
        ]
        chords.append((dy, half, window))

    def sums(x: int, y: int) -> tuple[int, int]:
        total_x = total_y = 0
        for dy, half, window in chords:
            bits = rows[MARGIN + y + dy] >> MARGIN + x - half & (1 << 2 * half + 1) - 1
            total_x += window[bits]
            total_y += dy * bits.bit_count()
        return total_x, total_y

    return sums


def _shadow(away_x: int, away_y: int) -> int:
    """Code of a cell of the belt with the metal's mass on its other side."""
    s, d = away_x + away_y, away_y - away_x
    if s == 0:
        return NO_CODE
    if s < 0:
        return 4 if d > 0 else 5
    if 5 * abs(d) < 2 * s:
        return 2
    return 1 if d < 0 else 3


def _slope(x: int, y: int, flat: int) -> int:
    """Code of a cell of metal whose surface falls towards (x, y)."""
    s, d = x + y, y - x
    if s == 0 and d == 0:
        return flat
    if 5 * abs(d) < 2 * abs(s):
        return 7 if s > 0 else 10
    return {(True, False): 6, (True, True): 8, (False, True): 9, (False, False): 11}[s >= 0, d > 0]


@cache
def part(shape: Shape) -> tuple[int, ...]:
    """Codes of a part's quarter, 64 rows of 64 cells, the cell at its centre first."""
    cells = range(-MARGIN, QUARTER + MARGIN)
    metal = [[is_metal(shape, abs(2 * x + 1), abs(2 * y + 1)) for x in cells] for y in cells]
    rows = [sum(cell << at for at, cell in enumerate(row)) for row in metal]
    metal_sums = _disc_sums(rows, SHADOW)
    empty_sums = _disc_sums([~row & (1 << len(cells)) - 1 for row in rows], SLOPE)
    codes = []
    for y in range(QUARTER):
        for x in range(QUARTER):
            if metal[MARGIN + y][MARGIN + x]:
                flat = LOW if _is_low(shape, 2 * x + 1, 2 * y + 1) else FLAT
                codes.append(_slope(*empty_sums(x, y), flat))
            else:
                toward_x, toward_y = metal_sums(x, y)
                codes.append(_shadow(-toward_x, -toward_y))
    return tuple(codes)


def mark(kind: Flaw, a: int, b: int) -> int:
    """What a flaw does at (a, b) from its middle: 0 nothing, 1 bright, 2 dark, 3 stained or gone."""
    match kind:
        case Flaw.CHIP:
            return 3 * (abs(a) <= 21 and abs(b) <= 19 and abs(a + b) <= 30 and abs(a - b) <= 27)
        case Flaw.STAIN:
            return 3 * any((a - x) ** 2 + (b - y) ** 2 <= radius**2 for x, y, radius in DROPS)
        case Flaw.SCRATCH:
            away = min((abs(a - b - offset) for offset, length in GROOVES if abs(a + b) <= length), default=9)
            return 1 if away <= 2 else 2 if away <= 4 else 0
    return 0


@cache
def flaws() -> tuple[int, ...]:
    """Marks of every kind, 32 rows of 32 each."""
    middle = range(-31, 32, 2)
    return tuple(mark(kind, a, b) for kind in Flaw for b in middle for a in middle)
