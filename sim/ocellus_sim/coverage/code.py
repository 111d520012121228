"""Line and branch coverage of the gateware's source: many runs' counts as one table, as JSON and for lcov."""

import ast
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput
from ocellus_sim.coverage import counts
from ocellus_sim.coverage.counts import Point

ROOT = Path(__file__).resolve().parents[3]
GATEWARE = "hdl/ocellus_hdl"
PLAN = "tb/coverage.toml"


@dataclass(frozen=True)
class FileCoverage:
    """One file of the gateware.

    Attributes
    ----------
    hits : mapping
        Of each point that counts, how often it was taken.
    excluded : mapping
        Points that cannot be taken, and why: they count as nothing.
    """

    file: str
    hits: Mapping[Point, int]
    excluded: Mapping[Point, str] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """The folder of the gateware that it lies in; what lies above them is the sensor's."""
        inner = Path(self.file).relative_to(GATEWARE).parts if self.file.startswith(f"{GATEWARE}/") else ("",)
        return inner[0] if len(inner) > 1 else "sensor"

    def missed(self, branches: bool) -> list[Point]:
        """Points never taken: branches, or statements."""
        return sorted(point for point, hits in self.hits.items() if hits == 0 and bool(point.branch) == branches)

    def count(self, branches: bool) -> int:
        """Branches, or statements."""
        return sum(bool(point.branch) == branches for point in self.hits)

    def as_json(self) -> dict[str, Any]:
        """As ``coverage.json`` has it."""
        return {
            "file": self.file, "stage": self.stage, **totals([self]),
            "missed": [point.line for point in self.missed(False)],
            "missed_branches": [[point.line, point.branch] for point in self.missed(True)],
            "excluded": [[*point[1:], why] for point, why in sorted(self.excluded.items())],
        }  # fmt: skip


def totals(files: Iterable[FileCoverage]) -> dict[str, int]:
    """Lines and branches of files together."""
    found = {"lines": 0, "lines_hit": 0, "branches": 0, "branches_hit": 0}
    for file in files:
        for name, branches in (("lines", False), ("branches", True)):
            found[name] += file.count(branches)
            found[f"{name}_hit"] += file.count(branches) - len(file.missed(branches))
    return found


def files(all_counts: Iterable[counts.Counts], under: str = GATEWARE) -> list[FileCoverage]:
    """Every file of the gateware that is part of a run.

    A statement that stands in such a file and is part of no design that ran counts as missed: no run had it.
    """
    by_file: dict[str, dict[Point, int]] = {}
    for point, hits in counts.total(all_counts).items():
        if point.file.startswith(f"{under}/"):
            by_file.setdefault(point.file, {})[point] = hits
    reasons = _exclusions()
    found = []
    for name, hits in sorted(by_file.items()):
        hits.update(dict.fromkeys(_never_built(name, hits), 0))
        # An exclusion that is taken after all is none.
        excluded = {point: why for point, why in _excluded(name, hits, reasons).items() if hits[point] == 0}
        found.append(FileCoverage(name, {p: n for p, n in hits.items() if p not in excluded}, excluded))
    return found


def _never_built(name: str, known: Iterable[Point]) -> list[Point]:
    lines = {point.line for point in known if not point.branch}
    calls = [
        node for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "eq"
    ]  # fmt: skip
    return [
        Point(name, node.func.end_lineno or node.lineno) for node in calls
        if lines.isdisjoint(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    ]  # fmt: skip


def _exclusions() -> list[dict[str, str]]:
    return tomllib.loads((ROOT / PLAN).read_text()).get("excluded", [])


def _excluded(name: str, points: Iterable[Point], reasons: Sequence[Mapping[str, str]]) -> dict[Point, str]:
    """Points of a file that tb/coverage.toml excludes: from the line with the text ``code`` to that with ``to``."""
    found = {}
    for reason in (reason for reason in reasons if reason["file"] == name):
        text = [line.strip() for line in (ROOT / name).read_text().splitlines()]
        if text.count(reason["code"]) != 1:
            raise BadInput(f"{PLAN}: found {text.count(reason['code'])} lines {reason['code']!r} in {name}, allowed 1")
        first = text.index(reason["code"])
        lines = range(first + 1, text.index(reason.get("to", reason["code"]), first) + 2)
        for point in points:
            if point.line in lines and reason.get("branch", point.branch) == point.branch:
                found[point] = reason["why"]
    return found


def merge(paths: Iterable[Path], out: Path, under: str = GATEWARE) -> dict[str, Any]:
    """Many runs' ``lines.json`` together: ``coverage.json`` in ``out``, and ``coverage.info`` for tools that read lcov.

    Returns
    -------
    dict
        What ``coverage.json`` holds: ``total`` and ``files``, each with ``lines``, ``lines_hit``, ``branches`` and
        ``branches_hit``; a file also with ``file``, ``stage``, ``missed`` (line numbers), ``missed_branches``
        and ``excluded``.
    """
    found = files((counts.load(path) for path in paths), under)
    summary = {"total": totals(found), "files": [file.as_json() for file in found]}
    out.mkdir(parents=True, exist_ok=True)
    (out / "coverage.json").write_text(json.dumps(summary, indent=1))
    (out / "coverage.info").write_text("".join(_lcov(file) for file in found))
    return summary


def run_files(folder: Path) -> list[Path]:
    """The ``lines.json`` of every run below a folder."""
    return sorted(folder.rglob(f"*{counts.RUN_FILE}"))


def _lcov(file: FileCoverage) -> str:
    """A file's record in lcov's tracefile format (geninfo's manual page, section FILES)."""
    lines = ["TN:", f"SF:{file.file}"]
    number = 0
    for point, hits in sorted(file.hits.items()):
        if point.branch:
            lines.append(f"BRDA:{point.line},0,{number},{hits}")
            number += 1
        else:
            lines.append(f"DA:{point.line},{hits}")
    sums = totals([file])
    lines += [
        f"BRF:{sums['branches']}",
        f"BRH:{sums['branches_hit']}",
        f"LF:{sums['lines']}",
        f"LH:{sums['lines_hit']}",
    ]
    return "\n".join([*lines, "end_of_record", ""])
