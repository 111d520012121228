"""`make mutate`: faults that a machine puts into every stage, one by one, and which of them the tests do not notice.

Status 1 where a survivor is not explained in tb/mutants.toml, or something is explained that does not survive; 2 for
a stage or number that is not known.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ocellus_sim.cosim import content
from scripts.tools import prepare

from .design import FOLDER, Mutated, mutated
from .record import HEADINGS, KEPT, PAGE, Found, Ledger, explanations, keep, summary, write_page
from .stages import STAGES, Stage
from .trials import Verdict, VoidError, try_out

SEED = 1
WIDTH = 150
"""Of the table where no terminal has its own."""


def tested(stage: Stage, design: Mutated, jobs: int, seen: Callable[[Verdict], None]) -> list[Found]:
    """Every mutant of a stage through its trials until one notices; what was found before is not run again."""
    files = sorted({path for trial in stage.trials for path in content.source_files(trial.module)})
    digest = content.digest([design.build.folder.name, *(path.read_bytes() for path in files)])
    ledger = Ledger(FOLDER / stage.name / f"{digest}.jsonl")
    known = ledger.read()
    last: dict[int, Verdict] = {}
    for at, trial in enumerate(stage.trials):
        alive = [m.number for m in design.mutants if m.number not in last or last[m.number].fate == "survived"]

        def tell(verdict: Verdict, name: str = trial.name, is_last: bool = at == len(stage.trials) - 1) -> None:
            if verdict.number:
                last[verdict.number] = verdict
                if (verdict.number, name) not in known:
                    ledger.add(name, verdict)
                if verdict.fate != "survived" or is_last:
                    seen(verdict)

        for n in alive:
            if (n, trial.name) in known:
                tell(known[n, trial.name])
        if missing := [n for n in alive if (n, trial.name) not in known]:
            try_out(stage, trial, design.build, missing, FOLDER / stage.name / f"trial-{at}", jobs, tell)
    return [Found(mutant, last[mutant.number]) for mutant in design.mutants]


def campaign(stages: list[Stage], options: argparse.Namespace, console: Console) -> list[Found]:
    """All of it, under one bar."""
    counts = {stage.name: options.count or stage.count for stage in stages}
    tried = {name: min(count, options.first or count) for name, count in counts.items()}
    found: list[Found] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[fates]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("", total=sum(tried.values()), fates="")
        fates = {"killed": 0, "survived": 0}

        def seen(verdict: Verdict) -> None:
            fates["survived" if verdict.fate == "survived" else "killed"] += 1
            progress.update(bar, advance=1, fates=", ".join(f"{count} {name}" for name, count in fates.items()))

        for stage in stages:
            progress.update(bar, description=stage.name)
            design = mutated(stage, counts[stage.name], options.seed)
            design = Mutated(design.build, design.mutants[: tried[stage.name]])
            found += tested(stage, design, options.jobs, seen)
            keep(found, False, options.seed)
    return found


def unexplained(found: list[Found], whole: bool) -> list[str]:
    """Sentences on survivors that nothing is said of and, where ``whole``, on explanations that explain nothing."""
    known = explanations()
    alive = {(f.mutant.stage, f.mutant.id): f for f in found if not f.killed}
    said = [
        f"{stage}: {name} survives ({', '.join(f.mutant.places)})"
        for (stage, name), f in alive.items()
        if (stage, name) not in known
    ]
    if whole:
        said += [
            f"{stage}: {name} is explained and does not survive" for stage, name in known if (stage, name) not in alive
        ]
    return said


def main() -> int:
    """Mutate the stages named, all without; show, and keep in build/mutants.json."""
    parser = argparse.ArgumentParser(prog="make mutate")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}; all without")
    parser.add_argument("--count", type=int, default=0, help="faults a stage; by default as many as the stage has")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="try no more than the first N of a stage's")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses the faults")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="at the same time")
    parser.add_argument("--page", action="store_true", help=f"write the table of {PAGE.relative_to(Path.cwd())}")
    options = parser.parse_args()
    if unknown := [name for name in options.stages if name not in STAGES]:
        parser.error(f"stages: found {unknown[0]}; allowed are {', '.join(STAGES)}")
    if not 0 <= options.count <= 9999 or options.first < 0 or options.jobs < 1 or options.seed < 1:
        parser.error("--count, --seed, --jobs: found a number below 1 (or a count over 9999), allowed 1 and more")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    prepare(console)
    begin = time.monotonic()
    try:
        found = campaign([STAGES[name] for name in options.stages or STAGES], options, console)
    except VoidError as error:
        console.print(f"void: {error}", markup=False, highlight=False)
        return 1
    whole = not (options.stages or options.count or options.first) and options.seed == SEED
    keep(found, whole, options.seed)
    minutes = (time.monotonic() - begin) / 60
    table = Table(*HEADINGS, title=f"mutants, seed {options.seed}, {minutes:.1f} minutes")
    for line in summary(found):
        table.add_row(*line)
    console.print(table)
    wrong = unexplained(found, whole)
    for sentence in wrong:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if options.page:
        write_page(found, options.seed)
    console.print(
        f"{len(wrong)} of these are to be looked at; all in {KEPT}" if wrong else "every survivor is explained"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
