"""What lies on the line of readout's test pattern in a frame, and how well detections agree with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocellus.errors import BadInput
from ocellus.line import LANES, Flaw, Slot
from ocellus.settings import FrameFormat

from .golden import line
from .scenes import SceneObject, Score, pairs, score
from .scenes.score import Detection
from .scenes.truth import enclose, labelled


@dataclass(frozen=True)
class LineTruth:
    """What can be seen of the line in one frame.

    Attributes
    ----------
    objects : tuple of SceneObject
        Parts that lie wholly in the frame, and their flaws.
    cut : tuple of SceneObject
        What is in the frame of parts that its left or right edge cuts, and of their flaws.
    """

    objects: tuple[SceneObject, ...]
    cut: tuple[SceneObject, ...]

    def score(self, detections: Iterable[Detection]) -> Score:
        """As :func:`ocellus_sim.scenes.score`, but what is said of cut objects counts neither for nor against."""
        matched = pairs((*self.objects, *self.cut), detections)
        kept = [claim for real, claim in matched if claim is not None and real not in self.cut]
        return score(self.objects, kept)


def truth(frame: FrameFormat, counter: int) -> LineTruth:
    """What frame ``counter`` of the line shows; the boxes are those of the pixels that are drawn.

    A part's box is that of the whole part, whatever its flaw; a chip's is that of the material that is missing.

    Raises
    ------
    BadInput
        When the frame is so wide that it shows a place of the belt twice.
    """
    geometry = line.Geometry.of(frame)
    columns = int(geometry.columns[-1]) + 1
    if columns > line.BELT - line.PART:
        raise BadInput(f"frame: found {columns} cells in a line, allowed {line.BELT - line.PART} for a ground truth")
    found: list[SceneObject] = []
    cut: list[SceneObject] = []
    for lane, slots in enumerate(LANES):
        for number, slot in enumerate(slots):
            if slot.empty:
                continue
            # From 128 cells left of the frame on, so that a part which enters or leaves is one place.
            left = (number * line.SLOT + slot.x - line.moved(counter) + line.PART) % line.BELT - line.PART
            inside = left + _margin(slot) >= 0 and left + line.PART - _margin(slot) <= columns
            across, down = geometry.columns - left, geometry.rows - geometry.top(lane, slot)
            seen = [labelled(name, box) for name, mask in _masks(slot) if (box := _box(mask, across, down))]
            (found if inside else cut).extend(seen)
    return LineTruth(tuple(found), tuple(cut))


def _margin(slot: Slot) -> int:
    """Cells of the sprite without metal on either side."""
    metal = line.whole(slot.shape) >= line.GROUND
    return int(np.flatnonzero((metal.T if slot.turned else metal).any(axis=0))[0])


def _masks(slot: Slot) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Class and cells (128, 128), as they lie in the frame, of a part and of its flaw."""
    clean, marked = line.whole(slot.shape), line.marked(slot)
    masks = [(slot.shape.name.lower(), clean >= line.GROUND)]
    if slot.flaw:
        changed = (clean >= line.GROUND) & (marked < line.GROUND if slot.flaw == Flaw.CHIP else marked != clean)
        masks.append((slot.flaw.name.lower(), changed))
    for name, mask in masks:
        yield name, mask.T if slot.turned else mask


def _box(mask: NDArray[np.bool_], across: line.Plane, down: line.Plane) -> tuple[int, int, int, int] | None:
    """Left, top, width and height in pixels of the cells that are seen, given the cell of every word and line."""
    words, lines = (np.flatnonzero((at >= 0) & (at < line.PART)) for at in (across, down))
    if not len(words) or not len(lines):
        return None
    box = enclose(mask[np.ix_(down[lines], across[words])], 0, 0)
    if box is None:
        return None
    left, top, width, height = box
    return 4 * (int(words[0]) + left), int(lines[0]) + top, 4 * width, height
