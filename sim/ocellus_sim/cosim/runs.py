"""Runs of a simulator: cocotb in a process of its own, judged by its results file, its status and a wall clock."""

import contextlib
import json
import os
import pickle
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ocellus_sim import whole
from ocellus_sim.cosim import toolchain, traces
from ocellus_sim.cosim.builds import Build, build, build_root
from ocellus_sim.cosim.process import LOG, RESULTS, cocotb_environment, execute, judge
from ocellus_sim.cosim.traces import short
from ocellus_sim.cosim.window import Window, Wish, passages
from ocellus_sim.coverage.collected import LEFT, collect

CHECKOUT = Path(__file__).resolve().parents[3]
RECORD = "run.json"
"""What was run, in the run's folder."""
BEFORE, AFTER = 4000, 200
"""Clocks that the trace of a failure has on each side of it."""


class SimulationFailed(AssertionError):  # noqa: N818 - it is the verdict of a test
    """A test failed, none ran, or the simulator died; the message ends with the log's tail."""


@dataclass(frozen=True)
class Run:
    """What was run; its arguments and parameters stand in files beside it.

    Attributes
    ----------
    reason : str or None
        Why it is no good, empty where it is; None before there is a verdict.
    failed : tuple of str
        The tests that failed.
    checkout : str
        Of the sources, where several share a build folder.
    """

    factory: str
    test_module: str
    testcase: str | None
    seed: int
    env: Mapping[str, str]
    wall_seconds: float
    reason: str | None = None
    failed: Sequence[str] = ()
    checkout: str = ""

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """The run of this folder."""
        return cls(**json.loads((folder / RECORD).read_text()))

    def write(self, folder: Path) -> None:
        """Put it down, whole."""
        whole.write_text(folder / RECORD, json.dumps(asdict(self), indent=1) + "\n")


def simulate(
    factory: str,
    arguments: dict[str, Any] | None = None,
    *,
    test_module: str,
    testcase: str | None = None,
    seed: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    waves: bool = False,
    run_dir: Path | None = None,
    wall_seconds: float = 900,
    on_line: Callable[[str], None] | None = None,
    built: Build | None = None,
) -> Path:
    """Builds ``factory(**arguments)`` if needed and runs the cocotb tests of ``test_module`` on it.

    The environment's ``OCELLUS_WAVES`` asks for traces (docs/cosim.md): ``begin-end`` or ``1`` of every run,
    ``fail`` of each run that fails.

    Parameters
    ----------
    factory, arguments, waves
        As for `build`; a test reads the arguments as ``bench.arguments``.
    test_module
        Dotted name of the module with the cocotb tests.
    testcase
        Name of the one test to run; all by default.
    seed
        Of ``cocotb.RANDOM_SEED`` and of the random start values of uninitialised state; by default the environment's
        ``OCELLUS_SEED``, or drawn; always printed.
    parameters
        JSON data for the tests: ``bench.parameters``.
    env
        Further environment variables of the process.
    run_dir
        Folder of the run: results, log, traces; by default a new ``build/runs/<module>-<n>``; the environment's
        ``OCELLUS_RUNS`` takes the place of ``build/runs``.
    wall_seconds
        The process is killed after this many seconds of real time.
    on_line
        Called with each line that the process prints, as it comes.
    built
        What `build` gave for the same, where that is known already.

    Returns
    -------
    Path
        The run's folder.

    Raises
    ------
    SimulationFailed
        When a test failed, no test ran, or the process died or took too long.
    ToolError
        When the simulator could not be built.
    """
    if seed is None:
        seed = int(os.environ.get("OCELLUS_SEED") or secrets.randbelow(2**31 - 1) + 1)
    wish = Wish.read(os.environ.get("OCELLUS_WAVES", ""))
    if built is None or wish.window is not None:
        built = build(factory, arguments, waves=waves or wish.window is not None)
    folder = _run_folder(test_module.rpartition(".")[2]) if run_dir is None else Path(run_dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "arguments.pickle").write_bytes(pickle.dumps(arguments or {}))
    (folder / "parameters.json").write_text(json.dumps(dict(parameters or {}), indent=1))
    for left in LEFT:
        (folder / left).unlink(missing_ok=True)
    run = Run(factory, test_module, testcase, seed, dict(env or {}), wall_seconds, checkout=str(CHECKOUT))
    run.write(folder)
    print(f"{test_module}: seed {seed}, run {short(folder)}", flush=True)
    given = wish.window.environment("waves.fst", leave=False) if wish.window else {}
    status = _execute(built, run, folder, given, on_line)
    collect(built.folder, folder)
    traces.finish(folder, built.folder / "top.v", wish.window)
    if wish.window:
        trace = folder / "waves.fst"
        print(traces.show(trace, start=False) if trace.exists() else f"no trace: clock {wish.window.begin} never came")
    reason, failed = judge(folder, status)
    replace(run, reason=reason, failed=failed).write(folder)
    if not reason:
        return folder
    log = folder / LOG
    message = f"{test_module}, seed {seed}: {reason}; {short(log)} ends:\n{toolchain.tail(log, 60)}"
    if wish.failure:
        message += "\n" + _told(folder)
    raise SimulationFailed(message)


