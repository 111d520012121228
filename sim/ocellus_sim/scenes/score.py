"""How well detections agree with the truth: matched, missed and invented objects, class by class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .truth import CLASSES, Kind, SceneObject, kind_of

PART_OVERLAP = 0.5
"""Intersection over union of the boxes from which a part counts as found."""
DEFECT_DISTANCE = 60
"""Full-frame pixels between the centres up to which a defect counts as found."""


class Detection(Protocol):
    """What is needed of a detected object; the record's objects have it."""

    @property
    def class_index(self) -> int:
        """Index into the classes."""
        ...

    @property
    def score(self) -> int:
        """The more, the surer."""
        ...

    @property
    def centre_x(self) -> int:
        """Column of the centre."""
        ...

    @property
    def centre_y(self) -> int:
        """Row of the centre."""
        ...

    @property
    def left(self) -> int:
        """The box's first column."""
        ...

    @property
    def top(self) -> int:
        """The box's first row."""
        ...

    @property
    def width(self) -> int:
        """The box's columns."""
        ...

    @property
    def height(self) -> int:
        """The box's rows."""
        ...


@dataclass(frozen=True)
class Count:
    """Objects found, missed and invented."""

    found: int = 0
    missed: int = 0
    invented: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.found + other.found, self.missed + other.missed, self.invented + other.invented)

    @property
    def recall(self) -> float:
        """Share of the true objects that were found; 1 when there were none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def precision(self) -> float:
        """Share of the detections that were true; 1 when there were none."""
        return self.found / (self.found + self.invented) if self.found + self.invented else 1.0


@dataclass(frozen=True)
class Score:
    """A count for each class of :data:`~ocellus_sim.scenes.truth.CLASSES`; scores of several frames add up."""

    counts: tuple[Count, ...] = (Count(),) * len(CLASSES)

    def __add__(self, other: "Score") -> "Score":
        return Score(tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    def of(self, kind: Kind) -> Count:
        """The classes of one kind together."""
        return sum((c for name, c in zip(CLASSES, self.counts, strict=True) if kind_of(name) == kind), Count())

    @property
    def total(self) -> Count:
        """All classes together."""
        return sum(self.counts, Count())


def score(truth: Iterable[SceneObject], detections: Iterable[Detection]) -> Score:
    """Match detections with true objects of the same class, best score first, each at most once.

    A part is found when the boxes' intersection over union is at least :data:`PART_OVERLAP`, a defect when the centres
    are at most :data:`DEFECT_DISTANCE` apart; of several candidates the best counts. A detection of an unknown class is
    ``ValueError``.
    """
    seen = list(detections)
    strange = [d.class_index for d in seen if not 0 <= d.class_index < len(CLASSES)]
    if strange:
        raise ValueError(f"detection: found class {strange[0]}, allowed 0 to {len(CLASSES) - 1}")
    counts = [Count()] * len(CLASSES)
    for real, claim in pairs(truth, seen):
        one = Count(1, 0, 0) if real and claim else Count(0, 1, 0) if real else Count(0, 0, 1)
        index = (real or claim).class_index  # type: ignore[union-attr]  # no pair is empty
        counts[index] += one
    return Score(tuple(counts))


def pairs(
    truth: Iterable[SceneObject], detections: Iterable[Detection]
) -> list[tuple[SceneObject | None, Detection | None]]:
    """Matched as `score` says: first what was found, then what was missed (no detection), then what is not there."""
    found: list[tuple[SceneObject | None, Detection | None]] = []
    invented: list[tuple[SceneObject | None, Detection | None]] = []
    missed = list(truth)
    for claim in sorted(detections, key=lambda d: -d.score):
        best = _best(claim, [o for o in missed if o.class_index == claim.class_index])
        if best is None:
            invented.append((None, claim))
        else:
            missed.remove(best)
            found.append((best, claim))
    return [*found, *((real, None) for real in missed), *invented]


def _best(claim: Detection, objects: Sequence[SceneObject]) -> SceneObject | None:
    """The object that the detection fits best, if it fits any."""
    fits = [(fit, o) for o in objects if (fit := _fit(claim, o)) is not None]
    return max(fits, key=lambda f: f[0])[1] if fits else None


def _fit(claim: Detection, o: SceneObject) -> float | None:
    if o.kind == "part":
        overlap = _overlap(claim, o)
        return overlap if overlap >= PART_OVERLAP else None
    square = (claim.centre_x - o.centre_x) ** 2 + (claim.centre_y - o.centre_y) ** 2
    return -float(square) if square <= DEFECT_DISTANCE**2 else None


def _overlap(a: Detection, b: SceneObject) -> float:
    """Intersection over union of two boxes."""
    wide = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    high = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    if wide <= 0 or high <= 0:
        return 0.0
    return wide * high / (a.width * a.height + b.width * b.height - wide * high)
