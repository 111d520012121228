"""What did not pass, each with what one needs to go after it: message, picture, files, and what to type."""

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .reading import Outcome, Run

CROP = "crop.png"
_LEAST, _MOST_BYTES = b"\x89PNG", 2_000_000
PICTURES = 60
"""Pictures in one page; what comes after these links to its files."""
FILES = 40
"""Of one run that are listed."""
UNFINISHED = "It left no result: the campaign was stopped, or killed, before this run had ended."


@dataclass(frozen=True)
class Failure:
    """One run that did not pass.

    Attributes
    ----------
    title : str
        What happened in a line.
    message : str
        All that was said.
    place : list of (str, str)
        Stage, frame, clock and so on, by name.
    picture : str
        The crop as a data URI, or empty.
    files : list of (str, str)
        Name and address, from the campaign's folder.
    tests : list of (str, str)
        Of a stage: name and message of each test that failed.
    """

    run: Run
    outcome: Outcome
    title: str
    message: str
    repeat: str
    place: Sequence[tuple[str, str]]
    picture: str
    files: Sequence[tuple[str, str]]
    tests: Sequence[tuple[str, str]]


def failures(runs: Iterable[Run], home: Path) -> list[Failure]:
    """All of them: differences first, then errors, then runs without a result."""
    order = ("failed", "error", "no result")
    bad = sorted((run for run in runs if run.outcome != "passed"), key=lambda run: order.index(run.outcome))
    return [_failure(run, home, with_picture=number < PICTURES) for number, run in enumerate(bad)]


def _failure(run: Run, home: Path, with_picture: bool) -> Failure:
    message = run.result.message if run.result else UNFINISHED
    again = run.result.repeat if run.result else f"make regress OUT={run.home}"
    title = next((line for line in message.splitlines() if line.strip()), "It said nothing.")
    tests = [(test["name"], test["message"]) for test in run.tests if test["status"] == "failed"]
    files = _files(run, home)
    return Failure(
        run, run.outcome, title, message, again, _place(run), _picture(run) if with_picture else "", files, tests
    )


def _place(run: Run) -> list[tuple[str, str]]:
    first = run.facts.get("first_difference") or {}
    names = ("stage", "frame", "seed", "clock", "want", "got")
    return [(name, f"{first[name]}") for name in names if first.get(name) is not None]


def _picture(run: Run) -> str:
    name = (run.facts.get("first_difference") or {}).get("crop") or CROP
    path = next(iter(sorted(run.folder.rglob(Path(str(name)).name))), None) if run.folder else None
    if path is None or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return ""
    data = path.read_bytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}" if data.startswith(_LEAST) else ""


def _files(run: Run, home: Path) -> list[tuple[str, str]]:
    if run.folder is None:
        return []
    found = sorted(path for path in run.folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(run.folder)), address(path, home)) for path in found[:FILES]]


def address(path: Path, home: Path) -> str:
    """Of a file, from the page in ``home``."""
    return quote(os.path.relpath(path, home))
