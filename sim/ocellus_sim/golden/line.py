"""The moving production line of readout's test pattern, whole frames at once; docs/line.md is the specification."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ocellus.line import COLOURS, GLINT, LANES, OIL, RAIL, Flaw, Material, Shape, Slot
from ocellus.settings import FrameFormat

from . import line_sprites
from .line_sprites import SIDE, SLOPES

Plane = NDArray[np.int64]

SLOT = 256
BELT = 16 * SLOT
"""Cells of the belt, which closes upon itself."""
STEP = 4
"""Cells that the belt moves from one frame to the next."""
PART = 2 * SIDE
RAIL_ROWS = 24
SEED, NEAR, FAR = 0x5A3C_96E1, 18, 31
"""Of the noise's bits: what the first ones are without the frame's number, and which make the others."""
LOWEST = 56
"""Black level less the noise's middle."""

ZONES = (10, 16, 22, 24, 28, 32, 36)
"""Distances from the upper or lower edge at which the next of these codes begins."""
ZONE_CODES = (10, 11, 10, 12, 9, 8, 7, 6)
BELT_TONES = {6: 64, 7: 51, 8: 40, 9: 28}
RAIL_TONES = {10: 29, 11: 14, 12: 40}
SHADOW_TONES = {
    1: (64, 30, 64, 26), 2: (64, 44, 44, 24), 3: (64, 64, 30, 26), 4: (26, 64, 30, 64), 5: (26, 30, 64, 64),
}  # fmt: skip
SLOPE_TONES = {-1: 36, 0: 58, 1: 92}
GROUND = 6
"""Codes below this one are the belt's."""
MARKED = {0: (12, 67), 1: (13, 46)}
"""Codes that a metal's flat and low cells take in rows with tool marks, and their tones."""


