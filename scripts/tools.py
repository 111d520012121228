"""Yosys, nextpnr and ecppack: the machine's own, or those of requirements/numbers.lock; how they are run."""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / "numbers" / "tools"
LOCK = ROOT / "requirements" / "numbers.lock"
POLL_S = 0.2

Telling = Callable[[str], None]


class ToolError(RuntimeError):
    """A tool gave up: most often, a design does not fit."""


def refuse(sentence: str) -> NoReturn:
    """What is wrong with what was asked for, on standard error; the exit status says so, too."""
    print(f"ocellus: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def prepare(console: Console) -> None:
    """Install requirements/numbers.lock into a folder of its own, once."""
    stamp, lock = TOOLS / "ready", LOCK.read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return
    with console.status("installing requirements/numbers.lock into build/numbers/tools (once)"):
        venv.create(TOOLS, clear=True, with_pip=True, symlinks=os.name == "posix")
        pip = [TOOLS / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        run = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCK])
    if run.returncode:
        refuse("pip could not install requirements/numbers.lock; is PyPI reachable?")
    stamp.write_text(lock)


def native(name: str) -> str | None:
    """The machine's own tool: what the environment names (YOSYS, NEXTPNR_ECP5, ECPPACK), or what is on PATH."""
    variable = name.upper().replace("-", "_")
    if asked := os.environ.get(variable):
        if found := shutil.which(asked):
            return found
        refuse(f"{variable}: found {asked!r}, which is no program; allowed is one, or nothing")
    return shutil.which(name)


def locked(name: str) -> str:
    """The tool of the lock."""
    return str(TOOLS / "bin" / f"yowasp-{name}")


def version(program: str) -> str:
    """What it says of itself, in a line."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True)
    lines = (said.stdout + said.stderr).strip().splitlines()
    return lines[0] if lines else "says no version"


def tool(
    name: str,
    arguments: list[str],
    log: Path,
    seconds: float | None = None,
    *,
    program: str | None = None,
    tell: Telling | None = None,
) -> bool:
    """Run a tool (the lock's, or ``program``) and keep what it prints, while it does; whether it ended in time.

    ``tell`` hears the last line that it printed, now and then. :class:`ToolError` with the last lines if it fails.
    """
    command = [program or locked(name), *arguments]
    begin = time.monotonic()
    with log.open("w") as file:
        run = subprocess.Popen(command, cwd=log.parent, stdout=file, stderr=subprocess.STDOUT)
        try:
            while run.poll() is None:
                if seconds is not None and time.monotonic() - begin > seconds:
                    return False
                if tell is not None:
                    tell(last_line(log))
                time.sleep(POLL_S)
        finally:
            if run.poll() is None:
                run.kill()
                run.wait()
    if run.returncode:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise ToolError(f"{tail}\n{name} ended with status {run.returncode}; all it said is in {log}")
    return True


def last_line(log: Path, most: int = 4096) -> str:
    """Of what a log holds by now."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - most))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
