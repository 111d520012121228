"""A suite of the test plan as jobs: which, how long they will take, and how they are dealt to shards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ocellus.errors import BadInput

from .job import Job
from .options import Options
from .plan import ROOT, NamedRun, Plan

FRAMES_PER_JOB = 10
"""A start costs seconds, and a frame as well: so many that starts do not matter, so few that no job is long."""
START_SECONDS = 3.0
SECONDS_PER_MEGAPIXEL = {"tiny": 0.35, "ecp5": 0.45, "ecp5-288": 0.8, "imx500": 5.0}
"""Of a frame through simulator and golden sensor, about; what was measured (`Costs`) comes first."""


@dataclass(frozen=True)
class Costs:
    """What jobs took in earlier campaigns: seconds a frame of a run, seconds of a stage's tests, by name."""

    measured: Mapping[str, float]

    def of(self, job: Job) -> float:
        """Seconds that ``job`` will take."""
        seconds = self.measured.get(job.test)
        return job.cost if seconds is None else round(seconds * max(job.frames, 1), 1)


def jobs(plan: Plan, options: Options) -> tuple[list[Job], list[str]]:
    """The jobs of a campaign, longest first by the plan's own reckoning, and a sentence for each run that is left out.

    The same options give the same jobs in the same order on every machine with the same files beside the project, which
    is what makes shards complete and disjoint.

    :class:`BadInput` where nothing bears the name that is asked for.
    """
    stages = [(stage, stage.seeds.get(options.suite)) for stage in plan.stages]
    runs = [(run, run.frames.get(options.suite)) for run in plan.runs]
    names = [entry.name for entry, count in (*stages, *runs) if count]
    if not any(options.filter in name for name in names):
        raise BadInput(f"FILTER: found {options.filter!r}, allowed parts of {', '.join(names)} (SUITE={options.suite})")
    found, told = [], []
    for stage, count in stages:
        if count and options.filter in stage.name:
            seeds = range(1, (options.seeds or count) + 1)
            found += [Job(stage.name, "stage", seed, 0, cost=stage.seconds) for seed in seeds]
    for run, count in runs:
        if not (count and options.filter in run.name):
            continue
        if missing := [name for name in run.files if not (ROOT / name).is_file()]:
            told.append(f"{run.name}: left out, {' and '.join(missing)} is not there")
        else:
            found += _split(run, options.seeds or count)
    found.sort(key=lambda job: (-job.cost, job.name))
    index, count = options.shard
    return found[index - 1 :: count], told


def longest_first(found: Sequence[Job], costs: Costs) -> list[Job]:
    """With what they cost as far as that was measured: whoever starts the long ones first ends early."""
    known = [replace(job, cost=costs.of(job)) for job in found]
    return sorted(known, key=lambda job: (-job.cost, job.name))


def _split(run: NamedRun, frames: int) -> list[Job]:
    """A run's frames as jobs of a few."""
    return [
        Job(run.name, "sensor", run.seed + first, count, run.variables, cost=_seconds(run, count))
        for first in range(0, frames, FRAMES_PER_JOB)
        for count in [min(FRAMES_PER_JOB, frames - first)]
    ]


def _seconds(run: NamedRun, frames: int) -> float:
    width, _, height = run.variables.get("SIZE", "3840x2160").partition("x")
    a_megapixel = SECONDS_PER_MEGAPIXEL.get(run.variables.get("CONFIG", "ecp5"), 1.0)
    return round(START_SECONDS + frames * int(width) * int(height) / 1e6 * a_megapixel, 1)
