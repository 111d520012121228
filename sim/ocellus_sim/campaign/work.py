"""One job, wherever it is done: a process of its own, and the result that it comes to."""

import os
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ocellus_sim.app.options import NAMES as SIM_NAMES
from ocellus_sim.cosim.toolchain import ToolError

from .children import Children
from .folder import writing
from .job import Job, Result
from .options import NAMES
from .plan import ROOT
from .verdict import COVERED, OUTPUT, RESULT, TESTS, Verdict, judge

BENCHES = "benches"
"""In the folder of a stage's job: what each simulation of its tests left."""


@dataclass(frozen=True)
class Order:
    """A job, and what the place where it is done has for it.

    Attributes
    ----------
    simulator : Path or None
        Folder of the build; None for a stage.
    files : mapping
        Where a file that a variable names lies here, by that name.
    coverage : bool
        Whether lines and branches are counted.
    build : Path or None
        The place's own ``build`` folder, where it is not the project's.
    """

    job: Job
    simulator: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    coverage: bool = False
    build: Path | None = None

    @property
    def limit(self) -> float:
        """Seconds after which the job is killed: so many that even a slow, busy machine is done."""
        return 900 + 20 * self.job.cost


def perform(order: Order, folder: Path, children: Children, wanted: Callable[[], bool] = lambda: True) -> Result:
    """Do it in ``folder``, which is made anew; of a run that passed only the facts stay.

    Raises
    ------
    Stopped
        When nobody wants the result any more.
    NoRoom
        When the folder cannot be made.
    """
    job = order.job
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    began, start = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    try:
        command, env = (_sensor if job.kind == "sensor" else _stage)(order, folder)
        status = children.run(
            command, cwd=ROOT, env=env, log=folder / OUTPUT, seconds=order.limit, wanted=wanted
        )  # fmt: skip
        verdict = judge(job, folder, status, order.limit)
    except (OSError, ToolError) as error:
        verdict = Verdict("error", str(error))
    seconds = round(time.monotonic() - start, 3)
    if verdict.status == "passed":
        _tidy(folder, {RESULT, COVERED} if order.coverage else {RESULT})
    return Result(
        job, verdict.status, verdict.message, repeat(job, verdict.frames), seconds, began,
        f"{socket.gethostname()}:{os.getpid()}", verdict.facts,
    )  # fmt: skip


def repeat(job: Job, frames: int | None = None) -> str:
    """What to type for a job again, or for its first ``frames``: one that differs may hang on those before it."""
    if job.kind == "stage":
        return f"make sim TEST={job.test} SEED={job.seed}"
    given = {**job.variables, "SEED": str(job.seed)}
    if (frames or job.frames) > 1:
        given["FRAMES"] = str(frames or job.frames)
    return " ".join(["make sim", *(f"{name}={shlex.quote(value)}" for name, value in given.items())])


def never_ran(job: Job, message: str, worker: str) -> Result:
    """The result of a job that nobody began."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Result(job, "error", message, repeat(job), 0.0, now, worker)


def _environment(order: Order, folder: Path) -> dict[str, str]:
    # A job's own variables count, none that happens to be set around the campaign.
    env = {name: value for name, value in os.environ.items() if name not in (*SIM_NAMES, *NAMES)}
    env["OCELLUS_COVERED"] = str(folder / COVERED)
    if order.coverage:
        env["OCELLUS_COVERAGE"] = "1"
    if order.build:
        env["OCELLUS_BUILD"] = str(order.build)
    return env


def _sensor(order: Order, folder: Path) -> tuple[list[str], dict[str, str]]:
    job = order.job
    variables = {name: order.files.get(value, value) for name, value in job.variables.items()}
    env = _environment(order, folder) | variables | {
        "SEED": str(job.seed), "FRAMES": str(job.frames), "OCELLUS_RUN_FOLDER": str(folder),
        "OCELLUS_SIMULATOR": str(order.simulator),
    }  # fmt: skip
    return [sys.executable, "-m", "ocellus_sim.app"], env


def _stage(order: Order, folder: Path) -> tuple[list[str], dict[str, str]]:
    tests = ROOT / "tb" / order.job.test
    if not tests.is_dir():
        raise ToolError(f"{socket.gethostname()}: found no {tests}, allowed a checkout for jobs of a stage's tests")
    command = [sys.executable, "-m", "pytest", str(tests), "-q", "-p", "no:cacheprovider"]
    env = _environment(order, folder) | {
        "OCELLUS_SEED": str(order.job.seed), "OCELLUS_TESTS": str(folder / TESTS),
        "OCELLUS_RUNS": str(folder / BENCHES),
    }  # fmt: skip
    env.pop("OCELLUS_SIMULATOR", None)  # each test has its own
    return [*command, "-p", "ocellus_sim.campaign.recorder"], env


def _tidy(folder: Path, kept: set[str]) -> None:
    """Of a run that passed nobody needs more than these, and its timeline, which the report shows."""
    for path in folder.iterdir():
        if path.name in kept or path.name.startswith("timeline"):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()
