"""A campaign's folder: made once, held by one process at a time, its results appended line by line."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput

from .job import Job, Result

CAMPAIGNS = Path("build/regress")
PLANNED, RESULTS, RUNS, LOCK = "campaign.json", "results.jsonl", "runs", "lock"


class NoRoom(RuntimeError):  # noqa: N818 - it is the disk's fault
    """A result could not be written; the message is a sentence for the user."""


def new(suite: str) -> Path:
    """A new folder for a campaign of ``suite``, never one that is there already."""
    CAMPAIGNS.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = CAMPAIGNS / f"{suite}-{number}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
        number += 1


def latest() -> Path | None:
    """The folder of the last campaign that was begun."""
    link = CAMPAIGNS / "latest"
    return link.resolve() if (link / PLANNED).is_file() else None


class Folder:
    """One campaign's folder, locked while it is open.

    :class:`BadInput` when something else lies there, or another campaign holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            inside = {entry.name for entry in path.iterdir()}
            if PLANNED not in inside and inside - {LOCK}:
                raise BadInput(
                    f"OUT: found {path}, which holds {min(inside)}, allowed a campaign's folder or a new one"
                )
            self._lock = (path / LOCK).open("a+")
        except OSError as error:
            raise BadInput(f"OUT: found {path} ({error.strerror}), allowed a campaign's folder or a new one") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            self._lock.close()
            raise BadInput(f"OUT: found {path}, which {holder} is filling, allowed a folder of its own") from None
        self._lock.truncate(0)
        self._lock.write(f"the campaign with process number {os.getpid()}")
        self._lock.flush()
        self._results = -1

    def close(self) -> None:
        """Let others have it."""
        if self._results >= 0:
            os.close(self._results)
        self._lock.close()

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def planned(self) -> dict[str, Any] | None:
        """What `plan` wrote; None in a new folder."""
        return planned(self.path)

    def plan(self, facts: Mapping[str, Any]) -> None:
        """Write ``campaign.json``, whole or not at all, and let ``latest`` point here where campaigns lie together."""
        part = self.path / f".{PLANNED}"
        with writing(part), part.open("w") as out:
            out.write(json.dumps(facts, indent=1) + "\n")
            out.flush()
            os.fsync(out.fileno())
        part.replace(self.path / PLANNED)
        if self.path.parent.resolve() == CAMPAIGNS.resolve():
            link = self.path.parent / f".latest-{os.getpid()}"
            link.unlink(missing_ok=True)
            link.symlink_to(self.path.name)
            link.replace(self.path.parent / "latest")

    def append(self, result: Result) -> None:
        """One more line, on the disk when this returns."""
        path = self.path / RESULTS
        with writing(path):
            if self._results < 0:
                self._results = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
                _cut(self._results)
            line = (result.line() + "\n").encode()
            if os.write(self._results, line) < len(line):
                raise NoRoom(f"{path}: found no room for a result, allowed a disk that is not full")
            os.fsync(self._results)


def planned(path: Path) -> dict[str, Any] | None:
    """``campaign.json`` of a folder; None where there is none, :class:`BadInput` where it is none."""
    try:
        facts = json.loads((path / PLANNED).read_text())
        for job in facts["jobs"]:
            Job.from_json(job)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"{path / PLANNED}: found {type(error).__name__} in it, allowed what a campaign wrote") from None
    return facts


def results(path: Path) -> dict[str, Result]:
    """The results of a folder by the names of their jobs: of two the first; lines that were cut off are none."""
    found: dict[str, Result] = {}
    with contextlib.suppress(FileNotFoundError), (path / RESULTS).open() as lines:
        for line in lines:
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
                if line.endswith("\n"):
                    result = Result.from_line(line)
                    found.setdefault(result.job.name, result)
    return found


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """The system's refusal as :class:`NoRoom`."""
    try:
        yield
    except OSError as error:
        raise NoRoom(f"{path}: found {error.strerror}, allowed a disk that can be written") from None


def _cut(file: int) -> None:
    """Take away what a crash left of a last line, lest the next one be glued to it."""
    size = os.fstat(file).st_size
    data = os.pread(file, size, 0)
    end = data.rfind(b"\n") + 1
    if end < size:
        os.ftruncate(file, end)
