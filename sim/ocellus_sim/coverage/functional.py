"""Functional coverage: situations that the tests have to meet, as tb/coverage.toml names them, and those that they met.

Benches and runs say by themselves what they saw; each run leaves it as ``situations.jsonl`` in its folder, a line a
situation when it is met first.
"""

import functools
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PLAN = Path(__file__).resolve().parents[3] / "tb" / "coverage.toml"
RUN_FILE = "situations.jsonl"

Situation = tuple[str, str]
"""A group and one of its points."""
Hits = dict[str, dict[str, int]]
"""By group and point: in how many tests it was met."""


class UnknownPoint(AssertionError):  # noqa: N818 - it is the verdict of a test
    """A test met a situation that tb/coverage.toml does not name."""


@dataclass(frozen=True)
class Group:
    """Situations of one kind.

    Attributes
    ----------
    points : mapping
        What each means, by its name.
    """

    name: str
    title: str
    points: Mapping[str, str]


@functools.cache
def groups() -> dict[str, Group]:
    """What has to be met, by name; empty where the tests are not there."""
    if not PLAN.exists():
        return {}
    found = tomllib.loads(PLAN.read_text()).get("group", [])
    return {group["name"]: Group(group["name"], group["title"], group["points"]) for group in found}


def check(situation: Situation) -> None:
    """Raise :class:`UnknownPoint` for one that tb/coverage.toml does not name."""
    known = groups()
    group, point = situation
    if known and (group not in known or point not in known[group].points):
        raise UnknownPoint(f"tb/coverage.toml: found no point {point!r} of a group {group!r}.")


class Notebook:
    """Writes down the situations of one test, each once."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / RUN_FILE
        self._seen: set[Situation] = set()

    def note(self, situations: Iterable[Situation]) -> None:
        """These were met now."""
        fresh = {situation for situation in situations if situation not in self._seen}
        if not fresh:
            return
        for situation in fresh:
            check(situation)
        self._seen |= fresh
        with self._path.open("a") as file:
            file.write("".join(json.dumps(situation) + "\n" for situation in sorted(fresh)))


def cover(situations: Iterable[Situation]) -> None:
    """Say outside a simulator that situations were met; kept where ``OCELLUS_COVERED`` names a folder."""
    met = list(situations)
    for situation in met:
        check(situation)
    if folder := os.environ.get("OCELLUS_COVERED"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        with (Path(folder) / f"tests-{os.getpid()}-{RUN_FILE}").open("a") as file:
            file.write("".join(json.dumps(situation) + "\n" for situation in met))


def gather(folder: Path) -> Hits:
    """All that the runs below a folder met, the groups and points of tb/coverage.toml first, also those never met."""
    hits: Hits = {name: dict.fromkeys(group.points, 0) for name, group in groups().items()}
    for path in sorted(folder.rglob(f"*{RUN_FILE}")):
        for line in path.read_text().splitlines():
            group, point = json.loads(line)
            found = hits.setdefault(group, {})
            found[point] = found.get(point, 0) + 1
    return hits


def added(all_hits: Iterable[Mapping[str, Mapping[str, int]]]) -> Hits:
    """The sum of several."""
    total: Hits = {}
    for hits in all_hits:
        for group, points in hits.items():
            found = total.setdefault(group, {})
            for point, number in points.items():
                found[point] = found.get(point, 0) + number
    return total
