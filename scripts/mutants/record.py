"""What is known of each mutant: lines in a file while a campaign runs, one file and a table at its end."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.tools import ROOT

from .design import Mutant
from .trials import Verdict

KEPT = ROOT / "build" / "mutants.json"
EXPLAINED = ROOT / "tb" / "mutants.toml"
PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- written by `make mutate ARGS=--page`: begin -->\n", "<!-- end -->\n"
HEADINGS = (
    "stage",
    "mutants",
    "killed",
    "by a test",
    "simulator died",
    "timeout",
    "survived",
    "explained",
    "killed of the others",
)


@dataclass(frozen=True)
class Found:
    """A mutant and its last verdict."""

    mutant: Mutant
    verdict: Verdict

    @property
    def killed(self) -> bool:
        """Whether the tests noticed."""
        return self.verdict.fate != "survived"


class Ledger:
    """Verdicts of one build and its tests, a line each; one cut off by a crash counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[tuple[int, str], Verdict]:
        """By mutant and name of the trial."""
        found = {}
        for line in self._path.read_text().splitlines() if self._path.exists() else []:
            try:
                said = json.loads(line)
                found[said["verdict"]["number"], said["trial"]] = Verdict(**said["verdict"])
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def add(self, trial: str, verdict: Verdict) -> None:
        """Append one."""
        with self._path.open("a") as file:
            file.write(json.dumps({"trial": trial, "verdict": asdict(verdict)}) + "\n")


def explanations() -> dict[tuple[str, str], str]:
    """Why a mutant that survives is no fault, by stage and mutant."""
    if not EXPLAINED.exists():
        return {}
    return {
        (stage, name): why
        for stage, known in tomllib.loads(EXPLAINED.read_text()).items()
        for name, why in known.items()
    }


def summary(found: Iterable[Found]) -> list[tuple[str, ...]]:
    """The table's lines, the sum last."""
    found = list(found)
    known = explanations()
    lines = []
    for stage in [*dict.fromkeys(f.mutant.stage for f in found), "all"]:
        of = [f for f in found if stage in ("all", f.mutant.stage)]
        fates = [f.verdict.fate for f in of]
        killed = sum(f.killed for f in of)
        explained = sum(not f.killed and (f.mutant.stage, f.mutant.id) in known for f in of)
        rest = len(of) - explained
        figures = (
            len(of),
            killed,
            *(fates.count(name) for name in ("failed", "died", "timeout", "survived")),
            explained,
        )
        lines.append((stage, *map(str, figures), f"{100 * killed / rest:.1f} %" if rest else "-"))
    return lines


def keep(found: Iterable[Found], complete: bool, seed: int) -> None:
    """`build/mutants.json`, whole or not at all."""
    found = list(found)
    known = explanations()
    survivors = [
        {
            **{name: value for name, value in asdict(f.mutant).items() if name not in ("number", "places")},
            "id": f.mutant.id,
            "place": f.mutant.places[0] if f.mutant.places else "",
            "places": list(f.mutant.places),
            "explained": known.get((f.mutant.stage, f.mutant.id)),
        }
        for f in found
        if not f.killed
    ]
    told = {
        "mutants": len(found),
        "killed": sum(f.killed for f in found),
        "survivors": survivors,
        "stages": {line[0]: dict(zip(HEADINGS[1:], line[1:], strict=True)) for line in summary(found)},
        "complete": complete,
        "seed": seed,
    }
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    part = KEPT.with_suffix(".part")
    part.write_text(json.dumps(told, indent=1) + "\n")
    part.replace(KEPT)


def write_page(found: Iterable[Found], seed: int) -> None:
    """The table of the page, between its marks, and each survivor with what is said of it."""
    found = list(found)
    known = explanations()
    rows = [HEADINGS, ("---",) * len(HEADINGS), *summary(found)]
    text = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    text += f"\nSeed {seed}.\n\n| stage | survivor | place | why no test can see it |\n|---|---|---|---|\n"
    for f in found:
        if not f.killed:
            why = known.get((f.mutant.stage, f.mutant.id), "not explained")
            place = f.mutant.places[0] if f.mutant.places else ""
            text += f"| {f.mutant.stage} | `{f.mutant.id}` | {place.removeprefix('hdl/ocellus_hdl/')} | {why} |\n"
    page = PAGE.read_text()
    before, _, after = page.partition(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + after.partition(END)[2])
