"""How often a run took each point of the gateware's source: Verilator's counts, by file, line and branch.

Every run of a build that counts leaves them as ``lines.json`` in its folder, whether its tests passed or not.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

RUN_FILE = "lines.json"
_VERILATOR = re.compile(r"^C '.*?\x01l\x02(\d+)\x01.*' (\d+)$")


class Point(NamedTuple):
    """A statement, or one way out of a condition, in a file by its path from the project's folder.

    ``branch`` is empty for a statement, ``taken``, ``not taken`` and ``else`` at `m.If` and its like, ``mux 1 is 0``
    and so on at `Mux`.
    """

    file: str
    line: int
    branch: str = ""


Counts = Mapping[Point, int]


def of_run(points: Path, verilator: Path) -> Counts:
    """The counts that Verilator wrote, for the points that the build's ``points.json`` names."""
    table = json.loads(points.read_text())
    counters = {int(line): number for line, number in table["counters"].items()}
    counted: dict[int, int] = {}
    for line in verilator.read_text().splitlines():
        if (found := _VERILATOR.match(line)) and (number := counters.get(int(found[1]))) is not None:
            counted[number] = counted.get(number, 0) + int(found[2])
    return {Point(p["file"], p["line"], p["branch"]): counted.get(p["counter"], 0) for p in table["points"]}


def keep(build: Path, run: Path) -> None:
    """Write a run's counts into its folder; nothing where the simulator was killed before it wrote any."""
    if (run / "coverage.dat").exists():
        save(of_run(build / "points.json", run / "coverage.dat"), run / RUN_FILE)


def save(counts: Counts, path: Path) -> None:
    """As JSON: for each file ``{"12": hits, "12 not taken": hits}``."""
    files: dict[str, dict[str, int]] = {}
    for point, hits in counts.items():
        files.setdefault(point.file, {})[f"{point.line} {point.branch}".rstrip()] = hits
    path.write_text(json.dumps(files))


def load(path: Path) -> Counts:
    """What `save` wrote."""
    found = {}
    for file, points in json.loads(path.read_text()).items():
        for name, hits in points.items():
            line, _, branch = name.partition(" ")
            found[Point(file, int(line), branch)] = hits
    return found


def total(all_counts: Iterable[Counts]) -> dict[Point, int]:
    """Of several runs, also of different tops: a point is there when one of them has it."""
    found: dict[Point, int] = {}
    for counts in all_counts:
        for point, hits in counts.items():
            found[point] = found.get(point, 0) + hits
    return found
