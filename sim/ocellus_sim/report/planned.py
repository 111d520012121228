"""Plan coverage: each feature of the test plan with what its tests say in this campaign."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocellus_sim.campaign.plan import PLAN, Feature, Plan

from .reading import Run

Shown = Literal["shown", "failing", "partly run", "not run", "missing"]
ORDER: tuple[Shown, ...] = ("failing", "missing", "partly run", "not run", "shown")


@dataclass(frozen=True)
class Seen:
    """A feature and its tests: how many passed, did not pass, and did not run."""

    feature: Feature
    passing: Sequence[str]
    failing: Sequence[str]
    absent: Sequence[str]

    @property
    def shown(self) -> Shown:
        """``failing`` where one test does; ``shown`` only where every one ran and passed."""
        if self.failing:
            return "failing"
        if not self.feature.tests:
            return "missing"
        if not self.passing:
            return "not run"
        return "partly run" if self.absent else "shown"


def read_plan(path: Path = PLAN) -> Plan:
    """The test plan; an empty one where there is none, as in an installed package."""
    return Plan.read(path) if path.is_file() else Plan((), (), ())


def verdicts(runs: Iterable[Run]) -> dict[str, bool]:
    """Whether each test that ran passed every time: runs by their name, tests of stages as ``stage::function``."""
    found: dict[str, bool] = {}
    for run in runs:
        if run.result is None:
            continue
        if run.job.kind == "sensor":
            found[run.job.test] = found.get(run.job.test, True) and run.outcome == "passed"
        for test in run.tests:
            if test["status"] != "skipped":
                name = f"{run.job.test}::{function(test['name'])}"
                found[name] = found.get(name, True) and test["status"] == "passed"
    return found


def function(name: str) -> str:
    """The function of a test's name, without class and parameters."""
    return re.split(r"[\[/]", name)[0].rpartition("::")[2]


def seen(plan: Plan, runs: Iterable[Run]) -> list[Seen]:
    """Every feature, in the plan's order."""
    passed = verdicts(runs)
    return [
        Seen(
            feature,
            [test for test in feature.tests if passed.get(test) is True],
            [test for test in feature.tests if passed.get(test) is False],
            [test for test in feature.tests if test not in passed],
        )
        for feature in plan.features
    ]


def by_stage(features: Iterable[Seen]) -> Mapping[str, list[Seen]]:
    """Grouped, what needs a look first."""
    groups: dict[str, list[Seen]] = {}
    for item in features:
        groups.setdefault(item.feature.stage, []).append(item)
    return {stage: sorted(items, key=lambda item: ORDER.index(item.shown)) for stage, items in groups.items()}
