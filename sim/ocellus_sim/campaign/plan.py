"""The test plan: what the sensor must do and what shows it, read from ``tb/testplan.toml``."""

import ast
import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocellus.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
PLAN = ROOT / "tb" / "testplan.toml"
SUITES = ("smoke", "nightly", "weekly")
STATUSES = ("done", "partly", "missing")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Stage:
    """The tests under ``tb/<name>``.

    Attributes
    ----------
    seconds : float
        What they take, about, on two cores when nothing is built yet.
    seeds : mapping
        How many, by suite.
    """

    name: str
    seconds: float
    seeds: Mapping[str, int]


@dataclass(frozen=True)
class NamedRun:
    """A run of the whole sensor.

    Attributes
    ----------
    shows : str
        What it is for.
    variables : mapping
        Of `make sim`; paths are relative to the project's folder.
    seed : int
        Of the first frame.
    frames : mapping
        How many, by suite.
    """

    name: str
    shows: str
    variables: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    frames: Mapping[str, int] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        """Files that it needs."""
        return [self.variables[name] for name in ("FRAME", "MODEL") if name in self.variables]


@dataclass(frozen=True)
class Feature:
    """Something that the sensor must do.

    Attributes
    ----------
    tests : sequence of str
        What shows it: ``<stage>::<function>``, or the name of a run.
    status : str
        ``done``, ``partly``, ``missing``: what is there, not whether it passes.
    """

    stage: str
    feature: str
    tests: Sequence[str]
    status: str


@dataclass(frozen=True)
class Plan:
    """All of it, in the order of the file."""

    stages: Sequence[Stage]
    runs: Sequence[NamedRun]
    features: Sequence[Feature]

    @classmethod
    def read(cls, path: Path = PLAN) -> "Plan":
        """The plan of a file; the tests that it names are looked for beside it.

        :class:`BadInput` names the entry, what was found and what is allowed.
        """
        try:
            data = tomllib.loads(path.read_text())
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadInput(f"{path.name}: found no readable test plan ({error}), allowed a TOML file") from None
        _keys(data, path.name, {"stage", "test", "feature"}, required=set())
        plan = cls(
            [_stage(entry, path) for entry in _entries(data, "stage", path)],
            [_run(entry, path) for entry in _entries(data, "test", path)],
            [_feature(entry, path) for entry in _entries(data, "feature", path)],
        )
        plan._check(path)
        return plan

    def _check(self, path: Path) -> None:
        """Names are unique, and what is named is there."""
        for what, names in (
            ("stage", [stage.name for stage in self.stages]),
            ("test", [run.name for run in self.runs]),
            ("feature", [f"{feature.stage}: {feature.feature}" for feature in self.features]),
        ):
            for name in sorted({name for name in names if names.count(name) > 1}):
                raise BadInput(f"{path.name}: {what} {name!r}: found {names.count(name)} times, allowed once")
        stages, runs = {stage.name for stage in self.stages}, {run.name for run in self.runs}
        for name in sorted(stages & runs):
            raise BadInput(f"{path.name}: test {name!r}: found the name of a stage, allowed another name")
        for stage in self.stages:
            if not functions(path.parent / stage.name):
                raise BadInput(f"{path.name}: stage {stage.name!r}: found no tests in {path.parent.name}/{stage.name}")
        for feature in self.features:
            where = f"{path.name}: feature {feature.feature!r}"
            if feature.stage not in stages:
                raise BadInput(f"{where}: found stage {feature.stage!r}, allowed {', '.join(sorted(stages))}")
            for test in feature.tests:
                stage, is_function, name = test.partition("::")
                if is_function and stage not in stages:
                    raise BadInput(f"{where}: found stage {stage!r} in {test!r}, allowed {', '.join(sorted(stages))}")
                if is_function and name not in functions(path.parent / stage):
                    raise BadInput(f"{where}: found {test!r}, which is no test in {path.parent.name}/{stage}")
                if not is_function and test not in runs:
                    raise BadInput(f"{where}: found test {test!r}, allowed <stage>::<function> and the name of a run")


@functools.cache
def functions(folder: Path) -> frozenset[str]:
    """Names of the tests of a stage: pytest's functions and cocotb's tests, read from the text."""
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.parse(path.read_bytes(), filename=str(path)).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            pytests = path.name.startswith("test_") and node.name.startswith("test_")
            if pytests or any(ast.unparse(decorator).startswith("cocotb.test") for decorator in node.decorator_list):
                found.add(node.name)
    return frozenset(found)


