"""What the production line's palette and its table of slots hold, and how the line lies in a frame; docs/line.md."""

from amaranth.hdl import signed
from amaranth.lib import data

from ocellus.line import COLOURS, GLINT, LANES, OIL, RAIL, Material
from ocellus.settings import FrameFormat

BELT_BITS = 12
"""Of a column of cells on the belt, which closes upon itself."""
FRAME_BITS = 16
"""Of a frame's number, as far as it is looked at."""
MOVE_BITS = 2
"""The belt moves by a power of two of cells a frame."""
EDGE_BITS = 6
"""So many rows, as a power of two, are told apart at the upper and lower edge."""
LIGHT = data.ArrayLayout(9, 2)
"""Half levels of an even and an odd column."""

RAIL_ROWS = 24
PART_ROWS = 128
TONE_BITS = 6
DARK, NEUTRAL, LIT = 36, 58, 92
ON_SLOPE = {
    6: (LIT, DARK, LIT, DARK), 7: (LIT, NEUTRAL, NEUTRAL, DARK), 8: (LIT, LIT, DARK, DARK),
    9: (DARK, LIT, DARK, LIT), 10: (DARK, NEUTRAL, NEUTRAL, LIT), 11: (DARK, DARK, LIT, LIT),
}  # fmt: skip
"""Tones of slopes, by the direction in which they fall from +x towards +y, in the quadrants upper left, upper right,
lower left, lower right: the lamp is at the upper left."""
IN_SHADOW = {
    1: (64, 30, 64, 26), 2: (64, 44, 44, 24), 3: (64, 64, 30, 26), 4: (26, 64, 30, 64), 5: (26, 30, 64, 64),
}  # fmt: skip
ON_METAL = {0: 67, 1: 46, 12: 61, 13: 41}
ON_BELT = {6: 64, 7: 51, 8: 40, 9: 28}
ON_RAIL = {10: 29, 11: 14, 12: 40}
ON_FLAW = {14: GLINT, 15: OIL}


class LineGeometry:
    """How the line lies in a frame.

    Attributes
    ----------
    shift : int
        Binary logarithm of the cells from a word to the next.
    cells : int
        Rows of cells.
    second_lane : int
        Row from which the lower lane's parts are looked for.
    """

    def __init__(self, frame: FrameFormat):
        self.shift = (2560 // frame.height).bit_length() - 1 if frame.height <= 2560 else 0
        self.cells = (frame.height << self.shift) >> 2
        self._room = (self.cells - 2 * (RAIL_ROWS + PART_ROWS)) >> 1
        self.second_lane = RAIL_ROWS + PART_ROWS + self._room
        self.row_bits = (self.cells - 1).bit_length()

    def slot_layout(self) -> data.StructLayout:
        """What is known of a slot; ``flaw_x`` and ``flaw_y`` are taken from the place within the part."""
        return data.StructLayout(
            {
                "filled": 1, "kind": 2, "material": 3, "turned": 1, "x": 7, "top": self.row_bits,
                "flaw": 2, "flaw_x": signed(8), "flaw_y": signed(8),
            }
        )  # fmt: skip

    def slots(self) -> list[data.Const]:
        """Those of the upper lane, then those of the lower one."""
        layout = self.slot_layout()
        return [
            layout.const({
                "filled": not slot.empty, "kind": slot.shape, "material": slot.material, "turned": slot.turned,
                "x": slot.x, "top": (RAIL_ROWS, self.second_lane)[lane] + (self._room * slot.y >> 4),
                "flaw": slot.flaw, "flaw_x": slot.flaw_x, "flaw_y": slot.flaw_y,
            })
            for lane, slots in enumerate(LANES)
            for slot in slots
        ]  # fmt: skip


def zone(distance: int) -> int:
    """Code of belt or rail, so many rows of cells from the nearer edge."""
    rail = ((10, 10), (16, 11), (22, 10), (24, 12))
    beside = ((28, 9), (32, 8), (36, 7))
    return next((code for end, code in rail + beside if distance < end), 6)


def _light(material: Material, code: int, quadrant: int) -> tuple[int, ...]:
    """Half levels at the sites R, Gr, Gb, B."""
    sites, tone = COLOURS[material], 0
    if Material.BELT < material < Material.THREAD:
        if code in ON_FLAW:
            sites, tone = ON_FLAW[code], 64
        else:
            tone = ON_SLOPE[code][quadrant] if code in ON_SLOPE else ON_METAL.get(code, 0)
    elif code in ON_RAIL:
        sites, tone = RAIL, ON_RAIL[code]
    else:
        tone = IN_SHADOW[code][quadrant] if code in IN_SHADOW else ON_BELT.get(code, 0)
    return tuple(site * tone + (1 << TONE_BITS - 1) >> TONE_BITS for site in sites)


def palette() -> list[tuple[int, int]]:
    """Half levels of even and odd columns; from the low bits up, an index is odd line, quadrant, code, material."""
    levels = []
    for index in range(1024):
        odd, quadrant, code, number = index & 1, index >> 1 & 3, index >> 3 & 15, index >> 7
        known = number in list(Material)
        sites = _light(Material(number), code, quadrant) if known else (0, 0, 0, 0)
        levels.append((sites[2 * odd], sites[2 * odd + 1]))
    return levels
