"""`make faults`: bugs as people make them, one at a time in a copy of the gateware; is each found, and at its stage.

A check is worth something when it has been seen to fail. The faults are in fault_list.py. The copy, which comes before
the real package on the simulator's path, has all of the sensor's in it, and an input of the top that chooses one: it is
built once. Status 1 when a fault stays unseen or is blamed on another stage; 2 for a stage that is not known.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.fault_list import FAULTS, Fault

ROOT = Path(__file__).resolve().parent.parent
RUN = {"SIZE": "384x216", "CONFIG": "tiny", "SEED": "2", "MODE": "image+metadata"}
"""Small: a frame takes seconds."""
KEPT = ROOT / "build" / "bugs.json"
PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- written by `make faults ARGS=--page`: begin -->\n", "<!-- end of faults -->\n"
HEADINGS = ("fault in", "which", "reported at", "first difference")
WIDTH = 170
"""Of the table where no terminal has its own."""


@dataclass(frozen=True)
class Report:
    """What the checks said of a fault; of None, the gateware as it is."""

    fault: Fault | None
    stage: str
    message: str
    good: bool


CHOICE = """\"\"\"The fault that is at work, 0 for none.\"\"\"

from amaranth.hdl import Signal

MUTANT = Signal(16)
"""
IMPORTS = "from amaranth.hdl import Mux\nfrom ocellus_hdl.mutant import MUTANT\n"


def copy(place: Path) -> None:
    """The gateware."""
    shutil.copytree(ROOT / "hdl", place / "hdl", ignore=shutil.ignore_patterns("__pycache__"))


def edit(place: Path, file: str, change: Callable[[str], str]) -> None:
    """Another text for a file of the copy."""
    path = place / "hdl" / "ocellus_hdl" / file
    path.write_text(change(path.read_text()))


def put_all_in(place: Path) -> None:
    """Every fault that `make sim` is to show, and the input ``mutant`` of the sensor that chooses."""
    (place / "hdl" / "ocellus_hdl" / "mutant.py").write_text(CHOICE)
    files = {"sensor.py"}
    for number, fault in enumerate(FAULTS, 1):
        if not fault.tests:
            chooses = f"Mux(MUTANT == {number}, {{wrong}}, {{right}})"
            edit(place, fault.file, partial(fault.put_in, expression=chooses))
            files.add(fault.file)
    for file in files:
        edit(place, file, lambda text: text.replace("from amaranth", f"{IMPORTS}from amaranth", 1))
    port = ('"i_mode": In(2),\n', '"i_mode": In(2),\n            "mutant": In(16),\n')
    drive = ("        m.submodules.readout", "        m.d.comb += MUTANT.eq(self.mutant)\n        m.submodules.readout")
    edit(place, "sensor.py", lambda text: text.replace(*port, 1).replace(*drive, 1))


def run(fault: Fault | None, place: Path) -> Report:
    """The fault through the sensor, in the copy that has them all, or its stage's tests, in a copy of its own."""
    if fault is None or not fault.tests:
        exact, stage, message = _sensor(fault, place)
    else:
        with tempfile.TemporaryDirectory(prefix="ocellus-fault-") as own:
            copy(Path(own))
            edit(Path(own), fault.file, partial(fault.put_in, expression="{wrong}"))
            exact, stage, message = _tests(fault, Path(own))
    return Report(fault, stage, message, exact if fault is None else not exact and stage.startswith(fault.shows))


def _environment(place: Path) -> dict[str, str]:
    own = ("FRAMES", "FRAME", "MODEL", "WAVES", "ROI", "TEST", "OCELLUS_RUN_FOLDER", "OCELLUS_SIMULATOR")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return {"OCELLUS_BUILD": str(ROOT / "build")} | kept | {"PYTHONPATH": f"{place / 'hdl'}{os.pathsep}{ROOT}"}


