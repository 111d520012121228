"""What is really in a scene: objects with their class, place and box."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ocellus.settings import FrameFormat

Kind = Literal["part", "defect"]

PARTS = ("washer", "nut", "plate", "gear")
DEFECTS = ("chip", "stain", "scratch")
CLASSES: tuple[str, ...] = PARTS + DEFECTS
"""Class names in the order of the network's output channels."""


def kind_of(name: str) -> Kind:
    """Whether a class is a part or a defect."""
    return "part" if name in PARTS else "defect"


@dataclass(frozen=True)
class SceneObject:
    """One thing to be found; places and sizes in full-frame pixels, the box without its right and lower edge."""

    name: str
    centre_x: int
    centre_y: int
    left: int
    top: int
    width: int
    height: int

    @property
    def class_index(self) -> int:
        """Index into :data:`CLASSES`."""
        return CLASSES.index(self.name)

    @property
    def kind(self) -> Kind:
        """``part`` or ``defect``."""
        return kind_of(self.name)


@dataclass(frozen=True)
class Scene:
    """A frame and what is in it: ``raw`` is uint16 (height, width), RGGB, 0 to 1023."""

    seed: int
    frame: FrameFormat
    raw: NDArray[np.uint16]
    objects: tuple[SceneObject, ...]


def enclose(mask: NDArray[np.bool_], left: int, top: int) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of the smallest box around the true pixels of a window at (left, top), if any."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    x, y = int(columns[0]), int(rows[0])
    return left + x, top + y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


def labelled(name: str, box: tuple[int, int, int, int]) -> SceneObject:
    """The object of a class whose box this is, with its centre in the box's middle."""
    left, top, width, height = box
    return SceneObject(name, left + width // 2, top + height // 2, left, top, width, height)
