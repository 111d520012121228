"""The simulator's process: its environment, its end, and what is to be thought of what it left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from ocellus_sim.cosim import toolchain, verdicts, verilog

LOG, RESULTS = "simulation.log", "results.xml"

_running: set[subprocess.Popen[str]] = set()


def cocotb_environment(test_module: str, testcase: str | None, seed: int, results: Path) -> dict[str, str]:
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
        # A simulator looks for cocotb where it lay when it was built, which may have been moved, or another checkout's.
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, [str(toolchain.cocotb_libs()), env.get("LD_LIBRARY_PATH")])),
        # cocotb uses pytest for its assertions, and waits for every plugin that is installed.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    if testcase is not None:
        env["COCOTB_TEST_FILTER"] = rf"\.{testcase}(/|$)"
    return env


def execute(
    command: list[str], folder: Path, env: dict[str, str], wall_seconds: float, on_line: Callable[[str], None] | None
) -> int | str:
    """Status of the process, or a word on why it was stopped; what it prints goes to `LOG`, and to ``on_line``."""
    (folder / RESULTS).unlink(missing_ok=True)
    with (folder / LOG).open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        _running.add(process)
        late = threading.Event()

        def kill() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(wall_seconds, kill)
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
            _running.discard(process)
            if process.stdout is not None:
                process.stdout.close()
    return f"was killed after {wall_seconds:g} s" if late.is_set() else status


def stop() -> None:
    """Ends every simulator that this process has started, and does not wait for it."""
    for process in list(_running):
        process.kill()


def judge(folder: Path, status: int | str) -> tuple[str, list[str]]:
    """Why the run is no good, empty where it is, and the tests that failed."""
    if isinstance(status, str):
        return f"the simulator {status}", []
    if status < 0:
        return f"the simulator died of {signal.Signals(-status).name}", []
    results = folder / RESULTS
    if not results.exists():
        return f"the simulator ended with status {status} and left no results", []
    try:
        cases = list(ElementTree.parse(results).getroot().iter("testcase"))
    except ElementTree.ParseError as error:
        return f"the simulator left results that cannot be read: {error}", []
    verdicts.tell(cases)
    failed = [c.get("name", "?") for c in cases if c.find("failure") is not None or c.find("error") is not None]
    if failed:
        return f"{len(failed)} of {len(cases)} tests failed ({', '.join(failed)})", failed
    if not any(c.find("skipped") is None for c in cases):
        return "no test ran", []
    return (f"the simulator ended with status {status}" if status else ""), []