def _sensor(fault: Fault | None, place: Path) -> tuple[bool, str, str]:
    """Whether the run was bit exact, the stage that it blames, and what it says."""
    number = FAULTS.index(fault) + 1 if fault else 0
    environment = _environment(place) | RUN | dict(fault.variables if fault else {}) | {"OCELLUS_MUTANT": str(number)}
    folder = place / str(number)
    folder.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "ocellus_sim.app"], cwd=folder, env=environment, capture_output=True, text=True
    )
    result = folder / "build" / "sim" / "latest" / "result.json"
    if not result.exists():
        return False, "-", next((line for line in ran.stderr.splitlines() if line.startswith("ocellus: ")), "no result")
    facts = json.loads(result.read_text())
    if facts["bit_exact"] != (ran.returncode == 0):
        return False, "-", f"status {ran.returncode} although bit_exact is {facts['bit_exact']}"
    first = facts["first_difference"] or {"stage": "-", "message": "equal in every stage"}
    return facts["bit_exact"], first["stage"], first["message"].splitlines()[0]


def _tests(fault: Fault, place: Path) -> tuple[bool, str, str]:
    """The same of the stage's tests in the simulator."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", fault.tests]
    ran = subprocess.run(command, cwd=ROOT, env=_environment(place), capture_output=True, text=True)
    failed = re.search(r"\d+ of \d+ tests failed \(.*?\)", ran.stdout)
    if ran.returncode == 1 and failed:
        return False, fault.tests, failed[0]
    return ran.returncode == 0, "-", "every test passes" if ran.returncode == 0 else "the tests did not run"


def rows(reports: Sequence[Report]) -> list[tuple[str, ...]]:
    """As the table shows them."""
    return [
        (r.fault.stage if r.fault else "none", r.fault.meaning if r.fault else "as it is", r.stage, r.message)
        for r in reports
    ]


def keep(reports: Sequence[Report], page: bool) -> None:
    """`build/bugs.json`, and the table of the page."""
    names = ("stage", "meaning", "reported_at", "message")
    told = [
        {**dict(zip(names, row, strict=True)), "as_it_should": report.good}
        for row, report in zip(rows(reports), reports, strict=True)
    ]
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(told, indent=1) + "\n")
    if page:
        lines = [HEADINGS, ("---",) * len(HEADINGS), *((*row[:3], f"`{row[3]}`") for row in rows(reports))]
        before, _, after = PAGE.read_text().partition(BEGIN)
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        PAGE.write_text(before + BEGIN + text + END + after.partition(END)[2])


def main() -> int:
    """The gateware as it is, else nothing is said of faults; then each: 1 when one is not found where it is."""
    stages = list(dict.fromkeys(fault.stage for fault in FAULTS))
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(stages)}; all without")
    parser.add_argument("--jobs", type=int, default=2, choices=range(1, 65), metavar="N", help="at the same time")
    parser.add_argument("--page", action="store_true", help=f"write the table of {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if unknown := [stage for stage in options.stages if stage not in stages]:
        parser.error(f"stages: found {unknown[0]}; allowed are {', '.join(stages)}")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    chosen = [fault for fault in FAULTS if not options.stages or fault.stage in options.stages]
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="ocellus-faults-") as folder, ThreadPoolExecutor(options.jobs) as pool:
        place = Path(folder)
        copy(place)
        put_all_in(place)
        as_it_is = run(None, place)
        if not as_it_is.good:
            print(f"ocellus: the gateware as it is fails: {as_it_is.message}", file=sys.stderr)
            return 1
        reports.append(as_it_is)
        for n, report in enumerate(pool.map(partial(run, place=place), chosen), 1):
            console.print(f"{n} of {len(chosen)}: {' | '.join(rows([report])[0])}", style="dim", markup=False)
            reports.append(report)
    table = Table(*HEADINGS)
    for row, report in zip(rows(reports), reports, strict=True):
        table.add_row(*row[:2], f"[{'green' if report.good else 'bold red'}]{row[2]}[/]", row[3])
    console.print(table)
    wrong = sum(not report.good for report in reports)
    keep(reports, options.page)
    console.print("every fault was found where it is" if not wrong else f"{wrong} of these are not as they should be")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
