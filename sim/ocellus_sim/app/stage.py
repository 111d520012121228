"""A stage's own tests with one seed: pytest in a process of its own, and one line that says how to have it again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rich.console import Console

from ocellus.errors import BadInput
from ocellus_sim import whole
from ocellus_sim.campaign.plan import ROOT
from ocellus_sim.cosim.toolchain import versions
from ocellus_sim.cosim.traces import short, show

from . import folders
from .choice import StageTests
from .files import CROP
from .options import Options
from .result import commit
from .screen import named

FOREIGN = ("FRAMES", "FRAME", "MODEL", "MODE", "CONFIG", "SIZE", "ROI")
"""Variables of a run of the whole sensor."""
MOST_LINES = 14


def run(tests: StageTests, variables: Mapping[str, str], console: Console) -> int:
    """Status 0: every test passed, 1: one did not, or none ran."""
    if given := [name for name in FOREIGN if variables.get(name)]:
        raise BadInput(f"{given[0]}: found it with TEST={variables['TEST']}, allowed with runs of the whole sensor")
    options = Options.read(variables)
    began = time.perf_counter()
    folder = folders.run_folder(f"{tests.stage}-seed-{options.seed}")
    tools = versions()
    console.print(f"{variables['TEST']}, seed {options.seed}, commit {commit()}, {named(tools)}", style="bold")
    status = _pytest(tests, options, variables.get("WAVES", ""), folder)
    cases = _cases(folder / "junit.xml")
    passed = status == 0 and any(case["status"] == "passed" for case in cases)
    failed = next((case for case in cases if case["status"] in ("failed", "error")), None)
    command = _again(tests, options, failed)
    message = "" if passed else _message(failed, status, any(case["status"] == "passed" for case in cases))
    whole.write_text(folder / folders.RESULT, json.dumps({
        "test": variables["TEST"], "seed": options.seed, "passed": passed, "message": message, "tests": cases,
        "wall_seconds": round(time.perf_counter() - began, 3), "versions": tools, "commit": commit(),
        "command": command, "variables": dict(options.given),
    }, indent=1) + "\n")  # fmt: skip
    folders.point_latest(folder)
    count = f"{sum(c['status'] == 'passed' for c in cases)} of {len(cases)} tests passed"
    console.print(f"{tests.stage}: {count} in {time.perf_counter() - began:.1f} s; {short(folder)}")
    if not passed:
        pictures = sorted(folder.rglob(CROP), key=lambda path: path.stat().st_mtime)
        picture = f"picture: {short(pictures[0])}\n" if pictures else ""
        console.print(
            f"{message}\n{picture}again: {command}", style="bold red", markup=False, highlight=False, soft_wrap=True
        )
    for trace in sorted(folder.rglob("*.fst")):
        console.print(show(trace, options.gui and not passed), markup=False, highlight=False, soft_wrap=True)
    return 0 if passed else 1


def _again(tests: StageTests, options: Options, failed: Mapping[str, Any] | None) -> str:
    """The command for all of it, or for the function alone that failed first."""
    given = dict(options.given)
    if failed is not None and failed["status"] == "failed":  # not a file that pytest could not read
        given["TEST"] = f"{tests.stage}::{failed['name'].partition('[')[0]}"
    return replace(options, given=tuple(given.items())).command()


def _pytest(tests: StageTests, options: Options, waves: str, folder: Path) -> int:
    env = {
        name: value for name, value in os.environ.items() if name not in ("TEST", "WAVES", "GUI", "OCELLUS_RUN_FOLDER")
    }
    env |= {"OCELLUS_SEED": str(options.seed), "OCELLUS_WAVES": waves, "OCELLUS_RUNS": str(folder)}
    command = [
        sys.executable, "-m", "pytest", *tests.targets(), "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider",
        "-p", "no:xdist", f"--junitxml={folder / 'junit.xml'}",
    ]  # fmt: skip
    with (folder / "pytest.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, errors="replace")
        try:
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                print(line, end="", flush=True)
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _cases(path: Path) -> list[dict[str, Any]]:
    """What pytest says of each test; nothing where it left nothing that can be read."""
    try:
        found = ElementTree.parse(path).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        return []
    cases = []
    for case in found:
        bad = next((child for child in case if child.tag in ("failure", "error")), None)
        status = "skipped" if case.find("skipped") is not None else "passed"
        if bad is not None:
            status = "failed" if bad.tag == "failure" else "error"
        text = "" if bad is None else f"{bad.get('message') or ''}\n{bad.text or ''}"
        cases.append({
            "name": case.get("name", "?"), "status": status, "seconds": float(case.get("time", 0)), "message": text,
        })  # fmt: skip
    return cases


def _message(failed: Mapping[str, Any] | None, status: int, any_ran: bool) -> str:
    """The first difference, where there is one, with what stands around it; else what is known."""
    if failed is None:
        return f"pytest ended with status {status}" if any_ran else "no test ran"
    lines = failed["message"].splitlines()
    said = next((n for n, line in reversed([*enumerate(lines)]) if line.startswith("E ")), 0)
    first = next((n for n, line in enumerate(lines) if "first difference at" in line), said)
    end = 1 + next((n for n, line in enumerate(lines[first:][:MOST_LINES]) if "got from" in line), 0)
    shown = [line.removeprefix("E").strip() for line in lines[first : first + end + (3 if end > 1 else 0)]]
    return f"{failed['name']}: " + "\n".join(shown)
