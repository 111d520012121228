"""`make waves`: the trace of a run that failed, made by running its window again, and opened.

RUN=<folder or name>, by default the latest run of this checkout that failed, of the whole sensor or of any test.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput
from ocellus_sim.cosim import SimulationFailed, runs
from ocellus_sim.cosim.builds import build_root
from ocellus_sim.cosim.runs import AFTER, BEFORE, CHECKOUT, RECORD
from ocellus_sim.cosim.toolchain import ToolError
from ocellus_sim.cosim.traces import short, show
from ocellus_sim.cosim.window import Window
from ocellus_sim.typed import refuse_unknown

from . import ending, folders
from .choice import StageTests, choose
from .ending import FAILED, GOOD
from .exposure import Exposure
from .options import Options
from .plan import prepare
from .simulation import Simulation

PARTS = {"raw": "readout", "rgb": "isp", "layer": "cnn", "output": "cnn", "record": "metadata", "bytes": "link"}
"""The part of the sensor in front of each tap, where it has not the stage's name."""
FAILURE = "fail.fst"
MOST_NAMES = 10
"""Of runs, where one is not there."""


def main() -> int:
    """Exit status: 0 a trace is there, 1 it could not be made, 2 the input was refused."""
    return ending.command(_waves)


def _waves() -> int:
    refuse_unknown(["RUN", "GUI"])
    gui = os.environ.get("GUI", "")
    if gui not in ("", "0", "1"):
        raise BadInput(f"GUI: found {gui!r}, allowed 0 and 1")
    folder = _found(os.environ.get("RUN", ""))
    for line in _told(folder):
        print(line)
    print(f"{short(folder)}: running its window again, with a trace ...", flush=True)
    try:
        trace = _trace(folder)
    except (SimulationFailed, ToolError) as error:
        print(f"ocellus: {error}", file=sys.stderr)
        return FAILED
    print(show(trace, start=gui != "0"))
    return GOOD


def _trace(folder: Path) -> Path:
    """The trace of the run of this folder."""
    facts = json.loads((folder / folders.RESULT).read_text()) if (folder / folders.RESULT).exists() else {}
    difference = facts.get("first_difference")
    if difference is not None:
        chosen = choose(facts["variables"])
        assert not isinstance(chosen, StageTests)
        exposure = Exposure(prepare(chosen), Simulation(chosen, folder, lambda event, facts: None))
        return trace_of_difference(exposure, difference)
    inside = [*_failed_runs(folder)]
    if not inside:
        raise BadInput(f"RUN: found {short(folder)}, where nothing failed, allowed a run that did")
    return runs.trace_of_failure(inside[0])


def _found(name: str) -> Path:
    """The folder of a run; the latest that failed where none is named."""
    homes = (folders.RUNS.resolve(), build_root() / "runs")
    if not name:
        if failed := _newest_first(homes):
            return failed[0]
        raise BadInput(f"RUN: found no run that failed in {' and '.join(map(short, homes))}, allowed a run's folder")
    for folder in (Path(name).resolve(), *(home / name for home in homes)):
        if (folder / folders.RESULT).is_file() or (folder / RECORD).is_file():
            return folder.resolve()
    names = [folder.name for folder in _newest_first(homes)]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    allowed = ", ".join(names[:MOST_NAMES]) + more or "a run's folder"
    raise BadInput(f"RUN: found {name!r}, allowed {allowed}")


def _newest_first(homes: Sequence[Path]) -> list[Path]:
    return sorted((folder for home in homes for folder in _failed(home)), key=lambda f: -f.stat().st_mtime)


def _told(folder: Path) -> Iterator[str]:
    """Which test it was, with which seed, and why it failed."""
    facts = _json(folder / folders.RESULT)
    if first := facts.get("first_difference"):
        message = str(first.get("message", "")).splitlines()[:1]
        yield ": ".join([f"{facts.get('command', 'make sim')}, seed {first.get('seed')}", *message])
        return
    for inside in [*_failed_runs(folder)][:1]:
        run = runs.Run.read(inside)
        names = ", ".join(run.failed) or run.testcase or "every test"
        yield f"{run.test_module}, {names}, seed {run.seed}: {run.reason}"


def _failed(home: Path) -> Iterator[Path]:
    for folder in home.iterdir() if home.is_dir() else ():
        if folder.is_symlink() or not folder.is_dir():
            continue
        facts = _json(folder / folders.RESULT)
        # Checkouts may share their builds, and with them the runs of tests.
        if (record := _json(folder / RECORD)) and record.get("checkout") != str(CHECKOUT):
            continue
        if facts.get("first_difference") or facts.get("passed") is False or (not facts and any(_failed_runs(folder))):
            yield folder


def _failed_runs(folder: Path) -> Iterator[Path]:
    """Runs of single benches: the folder itself, or those inside it."""
    for record in sorted((folder / RECORD, *folder.glob(f"*/{RECORD}"))):
        if _json(record).get("reason"):
            yield record.parent


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def trace_of_difference(exposure: Exposure, first: Mapping[str, Any]) -> Path:
    """Frames up to that of the first difference are shown again; traced is what lies around the element's clock."""
    clock = first["clock"]
    if clock is None:
        raise SimulationFailed(f"no clock belongs to the difference: {first['message']}")
    stage = str(first["stage"]).partition(" ")[0]
    part = PARTS.get(stage, stage)
    return exposure.retrace(first["frame"] + 1, Window.around(clock, BEFORE, AFTER), clock, part)


def trace_of_crash(exposure: Exposure) -> str:
    """A line on the trace of what led to the end of a simulation without a result."""
    try:
        window = runs.failure(exposure.folder)
        if window is None:
            return "no trace: not one clock had passed when it failed"
        return show(exposure.retrace(exposure.plan.options.frames, window, window.end - 1, ""), start=False)
    except (SimulationFailed, ToolError) as error:
        return f"no trace: {error}"


def look(folder: Path, options: Options) -> str:
    """How to look at what a run left; opened where that was asked for."""
    traces = [folder / name for name in (FAILURE, "waves-network.fst", "timeline.vcd")]
    there = [trace for trace in traces if trace.exists()]
    wanted = options.gui or options.waves or (folder / FAILURE).exists()
    return show(there[0], start=options.gui) if wanted and there else ""


if __name__ == "__main__":
    sys.exit(main())