def failure(folder: Path) -> Window | None:
    """The last clocks of the test that failed first in this run; None where it had none."""
    run, had = Run.read(folder), passages(folder)
    window = next((w for test, w in had if test in run.failed), had[-1][1] if had else Window(0, 0))
    return Window(max(window.begin, window.end - BEFORE), window.end) if window.end > window.begin else None


def trace_of_failure(folder: Path) -> Path:
    """Runs a failed run again up to what failed first, traced at its end: ``fail.fst``; raises as `retrace` does."""
    window = failure(folder)
    if window is None:
        raise SimulationFailed("no trace: not one clock had passed when it failed")
    return retrace(folder, window, window.end - 1)


def _told(folder: Path) -> str:
    """A line on the trace of a run that failed."""
    try:
        return f"trace: {traces.show(trace_of_failure(folder), start=False)}"
    except (SimulationFailed, toolchain.ToolError) as error:
        return str(error)


def retrace(
    folder: Path, window: Window, clock: int, part: str = "", on_line: Callable[[str], None] | None = None
) -> Path:
    """Runs the run of ``folder`` again to the end of ``window``, and leaves ``fail.fst`` and ``fail.gtkw`` there.

    Parameters
    ----------
    clock
        Where the marker stands.
    part
        The part of the design that failed, opened in the viewer.
    on_line
        As for `simulate`.

    Returns
    -------
    Path
        ``fail.fst``.

    Raises
    ------
    SimulationFailed
        When the simulator did not come as far as the window.
    ToolError
        When a simulator that can trace could not be built.
    """
    run = Run.read(folder)
    arguments = pickle.loads((folder / "arguments.pickle").read_bytes())
    built = build(run.factory, arguments, waves=True)
    # In a folder of its own: the files of the run that failed stay as they are.
    again = Path(tempfile.mkdtemp(prefix="trace-", dir=folder))
    try:
        for name in ("arguments.pickle", "parameters.json"):
            shutil.copyfile(folder / name, again / name)
        _execute(built, run, again, window.environment("fail.fst", leave=True), on_line)
        traces.finish(again, built.folder / "top.v", window, clock, part)
        if not (again / "fail.fst").exists():
            end = toolchain.tail(again / LOG, 30)
            raise SimulationFailed(f"the run with a trace did not come to clock {window.begin}; its log ends:\n{end}")
        for suffix in (".gtkw", ".fst"):
            (again / f"fail{suffix}").replace(folder / f"fail{suffix}")
    finally:
        shutil.rmtree(again, ignore_errors=True)
    return folder / "fail.fst"


def _run_folder(name: str) -> Path:
    runs = Path(os.environ.get("OCELLUS_RUNS") or build_root() / "runs").resolve()
    runs.mkdir(parents=True, exist_ok=True)
    n = 1 + max((int(p.name.rpartition("-")[2]) for p in runs.glob(f"{name}-[0-9]*")), default=0)
    while True:
        with contextlib.suppress(FileExistsError):
            (runs / f"{name}-{n}").mkdir()
            return runs / f"{name}-{n}"
        n += 1


def _execute(
    built: Build, run: Run, folder: Path, given: Mapping[str, str], on_line: Callable[[str], None] | None
) -> int | str:
    env = cocotb_environment(run.test_module, run.testcase, run.seed, folder / RESULTS)
    env |= {"OCELLUS_RUN": str(folder), **run.env, **given}
    # Verilator wants a seed of 1 to 2**31 - 1; +2 starts uninitialised state at random values.
    command = [str(built.simulator), "+verilator+rand+reset+2", f"+verilator+seed+{run.seed % (2**31 - 1) + 1}"]
    return execute(command, folder, env, run.wall_seconds, on_line)
