"""Runs of a simulator: cocotb in a process of its own, judged by its results file, its status and a wall clock."""

import contextlib
import json
import os
import pickle
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ocellus_sim.cosim import toolchain, verilog
from ocellus_sim.cosim.builds import build, build_root


class SimulationFailed(AssertionError):  # noqa: N818 - it is the verdict of a test
    """A test failed, none ran, or the simulator died; the message ends with the log's tail."""


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
) -> Path:
    """Builds ``factory(**arguments)`` if needed and runs the cocotb tests of ``test_module`` on it.

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
        Folder of the run: results, log, traces; by default a new ``build/runs/<module>-<n>``.
    wall_seconds
        The process is killed after this many seconds of real time.
    on_line
        Called with each line that the process prints, as it comes.

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
    built = build(factory, arguments, waves=waves)
    folder = _run_folder(test_module.rpartition(".")[2]) if run_dir is None else Path(run_dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "arguments.pickle").write_bytes(pickle.dumps(arguments or {}))
    (folder / "parameters.json").write_text(json.dumps(dict(parameters or {}), indent=1))
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    print(f"{test_module}: seed {seed}, run {_short(folder)}", flush=True)
    status = _execute(
        # Verilator wants a seed of 1 to 2**31 - 1; +2 starts uninitialised state at random values.
        [str(built.simulator), "+verilator+rand+reset+2", f"+verilator+seed+{seed % (2**31 - 1) + 1}"],
        folder,
        _cocotb_environment(test_module, testcase, seed, results) | {"OCELLUS_RUN": str(folder)} | dict(env or {}),
        wall_seconds,
        on_line,
    )
    _judge(folder, results, status, f"{test_module}, seed {seed}")
    return folder


def _short(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _run_folder(name: str) -> Path:
    runs = build_root() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    n = 1 + max((int(p.name.rpartition("-")[2]) for p in runs.glob(f"{name}-[0-9]*")), default=0)
    while True:
        with contextlib.suppress(FileExistsError):
            (runs / f"{name}-{n}").mkdir()
            return runs / f"{name}-{n}"
        n += 1


def _cocotb_environment(test_module: str, testcase: str | None, seed: int, results: Path) -> dict[str, str]:
    """What cocotb's own runner hands to a simulator."""
    import find_libpython

    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise toolchain.ToolError("cocotb needs a shared libpython, and none was found (Debian package libpython3.11).")
    env = toolchain.environment()
    env |= {
        "COCOTB_TOPLEVEL": verilog.TOP,
        "COCOTB_TEST_MODULES": test_module,
        "COCOTB_RANDOM_SEED": str(seed),
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": f"{libpython};{toolchain.cocotb_entry()},initialize",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONUNBUFFERED": "1",
    }
    if testcase is not None:
        env["COCOTB_TEST_FILTER"] = rf"\.{testcase}(/|$)"
    return env


def _execute(
    command: list[str], folder: Path, env: dict[str, str], wall_seconds: float, on_line: Callable[[str], None] | None
) -> int | str:
    """Status of the process, or a word on why it was stopped; its output goes to ``simulation.log``."""
    with (folder / "simulation.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(wall_seconds, stop)
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    return f"was killed after {wall_seconds:g} s" if late.is_set() else status


def _judge(folder: Path, results: Path, status: int | str, what: str) -> None:
    def fail(reason: str) -> None:
        log = folder / "simulation.log"
        raise SimulationFailed(f"{what}: {reason}; {_short(log)} ends:\n{toolchain.tail(log, 60)}")

    if isinstance(status, str):
        fail(f"the simulator {status}")
    elif status < 0:
        fail(f"the simulator died of {signal.Signals(-status).name}")
    if not results.exists():
        fail(f"the simulator ended with status {status} and left no results")
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    failed = [c.get("name", "?") for c in cases if c.find("failure") is not None or c.find("error") is not None]
    if failed:
        fail(f"{len(failed)} of {len(cases)} tests failed ({', '.join(failed)})")
    if not any(c.find("skipped") is None for c in cases):
        fail("no test ran")
    if status != 0:
        fail(f"the simulator ended with status {status}")
