"""A campaign from its plan to its last result: jobs, models, executor, folder."""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput
from ocellus_sim.cosim.toolchain import versions

from . import folder as folders
from . import sources, suite
from .children import Children
from .executor import Executor, Maker
from .folder import CAMPAIGNS, Folder
from .job import Job, Result
from .models import MAKING, Model
from .options import Options
from .plan import ROOT, Plan
from .work import Order, never_ran

PLANNING = ("SUITE", "SEEDS", "FILTER", "SHARD", "COV")
"""Variables that decide which jobs a campaign has; one that is resumed keeps its own."""


@dataclass
class Campaign:
    """What is to be done, and where.

    Attributes
    ----------
    suite : str
    coverage : bool
        Whether lines and branches are counted.
    jobs : list of Job
        All of them, longest first.
    path : Path or None
        The folder; None before there is one.
    told : list of str
        What was left out, and why.
    planning : dict
        :data:`PLANNING` as they were given.
    reruns : str
        The campaign whose jobs these are, where they did not pass there.
    began : str
        ISO 8601, UTC; empty before.
    done : dict
        Results by the jobs' names, those of earlier runs of the same campaign included.
    """

    suite: str
    coverage: bool
    jobs: list[Job]
    path: Path | None = None
    told: list[str] = field(default_factory=list)
    planning: dict[str, str] = field(default_factory=dict)
    reruns: str = ""
    began: str = ""
    done: dict[str, Result] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: Options) -> "Campaign":
        """A new campaign, one that is resumed, or what did not pass in one; :class:`BadInput` as the case may be."""
        if options.rerun:
            return _rerun(options)
        if options.out is not None and (facts := folders.planned(options.out)) is not None:
            return _resumed(options, options.out, facts)
        jobs, told = suite.jobs(Plan.read(), options)
        planning = {name: value for name, value in options.given if name in PLANNING}
        jobs = suite.longest_first(jobs, costs(options.coverage))
        return cls(options.suite, options.coverage, jobs, options.out, told, planning)

    @property
    def left(self) -> list[Job]:
        """Jobs without a result."""
        return [job for job in self.jobs if job.name not in self.done]

    @property
    def not_passed(self) -> list[Result]:
        """Results that are bad, in the order of the jobs."""
        found = (self.done.get(job.name) for job in self.jobs)
        return [result for result in found if result is not None and result.status != "passed"]

    def facts(self) -> dict[str, Any]:
        """What campaign.json holds."""
        from ocellus_sim.app.result import commit

        return {
            "suite": self.suite, "planning": self.planning, "reruns": self.reruns, "coverage": self.coverage,
            "began": self.began, "commit": commit(), "sources": sources.digest(), "versions": versions(),
            "machine": f"{platform.node()}, {platform.machine()}, {platform.system()} {platform.release()}",
            "left_out": self.told, "jobs": [job.as_json() for job in self.jobs],
        }  # fmt: skip


def costs(coverage: bool) -> suite.Costs:
    """What jobs took when they last passed, from the campaigns that lie here."""
    measured: dict[str, tuple[str, float]] = {}
    for path in CAMPAIGNS.glob("*/" + folders.PLANNED):
        try:
            facts = folders.planned(path.parent)
        except BadInput:
            continue
        if facts is None or path.parent.is_symlink() or facts.get("coverage") != coverage:
            continue
        for result in folders.results(path.parent).values():
            known = measured.get(result.job.test, ("", 0.0))
            if result.status == "passed" and result.began > known[0]:
                measured[result.job.test] = (result.began, result.seconds / max(result.job.frames, 1))
    return suite.Costs({name: seconds for name, (_, seconds) in measured.items()})


def _resumed(options: Options, path: Path, facts: Mapping[str, Any]) -> Campaign:
    """The campaign of a folder, with its results; nothing about it may have changed."""
    for name, value in options.given:
        if name in PLANNING and value != facts["planning"].get(name):
            was = facts["planning"].get(name) or "none"
            raise BadInput(f"{name}: found {value!r}, allowed {was}, with which the campaign in {path} began")
    if facts["sources"] != sources.digest():
        raise BadInput(
            f"OUT: found {path}, which began with other sources (commit {facts['commit']}), allowed a campaign of the "
            "present ones; make a new one, or RERUN=failed"
        )
    jobs = [Job.from_json(job) for job in facts["jobs"]]
    return Campaign(
        facts["suite"], facts["coverage"], jobs, path, told=facts["left_out"], planning=facts["planning"],
        reruns=facts["reruns"], began=facts["began"], done=folders.results(path),
    )  # fmt: skip