@dataclass(frozen=True)
class Geometry:
    """How the line lies in a frame: every word of four pixels is one cell of the picture.

    Attributes
    ----------
    columns : int64 (W / 4)
        Cell of the resting belt under each word, before it is folded to 0 to 4095.
    rows : int64 (H)
        Row of cells of each line.
    cells : int
        Rows of cells.
    room : int
        Rows by which a lane is higher than a part.
    """

    columns: Plane
    rows: Plane
    cells: int
    room: int

    @classmethod
    def of(cls, frame: FrameFormat) -> "Geometry":
        """The line in frames of this format."""
        shift = 0
        while frame.height << shift + 1 <= 2560:
            shift += 1
        cells = (frame.height << shift) // 4
        columns, rows = np.arange(frame.width // 4) << shift, (np.arange(frame.height) << shift) // 4
        return cls(columns, rows, cells, (cells - 2 * RAIL_ROWS - 2 * PART) // 2)

    def top(self, lane: int, slot: Slot) -> int:
        """First row of cells of a part."""
        return RAIL_ROWS + lane * (PART + self.room) + self.room * slot.y // 16


def moved(counter: int) -> int:
    """Cells that the belt has moved in frame ``counter``."""
    return counter * STEP % BELT


@cache
def palette() -> NDArray[np.uint16]:
    """(8, 16, 4, 2, 2): half levels above black by material, code, quadrant, row and column of the site."""
    light = np.zeros((8, 16, 4, 4), np.int64)
    for material in Material:
        colour = np.array(COLOURS[material])
        metal = material not in (Material.BELT, Material.THREAD)
        for quadrant in range(4):
            tones = light[material, :, quadrant]
            if metal:
                for code, (s, d) in enumerate(SLOPES, GROUND):
                    tones[code] = colour * SLOPE_TONES[(s, d, -d, -s)[quadrant]]
                tones[12:] = colour * 61, colour * 41, np.array(GLINT) * 64, np.array(OIL) * 64
                for code, (_, tone) in MARKED.items():
                    tones[code] = colour * tone
            else:
                for code, tone in BELT_TONES.items():
                    tones[code] = colour * tone
                for code, tone in RAIL_TONES.items():
                    tones[code] = np.array(RAIL) * tone
                for code, by_quadrant in SHADOW_TONES.items():
                    tones[code] = colour * by_quadrant[quadrant]
    return ((light + 32) >> 6).astype(np.uint16).reshape(8, 16, 4, 2, 2)


@cache
def whole(shape: Shape) -> NDArray[np.uint8]:
    """(128, 128): codes of a part without flaws, row after row in its own axes."""
    quarter = line_sprites.part(shape)
    half = np.hstack((quarter[:, ::-1], quarter))
    return np.vstack((half[::-1], half))


def marked(slot: Slot) -> NDArray[np.uint8]:
    """(128, 128): codes of the part of a slot, with its flaw."""
    codes = whole(slot.shape)
    if slot.flaw == Flaw.NONE:
        return codes
    around = np.zeros((2 * PART, 2 * PART), np.uint8)
    top, left = SIDE + slot.flaw_y, SIDE + slot.flaw_x
    around[top : top + SIDE, left : left + SIDE] = line_sprites.flaw(slot.flaw).repeat(2, axis=0).repeat(2, axis=1)
    marks = around[SIDE : SIDE + PART, SIDE : SIDE + PART]
    if slot.flaw == Flaw.CHIP:
        return np.where(marks == 3, 0, codes).astype(np.uint8)
    return np.where((codes >= GROUND) & (marks > 0), np.array([0, 14, 13, 15])[marks], codes).astype(np.uint8)


@cache
def belt(frame: FrameFormat) -> NDArray[np.uint16]:
    """(cells, 4096): material, code and quadrant of every cell of the belt, as one index into the palette."""
    geometry = Geometry.of(frame)
    row, column = np.arange(geometry.cells)[:, None], np.arange(BELT)
    edge = np.minimum(row, geometry.cells - 1 - row)
    zone = np.array(ZONE_CODES)[np.searchsorted(ZONES, edge, side="right")]
    ground = np.where((row >> 1 ^ column >> 1) & 1, Material.THREAD, Material.BELT)
    index = (ground << 6 | zone << 2).astype(np.uint16)
    quadrants = np.kron([[0, 1], [2, 3]], np.ones((SIDE, SIDE), np.int64))
    v = np.arange(PART)
    grained = np.repeat(((v ^ v >> 2) & 1 == 1)[:, None], PART, axis=1)
    for lane, slots in enumerate(LANES):
        for number, slot in enumerate(slots):
            if slot.empty:
                continue
            planes = marked(slot), quadrants, grained
            codes, places, grain = (np.transpose(plane) if slot.turned else plane for plane in planes)
            top, left = geometry.top(lane, slot), number * SLOT + slot.x
            below = index[top : top + PART, left : left + PART]
            material = np.where(codes < GROUND, below >> 6, slot.material)
            seen = codes.astype(np.int64)
            for code, (smooth, _) in MARKED.items():
                seen[(codes == smooth) & grain] = code
            below[:] = np.where(codes > 0, material << 6 | seen << 2 | places, below)
    return index


def noise_words(count: int, counter: int) -> NDArray[np.uint32]:
    """The first ``count`` words of 32 bits of the noise of frame ``counter``."""
    number = counter & 0xFFFF
    seed = SEED ^ (number | (number & 0x7FFF) << 16)
    bits = [seed >> n & 1 for n in range(31)]
    while len(bits) < 31 * 32:
        bits.append(bits[-NEAR] ^ bits[-FAR])
    words = np.zeros(max(count, 31), np.uint32)
    words[:31] = np.array(bits, np.uint32).reshape(31, 32) @ (np.uint32(1) << np.arange(32, dtype=np.uint32))
    # What holds for bits 18 and 31 places apart holds for those any power of two as far apart: 32 times is whole words.
    done, apart = 31, 1
    while done < count:
        while 31 * 2 * apart <= done:
            apart *= 2
        more = min(NEAR * apart, count - done)
        near, far = (words[done - lag * apart :][:more] for lag in (NEAR, FAR))
        np.bitwise_xor(near, far, out=words[done : done + more])
        done += more
    return words[:count]


def draw(frame: FrameFormat, counter: int) -> NDArray[np.uint16]:
    """Frame ``counter`` of the line: uint16 (H, W), levels from 56 to 1023."""
    geometry = Geometry.of(frame)
    words = noise_words(len(geometry.columns) * frame.height, counter).astype("<u4", copy=False)
    byte = np.arange(256)
    noise = (LOWEST + (byte & 7) + (byte >> 3 & 7) + (byte >> 6)).astype(np.uint16)
    raw = noise[words.view(np.uint8)].reshape(frame.height, len(geometry.columns), 2, 2)
    seen = belt(frame)[:, (geometry.columns + moved(counter)) % BELT]
    levels = palette().reshape(-1, 2, 2) * 2
    for parity in range(2):
        raw[parity::2] += levels[:, parity][seen][geometry.rows[parity::2], :, None]
    return raw.reshape(frame.height, frame.width)
