"""What a job's process left behind, judged: files, status and output become a verdict, a message and facts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocellus_sim.coverage import functional

from .job import Job, Status

OUTPUT, TESTS, RESULT, COVERED = "output.log", "tests.jsonl", "result.json", "covered"
"""In a run's folder: what its process printed; the verdicts of a stage's tests; the facts of a sensor's run; a folder
with what its simulations met (docs/coverage.md)."""
DIFFERENT, REFUSED = 1, 2
"""Exit statuses of ``python -m ocellus_sim.app`` (docs/run.md); pytest's 1 means that a test failed."""

UNREAD = "CollectError"
"""What pytest raised for a file of tests that it could not import."""


@dataclass(frozen=True)
class Verdict:
    """As in `Result`; ``frames`` are those up to the first that differs, where one is known."""

    status: Status
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    frames: int | None = None


def judge(job: Job, folder: Path, status: int | None, limit: float) -> Verdict:
    """The verdict on a run that ended with ``status``, or was killed after ``limit`` seconds where that is None."""
    verdict = _sensor(job, folder, status) if job.kind == "sensor" else _stage(folder, status)
    if status is None:
        found = f"; {verdict.message}" if verdict.status == "failed" else ""
        return Verdict("error", f"it was killed after {limit:.0f} s{found}", verdict.facts)
    if status > 128 and verdict.status != "failed":
        return Verdict("error", f"it died of signal {status - 128}; {last_words(folder)}", verdict.facts)
    return verdict


def last_words(folder: Path) -> str:
    """The sentence that a command printed for its user, else its last line."""
    path = folder / OUTPUT
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()] if path.exists() else []
    said = [line.removeprefix("ocellus: ") for line in lines if line.startswith("ocellus: ")]
    return (said or lines or ["it printed nothing"])[-1].strip()


def _sensor(job: Job, folder: Path, status: int | None) -> Verdict:
    try:
        facts = json.loads((folder / RESULT).read_text())
    except (OSError, ValueError):
        return Verdict("error", f"{last_words(folder)} (status {status}, no {RESULT})")
    first = facts.get("first_difference")
    if status == DIFFERENT and first:
        return Verdict("failed", first["message"], facts, first["frame"] + 1)
    if status == 0 and facts.get("bit_exact") is True and facts.get("frames") == job.frames:
        return Verdict("passed", "", facts)
    return Verdict("error", f"status {status} and {RESULT} contradict each other; {last_words(folder)}", facts)


def _stage(folder: Path, status: int | None) -> Verdict:
    path = folder / TESTS
    lines = path.read_text().splitlines() if path.exists() else []
    tests = [json.loads(line) for line in lines if line.endswith("}")]
    told = [{name: value for name, value in test.items() if name != "raised"} for test in tests]
    facts: dict[str, Any] = {"tests": told}
    if (folder / COVERED).is_dir():
        facts["coverage"] = functional.gather(folder / COVERED)
    failed = [test for test in tests if test["status"] == "failed"]
    if failed:
        # A missing tool, or a file of tests that cannot be read, says nothing of the design.
        could_not = all(test["raised"] in ("ToolError", UNREAD) for test in failed)
        message = f"{failed[0]['name']}: {failed[0]['message']}"
        return Verdict("error" if could_not else "failed", message, facts)
    if status == 0 and any(test["status"] == "passed" for test in tests):
        return Verdict("passed", "", facts)
    if status == 0:
        return Verdict("error", "no test ran", facts)
    return Verdict("error", f"{last_words(folder)} (status {status})", facts)