def _entries(data: Mapping[str, Any], name: str, path: Path) -> Iterator[dict[str, Any]]:
    entries = data.get(name, [])
    if not (isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
        raise BadInput(f"{path.name}: {name}: found {type(entries).__name__}, allowed tables [[{name}]]")
    yield from entries


def _stage(entry: dict[str, Any], path: Path) -> Stage:
    where = f"{path.name}: stage {entry.get('name')!r}"
    _keys(entry, where, {"name", "seconds", "suites"}, required={"name", "seconds", "suites"})
    if type(entry["seconds"]) not in (int, float) or not 0 < entry["seconds"] < 1e6:
        raise BadInput(f"{where}: found seconds = {entry['seconds']!r}, allowed numbers above 0")
    return Stage(_name(entry, where), float(entry["seconds"]), _suites(entry["suites"], where))


def _run(entry: dict[str, Any], path: Path) -> NamedRun:
    where = f"{path.name}: test {entry.get('name')!r}"
    allowed = {"name", "shows", "variables", "seed", "suites"}
    _keys(entry, where, allowed, required={"name", "shows", "suites"})
    variables, seed = entry.get("variables", {}), entry.get("seed", 1)
    if not (isinstance(variables, dict) and all(isinstance(value, str) for value in variables.values())):
        raise BadInput(f"{where}: found variables = {variables!r}, allowed a table of strings")
    if own := {"SEED", "FRAMES"} & set(variables):
        raise BadInput(f"{where}: found {', '.join(sorted(own))} in variables, allowed in seed and suites")
    if type(seed) is not int or not 0 <= seed < 2**30:
        raise BadInput(f"{where}: found seed = {seed!r}, allowed whole numbers from 0 to {2**30 - 1}")
    return NamedRun(_name(entry, where), _text(entry, "shows", where), variables, seed, _suites(entry["suites"], where))


def _feature(entry: dict[str, Any], path: Path) -> Feature:
    where = f"{path.name}: feature {entry.get('feature')!r}"
    keys = {"stage", "feature", "tests", "status"}
    _keys(entry, where, keys, required=keys)
    tests, status = entry["tests"], entry["status"]
    if not (isinstance(tests, list) and all(isinstance(test, str) for test in tests)):
        raise BadInput(f"{where}: found tests = {tests!r}, allowed a list of names")
    if len(set(tests)) < len(tests):
        raise BadInput(f"{where}: found a test twice, allowed once")
    if status not in STATUSES:
        raise BadInput(f"{where}: found status {status!r}, allowed {', '.join(STATUSES)}")
    if bool(tests) == (status == "missing"):
        raise BadInput(
            f"{where}: found {len(tests)} tests and status {status!r}, allowed none where it is missing alone"
        )
    return Feature(_text(entry, "stage", where), _text(entry, "feature", where), tuple(tests), status)


def _keys(entry: Mapping[str, Any], where: str, allowed: set[str], required: set[str]) -> None:
    if unknown := set(entry) - allowed:
        raise BadInput(f"{where}: found {', '.join(sorted(unknown))}, allowed {', '.join(sorted(allowed))}")
    if lacking := required - set(entry):
        raise BadInput(f"{where}: found no {', '.join(sorted(lacking))}, allowed entries with all of them")


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    if not (isinstance(entry[key], str) and entry[key].strip()):
        raise BadInput(f"{where}: found {key} = {entry[key]!r}, allowed text")
    return entry[key]


def _name(entry: Mapping[str, Any], where: str) -> str:
    name = _text(entry, "name", where)
    if not NAME.fullmatch(name):
        raise BadInput(f"{where}: found this name, allowed small letters, digits and single hyphens")
    return name


def _suites(counts: Any, where: str) -> dict[str, int]:
    if not isinstance(counts, dict):
        raise BadInput(f"{where}: found suites = {counts!r}, allowed a table of counts")
    if unknown := set(counts) - set(SUITES):
        raise BadInput(f"{where}: found suites {', '.join(sorted(unknown))}, allowed {', '.join(SUITES)}")
    if not all(type(count) is int and 0 < count <= 100_000 for count in counts.values()):
        raise BadInput(f"{where}: found suites = {counts!r}, allowed whole numbers from 1 to 100000")
    return dict(counts)
