"""Every verb of the Makefile sees to its environment first, and help and README tell them all."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
VERBS = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"help", "clean"}))
def test_a_verb_prepares_its_environment_and_goes_into_python(verb: str):
    command = ["make", "--dry-run", "--no-print-directory", verb]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.match(r"sh scripts/prepare\.sh (run|dev) && \.venv/bin/python (-m \w|scripts/)", said), said


def test_help_tells_every_verb():
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^make (\S+)", said.stdout, re.MULTILINE)) == {*VERBS}


def test_the_readme_tells_every_verb():
    text = (ROOT / "README.md").read_text()
    assert [verb for verb in VERBS if f"`{verb}`" not in text and f"make {verb}" not in text] == []
