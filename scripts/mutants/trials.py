"""Mutants put to a trial: which of them its tests notice."""

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ocellus_sim.cosim import Build, simulate

from .fork import LOST, ORDERS, SAID
from .stages import Stage, Trial

SEED = 1
"""Of the tests: the same for every mutant and for the design as it is."""
PATIENCE = 5
"""A mutant may take so many times as long as the design as it is, and..."""
AT_LEAST = 10
"""... so many seconds, since other things run on the machine."""


START = 300
"""Seconds in which Python and the bench are loaded, on a machine that does much else."""


class VoidError(RuntimeError):
    """What was found says nothing: the tests fail on the design as it is, or a process went astray."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant in a trial.

    Attributes
    ----------
    fate
        ``survived``; ``failed``: a test failed; ``died``: the simulator did, or stopped by an assertion of the design;
        ``timeout``.
    by
        The test that failed, or the trial.
    """

    number: int
    fate: str
    by: str
    seconds: float


def try_out(
    stage: Stage,
    trial: Trial,
    build: Build,
    numbers: Sequence[int],
    folder: Path,
    jobs: int,
    tell: Callable[[Verdict], None],
) -> None:
    """Each of these mutants through the trial, after the design as it is; ``tell`` hears of each at once."""
    folder.mkdir(parents=True, exist_ok=True)
    run = _Run(stage, trial, build, folder)
    found: list[Verdict] = []
    run.go([0], 1, 900, found.append)
    if not found or found[0].fate != "survived":
        raise VoidError(
            f"{trial.name}: the design as it is {found[0].fate if found else 'was not run'}: see {folder}/0"
        )
    run.go(numbers, jobs, max(AT_LEAST, PATIENCE * jobs * found[0].seconds), tell)


class _Run:
    def __init__(self, stage: Stage, trial: Trial, build: Build, folder: Path) -> None:
        self._stage, self._trial, self._build, self._folder = stage, trial, build, folder
        self._parameters = trial.parameters(folder) if trial.parameters else {}

    def go(self, numbers: Sequence[int], jobs: int, seconds: float, tell: Callable[[Verdict], None]) -> None:
        """One simulator process, forked for each number."""
        orders = self._folder / "orders.json"
        told: set[int] = set()
        orders.write_text(
            json.dumps(
                {
                    "bench": self._trial.module,
                    "filter": rf"\.{self._trial.testcase}(/|$)" if self._trial.testcase else "",
                    "mutants": list(numbers),
                    "jobs": jobs,
                    "seconds": seconds,
                }
            )
        )

        def hear(line: str) -> None:
            if line.startswith(SAID):
                said = json.loads(line.removeprefix(SAID))
                told.add(said["number"])
                tell(self._judged(**said))

        with _simulator(self._build), (self._folder / "driver.log").open("w") as log, contextlib.redirect_stdout(log):
            simulate(
                self._stage.factory,
                self._stage.arguments,
                test_module="scripts.mutants.branches",
                seed=SEED,
                parameters=self._parameters,
                env={**self._trial.env, ORDERS: str(orders), "COCOTB_MAX_FAILURES": "1", "OPENBLAS_NUM_THREADS": "1"},
                run_dir=self._folder,
                wall_seconds=START + seconds * (len(numbers) + 1),
                on_line=hear,
            )
        if told != set(numbers):
            raise VoidError(f"{self._trial.name}: {len(set(numbers) - told)} mutants were not heard of again")

    def _judged(self, number: int, status: int, late: bool, seconds: float) -> Verdict:
        if late:
            return Verdict(number, "timeout", self._trial.name, seconds)
        results = self._folder / str(number) / "results.xml"
        cases = list(ElementTree.parse(results).getroot().iter("testcase")) if results.exists() else []
        failed = [c.get("name", "?") for c in cases if c.find("failure") is not None or c.find("error") is not None]
        if failed:
            return Verdict(number, "failed", failed[0], seconds)
        if status == LOST or (status > 0 and not cases):
            raise VoidError(
                f"{self._trial.name}: the process of mutant {number} ended with {status}: see {self._folder}"
            )
        if status != 0:
            return Verdict(number, "died", self._trial.name, seconds)
        if not any(c.find("skipped") is None for c in cases):
            raise VoidError(f"{self._trial.name}: no test ran on mutant {number}: see {self._folder}")
        return Verdict(number, "survived", self._trial.name, seconds)


@contextlib.contextmanager
def _simulator(build: Build):
    """`simulate` takes this build, whatever it would build itself."""
    before = os.environ.get("OCELLUS_SIMULATOR")
    os.environ["OCELLUS_SIMULATOR"] = str(build.folder)
    try:
        yield
    finally:
        del os.environ["OCELLUS_SIMULATOR"]
        if before is not None:
            os.environ["OCELLUS_SIMULATOR"] = before
