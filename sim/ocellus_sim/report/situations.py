"""Functional coverage: the situations that the tests have to meet, and how often they were met."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import BadInput

from .reading import Run

POINTS = Path(__file__).resolve().parents[3] / "tb" / "coverage.toml"


@dataclass(frozen=True)
class Point:
    """A situation, what it means, and how often it was met."""

    name: str
    means: str
    hits: int


@dataclass(frozen=True)
class Group:
    """Situations of one kind."""

    name: str
    title: str
    points: Sequence[Point]

    @property
    def missed(self) -> list[Point]:
        """Never met."""
        return [point for point in self.points if not point.hits]

    @property
    def met(self) -> list[Point]:
        """Met, the rarest first."""
        return sorted((point for point in self.points if point.hits), key=lambda point: point.hits)


def hits(runs: Iterable[Run]) -> dict[str, dict[str, int]]:
    """By group and point: the sum over all runs with a result."""
    total: dict[str, dict[str, int]] = {}
    for run in runs:
        for group, points in (run.facts.get("coverage") or {}).items():
            found = total.setdefault(group, {})
            for point, number in points.items():
                found[point] = found.get(point, 0) + int(number)
    return total


def groups(runs: Iterable[Run], path: Path = POINTS) -> list[Group]:
    """Groups of tb/coverage.toml with what was met; then what was met and stands in no plan, under its own name."""
    found = hits(runs)
    planned = _planned(path)
    known = {
        name: Group(name, title, [Point(p, means, found.get(name, {}).get(p, 0)) for p, means in points.items()])
        for name, (title, points) in planned.items()
    }
    for name, points in found.items():
        title, meant = planned.get(name, (name, {}))
        more = [Point(point, "", number) for point, number in points.items() if point not in meant]
        if more:
            known[name] = Group(name, title, [*(known[name].points if name in known else ()), *more])
    return list(known.values())


def _planned(path: Path) -> dict[str, tuple[str, Mapping[str, str]]]:
    if not path.is_file():
        return {}
    try:
        entries = tomllib.loads(path.read_text()).get("group", [])
        return {entry["name"]: (entry["title"], entry["points"]) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path.name}: found {type(error).__name__} in it, allowed [[group]] tables") from None
