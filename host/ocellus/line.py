"""The production line of readout's test pattern: what lies on it, in which colours, under which lamp.

docs/line.md has the rules. Tables alone, which gateware and golden model share: each draws from them by arithmetic of
its own.
"""

from dataclasses import dataclass
from enum import IntEnum

from .settings import IspSettings

BLACK = 64
"""Level of a pixel without light."""
GAIN = (491, 273, 273, 410)
"""White balance of the lamps for R, Gr, Gb, B, unsigned 4.8: white in full light just fills the output."""
MATRIX = (384, -97, -31, -56, 359, -47, 5, -123, 374)
"""Colour matrix of the sensor, signed 4.8; every row sums to 256, so that grey stays grey."""


def isp_settings() -> IspSettings:
    """Settings under which the image processor shows the lamps' light as white and the parts in their own colours.

    They suit the scenes of docs/scenes.md, which have the same lamps, too.
    """
    return IspSettings(black=(BLACK,) * 4, gain=GAIN, matrix=MATRIX)


class Shape(IntEnum):
    """The kinds of part, in the order of the sprites and of the network's classes."""

    WASHER = 0
    NUT = 1
    PLATE = 2
    GEAR = 3


class Material(IntEnum):
    """What is seen: the belt with its rails, and metals."""

    BELT = 0
    STEEL = 1
    BRASS = 2
    COPPER = 3
    ALUMINIUM = 4
    BLUED = 5
    THREAD = 7
    """Every second stitch of the belt."""


class Flaw(IntEnum):
    """What is wrong with a part."""

    NONE = 0
    CHIP = 1
    STAIN = 2
    SCRATCH = 3


@dataclass(frozen=True)
class Slot:
    """One place of a lane: a part, or none.

    Attributes
    ----------
    shape, material, flaw
    turned : bool
        The part lies with its x along the frame's y.
    x : int
        Cells from the slot's beginning to the part's, 0 to 127.
    y : int
        Sixteenths of the lane's room above the part, 0 to 15.
    flaw_x, flaw_y : int
        Cells from the part's corner to the flaw's, -32 to 95, along the part's own axes.
    empty : bool
        Nothing lies here.
    """

    shape: Shape = Shape.WASHER
    material: Material = Material.STEEL
    turned: bool = False
    x: int = 0
    y: int = 0
    flaw: Flaw = Flaw.NONE
    flaw_x: int = 0
    flaw_y: int = 0
    empty: bool = False


W, N, P, G = Shape
_, STEEL, BRASS, COPPER, ALUMINIUM, BLUED, _ = Material
_, CHIP, STAIN, SCRATCH = Flaw
EMPTY = Slot(empty=True)

LANES: tuple[tuple[Slot, ...], ...] = (
    (
        Slot(W, STEEL, False, 60, 3),
        Slot(N, BRASS, False, 90, 12, CHIP, 30, 84),
        Slot(G, ALUMINIUM, False, 20, 8),
        Slot(P, COPPER, False, 100, 2, STAIN, -2, 32),
        EMPTY,
        Slot(N, STEEL, True, 30, 14),
        Slot(W, BRASS, False, 64, 6, SCRATCH, 60, 4),
        Slot(P, BLUED, True, 110, 10),
        Slot(G, STEEL, True, 44, 0, CHIP, 32, -18),
        EMPTY,
        Slot(W, COPPER, False, 50, 9, STAIN, 72, 36),
        Slot(P, ALUMINIUM, False, 80, 4),
        Slot(N, BLUED, False, 10, 15),
        Slot(G, BRASS, False, 120, 7, SCRATCH, 60, 4),
        Slot(N, ALUMINIUM, True, 36, 1, STAIN, 64, 52),
        EMPTY,
    ),
    (
        Slot(G, COPPER, False, 16, 6),
        EMPTY,
        Slot(P, STEEL, True, 70, 11, SCRATCH, 66, 32),
        Slot(W, ALUMINIUM, False, 96, 0, CHIP, -14, 18),
        Slot(N, COPPER, False, 40, 8),
        Slot(G, BLUED, False, 100, 13, STAIN, 4, 4),
        EMPTY,
        Slot(W, STEEL, False, 8, 5),
        Slot(P, BRASS, False, 90, 3, CHIP, 36, 74),
        Slot(G, STEEL, False, 24, 10),
        Slot(N, BRASS, True, 116, 15, SCRATCH, 4, 60),
        EMPTY,
        Slot(W, BLUED, False, 56, 2),
        Slot(P, ALUMINIUM, True, 80, 7, STAIN, -4, 32),
        Slot(G, BRASS, False, 12, 12, CHIP, 72, 64),
        Slot(N, STEEL, False, 104, 4),
    ),
)
"""Sixteen slots a lane, the first at the left edge of frame 0."""

Sites = tuple[int, int, int, int]
"""Half levels above black at the sites R, Gr, Gb, B for a tone of 64."""

COLOURS: dict[Material, Sites] = {
    Material.BELT: (12, 34, 34, 36),
    Material.STEEL: (79, 144, 144, 100),
    Material.BRASS: (98, 141, 141, 53),
    Material.COPPER: (89, 103, 103, 47),
    Material.ALUMINIUM: (97, 177, 177, 120),
    Material.BLUED: (41, 84, 84, 70),
    Material.THREAD: (13, 37, 37, 39),
}
"""The linear colours of docs/scenes.md as the array sees them: `ocellus_sim.scenes.camera.site_weights`, rounded."""
RAIL: Sites = (258, 470, 470, 317)
GLINT: Sites = (190, 345, 345, 235)
OIL: Sites = (16, 20, 20, 9)
"""Where a scratch shines, and where a stain is, on every metal."""
