"""What a user may choose for a campaign: the variables of `make regress`."""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import BadInput

from .plan import SUITES

EXECUTORS = ("local", "dask")
NAMES = (
    "SUITE", "SEEDS", "JOBS", "FILTER", "LIST", "RERUN", "OUT", "COV", "EXECUTOR", "SCHEDULER", "SHARD",
)  # fmt: skip
ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://[^\s/]+:[0-9]{1,5}/?")


@dataclass(frozen=True)
class Options:
    """One campaign.

    Attributes
    ----------
    seeds : int or None
        Seeds a test, instead of the suite's.
    jobs : int
        Runs at the same time, on this machine.
    filter : str
        Part of the names of the tests that are wanted.
    rerun : bool
        What did not pass, of ``out`` or of the last campaign.
    out : Path or None
        The campaign's folder; with ``rerun`` that of the one whose jobs did not pass.
    shard : pair of int
        ``(i, n)``: of the jobs, dealt like cards to n players, those of player i.
    given : mapping
        The variables that were set.
    """

    suite: str = "smoke"
    seeds: int | None = None
    jobs: int = 1
    filter: str = ""
    list_only: bool = False
    rerun: bool = False
    out: Path | None = None
    coverage: bool = False
    executor: str = "local"
    scheduler: str = ""
    shard: tuple[int, int] = (1, 1)
    given: tuple[tuple[str, str], ...] = ()

    def go_on(self, path: Path) -> str:
        """What to type for the rest of the campaign in the folder, where these options had it done."""
        where = [(name, value) for name, value in self.given if name in ("JOBS", "EXECUTOR", "SCHEDULER")]
        return " ".join(["make regress", *(f"{name}={shlex.quote(value)}" for name, value in where), f"OUT={path}"])

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Options":
        """Options from variables such as the environment's; empty ones count as not set.

        :class:`BadInput` names the variable, what was found and what is allowed.
        """
        given = {name: variables[name] for name in NAMES if variables.get(name)}
        options = cls(
            suite=_choice(given, "SUITE", SUITES),
            seeds=_number("SEEDS", given["SEEDS"], 1, 100_000) if "SEEDS" in given else None,
            jobs=_number("JOBS", given["JOBS"], 1, 4096) if "JOBS" in given else len(os.sched_getaffinity(0)),
            filter=given.get("FILTER", ""),
            list_only=_choice(given, "LIST", ("0", "1")) == "1",
            rerun=_choice(given, "RERUN", ("", "failed")) == "failed",
            out=Path(given["OUT"]) if "OUT" in given else None,
            coverage=_choice(given, "COV", ("0", "1")) == "1",
            executor=_choice(given, "EXECUTOR", EXECUTORS),
            scheduler=given.get("SCHEDULER", ""),
            shard=_shard(given.get("SHARD", "1/1")),
            given=tuple(given.items()),
        )
        options._check(given)
        return options

    def _check(self, given: Mapping[str, str]) -> None:
        """What one variable demands of another."""
        if self.executor == "dask" and not ADDRESS.fullmatch(self.scheduler):
            found = repr(self.scheduler) if self.scheduler else "none"
            raise BadInput(f"SCHEDULER: found {found}, allowed with EXECUTOR=dask an address such as tcp://host:8786")
        if self.executor != "dask" and self.scheduler:
            raise BadInput(f"SCHEDULER: found {self.scheduler!r}, allowed with EXECUTOR=dask alone")
        if self.executor == "dask" and "JOBS" in given:
            raise BadInput(
                f"JOBS: found {given['JOBS']!r}, allowed without EXECUTOR=dask: the scheduler knows its workers"
            )
        if self.rerun and (found := {"SUITE", "SEEDS", "SHARD", "COV", "FILTER"} & set(given)):
            raise BadInput(f"RERUN: found {', '.join(sorted(found))} beside it, allowed OUT and what runs the jobs")


def _choice(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """The first is what counts where nothing is given."""
    found = given.get(name, allowed[0])
    if found not in allowed:
        raise BadInput(f"{name}: found {found!r}, allowed {', '.join(filter(None, allowed))}")
    return found


def _number(name: str, text: str, low: int, high: int) -> int:
    # Not int() alone, which also takes "1_000", " 5 " and digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise BadInput(f"{name}: found {text!r}, allowed whole numbers from {low} to {high}")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    digits = all(part.isascii() and part.isdigit() and len(part) < 6 for part in (index, count))
    if not (slash and digits and 1 <= int(index) <= int(count)):
        raise BadInput(f"SHARD: found {text!r}, allowed i/n with i from 1 to n, such as 2/8")
    return int(index), int(count)
