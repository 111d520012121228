"""What a machine without a prerequisite is told: one sentence, the package, status 2."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "prerequisites.sh"
TOOLS = ("git", "make", "g++", "perl")
SHELL = ("sh", "dirname", "env")


def machine(folder: Path, without: str = "") -> dict[str, str]:
    """An environment whose PATH holds the tools but one."""
    for name in (*TOOLS, *SHELL):
        if name != without:
            found = shutil.which(name)
            assert found, f"this machine has no {name}"
            # A script rather than a link: g++ and perl find what belongs to them by their own name.
            (folder / name).write_text(f'#!/bin/sh\nexec {found} "$@"\n')
            (folder / name).chmod(0o755)
    python = os.path.realpath(sys.executable)
    return {"PATH": str(folder), "PYTHON": python, "HOME": str(folder)}


def ask(environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["/bin/sh", str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60)


def test_a_complete_machine_is_told_its_interpreter(tmp_path: Path):
    said = ask(machine(tmp_path))
    assert (said.returncode, said.stderr) == (0, "")
    assert Path(said.stdout.strip()).exists()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_missing_tool_is_named_with_its_package(tmp_path: Path, tool: str):
    said = ask(machine(tmp_path, without=tool))
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.startswith(f"ocellus: {tool} is missing: ")
    assert said.stderr.endswith(f"(Debian, Ubuntu: apt-get install {tool}).\n")
    assert said.stderr.count("\n") == 1


def test_a_missing_python_is_named_with_its_packages(tmp_path: Path):
    said = ask(machine(tmp_path) | {"PYTHON": "python3.99"})
    assert said.returncode == 2
    assert "python3.99 is missing" in said.stderr
    assert "python3-venv libpython3.11" in said.stderr


@pytest.mark.parametrize(
    ("change", "sentence", "package"),
    [
        ("sys.version_info = (3, 10, 0)", "is too old", "python3"),
        ("sys.modules['ensurepip'] = None", "cannot make virtual environments", "python3-venv"),
        ("os.path.exists = lambda path: False", "has no shared library libpython", "libpython3"),
        ("sys.version = 'another one'", "has no shared library libpython", "libpython3"),
    ],
)
def test_an_unsuitable_interpreter_says_what_it_lacks(change: str, sentence: str, package: str):
    program = f"import os, sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import interpreter; {change}; "
    said = subprocess.run(
        [sys.executable, "-c", program + "print(interpreter.complaint())"], capture_output=True, text=True, check=True
    ).stdout
    text, _, found = said.strip().partition("|")
    assert sentence in text
    assert found.startswith(package)