def _rerun(options: Options) -> Campaign:
    """A new campaign of what did not pass, or did not end, in another."""
    source = options.out or folders.latest()
    facts = folders.planned(source) if source is not None else None
    if source is None or facts is None:
        raise BadInput(f"RERUN: found no campaign in {source or CAMPAIGNS}, allowed OUT=the folder of one")
    done = folders.results(source)
    jobs = [Job.from_json(job) for job in facts["jobs"]]
    jobs = [job for job in jobs if job.name not in done or done[job.name].status != "passed"]
    return Campaign(facts["suite"], facts["coverage"], jobs, reruns=str(source))


def execute(
    campaign: Campaign,
    folder: Folder,
    executor: Maker,
    tell: Callable[[str], None],
    heard: Callable[[Executor, Result | None], None],
) -> None:
    """Build, run, append.

    Parameters
    ----------
    campaign
        What is to be done; ``done`` grows.
    folder
        Its own, open.
    executor
        Makes who does the jobs.
    tell
        Called with what is being built.
    heard
        Called after each result, and at least once a second with None; never where there is nothing to do, or nothing
        that could be built.

    Raises
    ------
    NoRoom
        When a result could not be written.
    LostExecutor
        When nobody is left to do the jobs.
    """
    campaign.began = campaign.began or datetime.now(UTC).isoformat(timespec="seconds")
    folder.plan(campaign.facts())
    models = _models(campaign, folder, tell)
    builds = {name: Path(model.simulator).name for name, model in models.items() if model.simulator}
    campaign.jobs = [replace(job, build=builds.get(job.name, job.build)) for job in campaign.jobs]
    folder.plan(campaign.facts())
    orders, refused = [], []
    for job in campaign.left:
        model = models.get(job.name, Model())
        if job.kind == "sensor" and not model.simulator:
            refused.append(never_ran(job, model.refusal, platform.node()))
            _count(campaign, folder, refused[-1])
        else:
            simulator = Path(model.simulator) if model.simulator else None
            orders.append(Order(job, simulator, coverage=campaign.coverage))
    if not orders:
        return
    doing = executor(folder.path, models)
    try:
        for result in [*refused, None]:
            heard(doing, result)
        for result in doing.results(orders, 1.0):
            if result is not None and not _count(campaign, folder, result):
                continue
            heard(doing, result)
    finally:
        doing.stop()


def _count(campaign: Campaign, folder: Folder, result: Result) -> bool:
    """Put a result down; False for a job that has one already."""
    if result.job.name in campaign.done:
        return False
    folder.append(result)
    campaign.done[result.job.name] = result
    return True


def _models(campaign: Campaign, folder: Folder, tell: Callable[[str], None]) -> dict[str, Model]:
    """Made in a process of its own, which takes its compilers with it when it is ended."""
    wanted = [job for job in campaign.left if job.kind == "sensor"]
    if not wanted:
        return {}
    asked, answer, log = (folder.path / name for name in (".jobs.json", ".models.json", "builds.log"))
    with folders.writing(asked):
        asked.write_text(json.dumps([job.as_json() for job in wanted]))
        answer.unlink(missing_ok=True)
        log.touch()
    children = Children()

    def watch() -> None:
        lines = log.read_text(errors="replace").splitlines()
        if making := [line for line in lines if line.startswith(MAKING)]:
            tell(making[-1].removeprefix(MAKING))

    env = dict(os.environ) | ({"OCELLUS_COVERAGE": "1"} if campaign.coverage else {})
    command = [sys.executable, "-m", "ocellus_sim.campaign.models", str(asked.resolve()), str(answer.resolve())]
    try:
        status = children.run(command, cwd=ROOT, env=env, log=log, seconds=24 * 3600, each_second=watch)
        models = json.loads(answer.read_text()) if status == 0 else {}
    finally:
        children.stop()
        asked.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
    died = Model(refusal=f"the builds ended with status {status} ({log})")
    return {job.name: Model(**models[job.name]) if job.name in models else died for job in wanted}


def totals(jobs: Iterable[Job], done: Mapping[str, Result]) -> Mapping[str, int]:
    """How many jobs passed, failed, ended in an error, or have no result."""
    counts = {"passed": 0, "failed": 0, "error": 0, "no result": 0}
    for job in jobs:
        counts[done[job.name].status if job.name in done else "no result"] += 1
    return counts


def remaining(left: Sequence[Job], spent: Mapping[str, float], done: Mapping[str, Result], width: int) -> float:
    """Seconds until the last job is done: what is left, at the pace at which what is done was done.

    ``spent`` are the seconds for which the running ones have run.
    """
    real = sum(result.seconds for result in done.values())
    expected = sum(result.job.cost for result in done.values())
    pace = real / expected if real and expected else 1.0
    costs = [max(job.cost * pace - spent.get(job.name, 0.0), 1.0) for job in left]
    return max(sum(costs) / max(width, 1), max(costs, default=0.0))
