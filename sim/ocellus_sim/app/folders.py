"""The folders of runs, and the result in each."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocellus_sim import whole

RUNS = Path("build/sim")
RESULT = "result.json"
"""Written last and in one step: a folder without it holds no whole run."""
GIVEN = "OCELLUS_RUN_FOLDER"


def run_folder(name: str) -> Path:
    """A new folder for a run, never one that is there already; or the one that the environment names."""
    if given := os.environ.get(GIVEN):
        folder = Path(given).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULT).unlink(missing_ok=True)  # of an earlier run: no result of this one
        return folder
    RUNS.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = RUNS / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder.resolve()


def discard(folder: Path) -> None:
    """The folder of a run that was refused."""
    if not os.environ.get(GIVEN):
        shutil.rmtree(folder, ignore_errors=True)


def point_latest(folder: Path) -> None:
    """``build/sim/latest`` leads to this run; put in place in one step, since two runs may end at once."""
    if folder.parent != RUNS.resolve():
        return
    link = folder.parent / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")


def write_result(folder: Path, content: Mapping[str, Any]) -> None:
    """result.json."""
    whole.write_text(folder / RESULT, json.dumps(content, indent=1) + "\n")
