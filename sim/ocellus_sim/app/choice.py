"""What TEST= names: a run of the test plan, which is a set of variables, or a stage's own tests."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import BadInput
from ocellus_sim.campaign.plan import ROOT, Plan, functions
from ocellus_sim.typed import nearest

from .options import Options


@dataclass(frozen=True)
class StageTests:
    """The tests under ``tb/<stage>``, or the one ``function`` of them."""

    stage: str
    function: str = ""

    @property
    def folder(self) -> Path:
        """Where they are."""
        return ROOT / "tb" / self.stage

    def targets(self) -> list[str]:
        """What pytest is given. A test of cocotb runs with the whole stage: pytest does not know it."""
        for path in sorted(self.folder.glob("test_*.py")):
            if self.function and f"\ndef {self.function}(" in path.read_text():
                return [f"{path.relative_to(ROOT)}::{self.function}"]
        return [str(self.folder.relative_to(ROOT))]


def choose(variables: Mapping[str, str]) -> Options | StageTests:
    """What a user wants run; :class:`BadInput` for what is not there or not allowed."""
    name = variables.get("TEST", "")
    if not name:
        return Options.read(variables)
    plan = Plan.read()
    if named := next((run for run in plan.runs if run.name == name), None):
        own = dict(named.variables) | {"SEED": str(named.seed)}
        own |= {key: str(ROOT / own[key]) for key in ("FRAME", "MODEL") if key in own}
        return Options.read(variables, own)
    stage, has_function, function = name.partition("::")
    stages = [stage.name for stage in plan.stages]
    if stage not in stages:
        groups = [("runs", [run.name for run in plan.runs]), ("tests of", stages)]
        # The group with the name that looks most like what was typed comes first.
        groups.sort(key=lambda group: -max(difflib.SequenceMatcher(None, stage, known).ratio() for known in group[1]))
        listed = "; ".join(f"{what}: {', '.join(nearest(stage, sorted(names)))}" for what, names in groups)
        raise BadInput(f"TEST: found {name!r}, allowed {listed}")
    tests = StageTests(stage, function)
    known = functions(tests.folder)
    if has_function and function not in known:
        raise unknown("TEST", name, [f"{stage}::{test}" for test in known])
    return tests


def unknown(variable: str, found: str, allowed: Iterable[str]) -> BadInput:
    """Every name that is allowed, those first that look like what was typed."""
    return BadInput(f"{variable}: found {found!r}, allowed {', '.join(nearest(found, sorted(allowed)))}")
