"""Makes .venv and installs a lock file and the package itself, editable: `python scripts/environment.py run|dev`.

Runs on the bare interpreter, before anything is installed; scripts/prepare.sh decides whether it is needed.
"""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PIP = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def show(done: int, total: int, name: str) -> None:
    """One line that fills up on a terminal; nothing where no one watches."""
    if sys.stderr.isatty():
        bar = "━" * (24 * done // total)
        print(f"\r  {bar:<24} {done:>2}/{total} {name:<28}", end="", file=sys.stderr, flush=True)


def install(lock: Path) -> None:
    """What the lock file names, checked against its hashes."""
    total = sum(not line.startswith((" ", "#")) and "==" in line for line in lock.read_text().splitlines())
    command = [*PIP, "install", "--require-hashes", "--only-binary", ":all:", "--progress-bar", "off", "-r", str(lock)]
    said: list[str] = []
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if line.startswith(("Collecting ", "Requirement already", "Ignoring ")):
                done += 1
                show(min(done, total), total, line.split()[1 if line.startswith("Coll") else -1].split("==")[0][:28])
            elif line.startswith("Installing collected"):
                show(total, total, "unpacking")
    if sys.stderr.isatty():
        print("\r" + " " * 64 + "\r", end="", file=sys.stderr, flush=True)
    if pip.returncode:
        sys.stderr.writelines(said[-12:])
        sys.exit(f"ocellus: pip could not install {lock.relative_to(ROOT)}; is PyPI reachable?")


def main() -> None:
    """Make, fill, and finish with the package itself."""
    kind = sys.argv[1]
    start = time.monotonic()
    print(f"ocellus: installing requirements/{kind}.lock into .venv with {sys.executable} (once)", file=sys.stderr)
    python = VENV / "bin" / "python"
    working = python.exists() and not subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode
    if not working:
        venv.create(VENV, clear=True, with_pip=True, symlinks=os.name == "posix")
    install(ROOT / "requirements" / f"{kind}.lock")
    editable = [*PIP, "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    if subprocess.run(editable).returncode:
        sys.exit("ocellus: pip could not install the package itself")
    print(f"ocellus: .venv is ready after {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
