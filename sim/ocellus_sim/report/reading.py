"""What lies in a campaign's folder, read back and checked: the jobs that were planned and what became of each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ocellus.errors import BadInput
from ocellus_sim.campaign.job import Job, Result

PLANNED, RESULTS, COVERAGE = "campaign.json", "results.jsonl", "coverage.json"

Outcome = Literal["passed", "failed", "error", "no result"]


@dataclass(frozen=True)
class Run:
    """A job that was planned.

    Attributes
    ----------
    result : Result or None
        None of a job that never ended: it counts as not passed.
    home : Path
        The campaign's folder that it belongs to.
    """

    job: Job
    result: Result | None
    home: Path

    @property
    def outcome(self) -> Outcome:
        """The verdict in one word."""
        return self.result.status if self.result else "no result"

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.result.seconds if self.result else 0.0

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the run said of itself; nothing where there is no result."""
        return self.result.facts if self.result else {}

    @property
    def tests(self) -> Sequence[Mapping[str, Any]]:
        """Of a stage: its tests."""
        return self.facts.get("tests", ())

    @property
    def folder(self) -> Path | None:
        """Where its files are, if some were kept."""
        name = self.result.folder if self.result and self.result.folder else f"runs/{self.job.name}"
        return self.home / name if (self.home / name).is_dir() else None


@dataclass(frozen=True)
class Campaign:
    """One campaign, or several that were shards of one.

    Attributes
    ----------
    homes : sequence of Path
        Their folders; the report goes into the first.
    facts : mapping
        The first one's ``campaign.json``.
    coverage : mapping or None
        Lines and branches of the design, where they were counted.
    """

    homes: Sequence[Path]
    facts: Mapping[str, Any]
    runs: Sequence[Run]
    coverage: Mapping[str, Any] | None

    @property
    def home(self) -> Path:
        """Where the report goes."""
        return self.homes[0]

    @classmethod
    def read(cls, homes: Sequence[Path]) -> "Campaign":
        """The campaigns in these folders as one; a job that two of them have counts once.

        :class:`BadInput` when a folder is no campaign's, or its files are not what a campaign wrote.
        """
        plans = [_planned(home) for home in homes]
        for home, plan in zip(homes, plans, strict=True):
            for name in ("suite", "commit"):
                if plan.get(name) != plans[0].get(name):
                    raise BadInput(
                        f"RUN: found {name} {plan.get(name)} in {home}, allowed {plans[0].get(name)}, as in {homes[0]}"
                    )
        runs: dict[str, Run] = {}
        for home, plan in zip(homes, plans, strict=True):
            jobs = {job.name: job for job in map(Job.from_json, plan["jobs"])}
            results = dict(_results(home, jobs))
            for name, job in jobs.items():
                if name not in runs or (runs[name].result is None and name in results):
                    runs[name] = Run(job, results.get(name), home)
        coverage = _coverage(homes[0]) if len(homes) == 1 else None
        return cls(homes, plans[0], list(runs.values()), coverage)


def _planned(home: Path) -> dict[str, Any]:
    path = home / PLANNED
    try:
        plan = json.loads(path.read_text())
        for job in plan["jobs"]:
            Job.from_json(job)
    except FileNotFoundError:
        raise BadInput(f"RUN: found no {PLANNED} in {home}, allowed a campaign's folder") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path}: found {type(error).__name__} in it, allowed what a campaign wrote") from None
    return plan


def _results(home: Path, jobs: Mapping[str, Job]) -> Iterator[tuple[str, Result]]:
    """By the names of their jobs; of two the first. A last line without its end is no result: a crash cut it off."""
    path = home / RESULTS
    try:
        text = path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{path}: found {error.strerror}, allowed a file that can be read") from None
    seen = set()
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            return
        try:
            result = Result.from_line(line)
            name = result.job.name
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadInput(f"{path}: line {number}: found no result in it, allowed a result a line") from None
        if name not in jobs:
            raise BadInput(f"{path}: line {number}: found a result of {name}, allowed jobs of {PLANNED}")
        if name not in seen:
            seen.add(name)
            yield name, result


def _coverage(home: Path) -> dict[str, Any] | None:
    path = home / COVERAGE
    try:
        found = json.loads(path.read_text())
        for part in (found["total"], *found["files"]):
            _ = part["lines"], part["lines_hit"], part["branches"], part["branches_hit"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path}: found {type(error).__name__} in it, allowed counts of lines and branches") from None
    return found
