"""Line and branch coverage of the design, by stage and file, as Verilator counted them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocellus_sim.counted import count


@dataclass(frozen=True)
class Counted:
    """Lines and branches of a part of the design, and how many of them were reached."""

    name: str
    lines: int
    lines_hit: int
    branches: int
    branches_hit: int
    missed: Sequence[int] = ()
    untaken: str = ""

    @property
    def ranges(self) -> str:
        """The missed lines as people write them: ``4, 9-12``."""
        return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in _runs(self.missed))


@dataclass(frozen=True)
class Design:
    """All of it, each stage, and each stage's files, those with most left first."""

    total: Counted
    stages: Sequence[Counted]
    files: Mapping[str, Sequence[Counted]]

    @property
    def missed(self) -> str:
        """What was not reached, in words."""
        lines, branches = self.total.lines - self.total.lines_hit, self.total.branches - self.total.branches_hit
        return f"{count(lines, 'line')} and {branches:,} {'branch' if branches == 1 else 'branches'}"


def design(coverage: Mapping[str, Any] | None) -> Design | None:
    """From ``coverage.json``; None where nothing was counted."""
    if coverage is None:
        return None
    files: dict[str, list[Counted]] = {}
    for entry in coverage["files"]:
        if not (entry["lines"] or entry["branches"]):
            continue  # nothing in it to reach
        files.setdefault(entry.get("stage", ""), []).append(_counted(entry["file"], entry))
    for found in files.values():
        found.sort(key=lambda file: (file.lines_hit + file.branches_hit - file.lines - file.branches, file.name))
    return Design(_counted("all", coverage["total"]), [_sum(stage, found) for stage, found in files.items()], files)


def _counted(name: str, entry: Mapping[str, Any]) -> Counted:
    numbers = (int(entry[key]) for key in ("lines", "lines_hit", "branches", "branches_hit"))
    return Counted(name, *numbers, missed=tuple(sorted(set(entry.get("missed", ())))), untaken=_places(entry))


def _places(entry: Mapping[str, Any]) -> str:
    """Branches that were never taken: line, and which of them."""
    return ", ".join(f"{line} {branch}".strip() for line, branch in entry.get("missed_branches", ()))


def _sum(name: str, files: Sequence[Counted]) -> Counted:
    return Counted(
        name, sum(f.lines for f in files), sum(f.lines_hit for f in files), sum(f.branches for f in files),
        sum(f.branches_hit for f in files),
    )  # fmt: skip


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
