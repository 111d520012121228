"""Everything that a report says, worked out once: the page and ``results.json`` are two ways to show it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from . import design, failures, planned, situations, tally, trend
from .reading import Campaign, Outcome, Run

SLOWEST = 12
_SPLIT = {
    "model": "the design in the simulator", "harness": "harness around it",
    "python": "Python: scenes, comparison, files", "golden": "golden model, beside the simulator",
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """What a campaign comes to."""

    campaign: Campaign
    passed: bool
    sentence: str
    counts: Mapping[Outcome, int]
    rows: Sequence[tally.Row]
    failures: Sequence[failures.Failure]
    features: Sequence[planned.Seen]
    groups: Sequence[situations.Group]
    design: design.Design | None
    slowest: Sequence[tuple[str, str, float]]
    trend: trend.Trend
    split: Mapping[str, float]

    @classmethod
    def of(cls, campaign: Campaign) -> "Figures":
        """Worked out, with the test plan and the coverage plan of this checkout."""
        plan = planned.read_plan()
        passed, sentence = tally.verdict(campaign)
        return cls(
            campaign, passed, sentence, tally.outcomes(campaign.runs),
            tally.rows(campaign, {run.name: run.shows for run in plan.runs}),
            failures.failures(campaign.runs, campaign.home), planned.seen(plan, campaign.runs),
            situations.groups(campaign.runs), design.design(campaign.coverage), tally.slowest(campaign, SLOWEST),
            trend.trend(campaign), _split(campaign),
        )  # fmt: skip

    @property
    def features_shown(self) -> int:
        """Features of which every test ran and passed."""
        return sum(item.shown == "shown" for item in self.features)

    @property
    def points(self) -> int:
        """Situations that have to be met."""
        return sum(len(group.points) for group in self.groups)

    @property
    def points_met(self) -> int:
        """Those that were."""
        return sum(len(group.met) for group in self.groups)

    @property
    def beside(self) -> str:
        """The part of `split` that runs beside the others."""
        return _SPLIT["golden"]

    @property
    def turns(self) -> float:
        """Seconds of the other parts together."""
        return sum(seconds for part, seconds in self.split.items() if part != self.beside)

    def as_json(self) -> dict[str, Any]:
        """Plain data: ``results.json``."""
        return {
            "passed": self.passed, "verdict": self.sentence, "counts": dict(self.counts),
            **{name: self.campaign.facts.get(name) for name in ("suite", "commit", "machine", "began", "versions")},
            "folders": [str(home) for home in self.campaign.homes],
            "frames": tally.frames(self.campaign.runs), "tests": tally.tests(self.campaign.runs),
            "seconds": round(sum(run.seconds for run in self.campaign.runs), 3),
            "runs": [_run(run) for run in self.campaign.runs],
            "features": [{**asdict(item.feature), "shown": item.shown, "failing": item.failing, "not_run": item.absent}
                         for item in self.features],
            "situations": {group.name: {p.name: p.hits for p in group.points} for group in self.groups},
            "coverage": asdict(self.design.total) if self.design else None,
            "coverage_by_stage": [asdict(stage) for stage in self.design.stages] if self.design else None,
            "megapixels_per_second": {speed.test: round(speed.now, 3) for speed in self.trend.speeds},
            "seconds_by_part": dict(self.split),
        }  # fmt: skip


def _run(run: Run) -> dict[str, Any]:
    result = run.result
    return {
        "name": run.job.name, "test": run.job.test, "kind": run.job.kind, "seed": run.job.seed,
        "frames": run.job.frames, "outcome": run.outcome, "seconds": run.seconds,
        "message": result.message if result else failures.UNFINISHED, "repeat": result.repeat if result else "",
        "folder": failures.address(run.folder, run.home) if run.folder else "",
    }  # fmt: skip


def _split(campaign: Campaign) -> dict[str, float]:
    """Seconds of all runs of the sensor together, by what they were spent on."""
    total: dict[str, float] = {}
    for run in campaign.runs:
        for part, seconds in (run.facts.get("split") or {}).items():
            name = _SPLIT.get(part, str(part))
            total[name] = total.get(name, 0.0) + float(seconds)
    return total
