"""The simulator's speed, test by test, in this campaign and in those before it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import BadInput
from ocellus_sim.drawing import Drawing, ticks

from .reading import PLANNED, Campaign, Run

CURVES = 3
"""Tests that are drawn: those with the most pixels in this campaign."""
_KINDS = ("cnn", "metadata", "readout")


@dataclass(frozen=True)
class Speed:
    """Megapixels a second of a test over all its runs; ``before``: in the last campaign before that had it."""

    test: str
    frames: int
    now: float
    before: float | None

    @property
    def change(self) -> str:
        """In per cent of the campaign before."""
        per_cent = round(100 * (self.now / self.before - 1)) if self.before else 0
        return "" if self.before is None else f"{per_cent:+} %" if per_cent else "0 %"


@dataclass(frozen=True)
class Trend:
    """Speeds of this campaign's tests, and of every campaign by its time: began, name, speed by test."""

    speeds: Sequence[Speed]
    history: Sequence[tuple[str, str, dict[str, float]]]

    @property
    def drawn(self) -> list[Speed]:
        """Tests worth a curve: those that an earlier campaign had too."""
        return [s for s in self.speeds if sum(s.test in tests for _, _, tests in self.history) > 1][:CURVES]


def speeds(runs: Sequence[Run]) -> dict[str, tuple[int, float, float]]:
    """By test: frames, megapixels, seconds in the simulator; runs with a verdict only, the largest first."""
    found: dict[str, tuple[int, float, float]] = {}
    for run in runs:
        facts = run.facts
        if run.job.kind != "sensor" or not facts.get("sim_seconds"):
            continue
        number, pixels, seconds = found.get(run.job.test, (0, 0.0, 0.0))
        more = facts["frames"] * facts["width"] * facts["height"] / 1e6
        found[run.job.test] = number + facts["frames"], pixels + more, seconds + facts["sim_seconds"]
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


def trend(campaign: Campaign) -> Trend:
    """Of the campaign, and of the folders beside it that hold another with the same kind of build."""
    own = speeds(campaign.runs)
    now = {test: pixels / seconds for test, (_, pixels, seconds) in own.items()}
    history = [entry for home in _siblings(campaign) if (entry := _earlier(home, campaign)) is not None]
    history = sorted(history)[-39:]
    before: dict[str, float] = {}
    for _, _, tests in history:
        before |= tests
    history.append((str(campaign.facts.get("began", "")), campaign.home.resolve().name, now))
    found = [Speed(test, number, now[test], before.get(test)) for test, (number, _, _) in own.items()]
    return Trend(found, history)


def _siblings(campaign: Campaign) -> list[Path]:
    homes = {home.resolve() for home in campaign.homes}
    beside = {path.parent.resolve() for path in campaign.home.resolve().parent.glob(f"*/{PLANNED}")}
    return sorted(beside - homes)


def _earlier(home: Path, campaign: Campaign) -> tuple[str, str, dict[str, float]] | None:
    """A sibling that began before. Counting lines and branches costs speed: with it and without it are two kinds."""
    try:
        plan = json.loads((home / PLANNED).read_text())
        same = bool(plan.get("coverage")) == bool(campaign.facts.get("coverage"))
        if not same or not plan["began"] or plan["began"] >= str(campaign.facts.get("began", "")):
            return None
        found = speeds(Campaign.read([home]).runs)
    except (OSError, ValueError, KeyError, TypeError, BadInput):
        return None  # a damaged neighbour says nothing about this campaign
    return plan["began"], home.name, {test: pixels / seconds for test, (_, pixels, seconds) in found.items()}


def chart(found: Trend, width: int, name: str) -> Drawing | None:
    """Curves over the campaigns in the order of their time; None where there is nothing to compare."""
    if not found.drawn:
        return None
    narrow = width < 640
    left, right, top, bottom = 44.0, width - (16.0 if narrow else 150.0), 34.0, 206.0
    drawing = Drawing(width, 250 + 18 * CURVES * narrow, "Speed over campaigns", _described(found), name)
    most = max(tests.get(s.test, 0) for s in found.drawn for _, _, tests in found.history)
    marks = ticks(0, most * 1.1, 5)
    high = max(marks[-1], most * 1.1)
    step = (right - left) / max(len(found.history) - 1, 1)

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / high

    drawing.text(4, 16, "megapixels simulated a second", "small muted")
    for value in marks:
        drawing.line([(left, y(value)), (right, y(value))], "rule")
        drawing.text(left - 8, y(value) + 4, f"{value:g}", "small muted", "end")
    for number, (began, label, _) in enumerate(found.history):
        if number in (0, len(found.history) - 1):
            anchor = "start" if number == 0 else "end"
            at = left + step * number
            drawing.text(at, bottom + 18, label, "small", anchor)
            drawing.text(at, bottom + 33, began[:10], "small muted", anchor)
    for kind, speed in zip(_KINDS, found.drawn, strict=False):
        points = [
            (left + step * n, y(tests[speed.test]), f"{label}: {tests[speed.test]:.3g} megapixels a second")
            for n, (_, label, tests) in enumerate(found.history)
            if speed.test in tests
        ]
        drawing.line([(x, at) for x, at, _ in points], f"curve {kind}-curve")
        for x, at, says in points:
            drawing.dot(x, at, f"{speed.test}, {says}", kind)
    _names(drawing, found, right, y)
    return drawing


def _names(drawing: Drawing, found: Trend, right: float, y: Callable[[float], float]) -> None:
    """Beside the curves' ends, apart from each other; on a narrow page below."""
    ends = sorted((y(speed.now), kind, speed) for kind, speed in zip(_KINDS, found.drawn, strict=False))
    at = 0.0
    for number, (height, kind, speed) in enumerate(ends):
        text = f"{speed.test}: {speed.now:.3g}"
        at = max(height + 4, at + 16)
        x, place = (58.0, 261.0 + 18 * number) if drawing.width < 640 else (right + 26, at)
        drawing.bar(x - 14, place - 9, 10, 10, kind)
        drawing.text(x, place, text, "small")


def _described(found: Trend) -> str:
    parts = [
        f"{speed.test}: "
        + ", ".join(f"{tests[speed.test]:.3g}" for _, _, tests in found.history if speed.test in tests)
        for speed in found.drawn
    ]
    return f"Megapixels a second by campaign, the oldest first. {'; '.join(parts)}."
