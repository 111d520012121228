"""`python -m ocellus_sim.app`: one run with the options of the environment; see `make help`."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ocellus.errors import BadInput
from ocellus_sim.typed import refuse_unknown

from . import ending
from .ending import FAILED, GOOD
from .options import NAMES, Options, name_of

if TYPE_CHECKING:
    from .exposure import Exposure, FrameResult
    from .simulation import Simulation

    Outcome = tuple[Exposure, list[FrameResult], dict[str, Any]]


def main() -> int:
    """Exit status: 0 bit exact, 1 a difference or a failed simulation, 2 refused input, 130 ended from outside."""
    began = time.perf_counter()
    return ending.command(lambda: _chosen(began))


def _chosen(began: float) -> int:
    refuse_unknown(NAMES)
    console = Console()
    if not os.environ.get("TEST"):
        return run(Options.read(os.environ), console, began)
    # Imported late, as below: what the test plan needs is needed by those alone who name something in it.
    from . import stage
    from .choice import StageTests, choose

    chosen = choose(os.environ)
    return stage.run(chosen, os.environ, console) if isinstance(chosen, StageTests) else run(chosen, console, began)


def run(options: Options, console: Console, began: float) -> int:
    """Prepare, simulate, compare, write, show."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description:<34}"), BarColumn(40), TimeElapsedColumn(), console=console,
        transient=True, disable=not console.is_terminal,
    ) as progress:  # fmt: skip
        teller = _Teller(progress, progress.add_task("network", total=None), options.frames)
        # Imported late, as below: bad options are refused at once, and the progress bar stands before what takes long.
        from . import folders
        from .simulation import Simulation

        folder = folders.run_folder(_name(options))
        try:
            with Simulation(options, folder, teller) as simulation:
                # Its start takes as long as all that is to be done before it is asked for a frame. What may be refused
                # is looked at first.
                if not (options.model or options.photograph or options.roi or options.train) and simulation.stands():
                    simulation.start()
                outcome = _simulated(options, simulation, teller, began)
        except BadInput:
            folders.discard(folder)
            raise
    if isinstance(outcome, str):
        print(outcome, file=sys.stderr)
        return FAILED
    from .screen import show
    from .waves import look, trace_of_difference

    exposure, results, facts = outcome
    show(console, exposure.plan, results, facts, folder)
    if options.trace_failure and not facts["bit_exact"]:
        console.print(
            "the window around it, with a trace (a simulator of its own, built once, minutes) ...", style="dim"
        )
        trace_of_difference(exposure, facts["first_difference"])
    if line := look(folder, options):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return GOOD if facts["bit_exact"] else FAILED


def _simulated(options: Options, simulation: "Simulation", teller: "_Teller", began: float) -> "str | Outcome":
    """What came of it, or a message on why nothing did."""
    from ocellus_sim.cosim import SimulationFailed
    from ocellus_sim.cosim.toolchain import ToolError

    from . import files, folders
    from .exposure import Exposure, LoadError
    from .plan import prepare
    from .result import result
    from .waves import trace_of_crash

    plan = prepare(options)
    if options.photograph is not None:
        plan.scene(0)  # a file that is no picture is refused before anything is built
    teller.layers = len(plan.program.host["layers"])
    exposure, folder = Exposure(plan, simulation), simulation.folder
    exposure.times.add("start, network, compiler", time.perf_counter() - began)
    try:
        teller.describe("simulator (built once, minutes)")
        exposure.build()
        if options.train:
            teller.describe("training of the simulator (minutes)")
            exposure.train()
        teller.describe("start of the simulator")
        results = exposure.results()
        teller.describe("pictures, timeline")
        begin = time.perf_counter()
        files.write_files(folder, plan, results)
        crop = files.write_crop(folder, results)
        exposure.times.add("pictures, timeline", time.perf_counter() - begin)
        facts = result(exposure, results, began, crop)
        folders.write_result(folder, facts)
        folders.point_latest(folder)
    except (SimulationFailed, ToolError, LoadError, OSError) as error:
        message = f"ocellus: {_died(error, folder)}\nagain: {options.command()}"
        if options.trace_failure and isinstance(error, SimulationFailed):
            message += f"\n{trace_of_crash(exposure)}"
        return message
    return exposure, results, facts


def _died(error: Exception, folder: Path) -> str:
    """A full disk is named as such, not by what its victims said."""
    return ending.sentence(error, folder) if ending.full(error) else str(error)


def _name(options: Options) -> str:
    """The run's folder: what was shown, and in which mode."""
    what = options.photograph.stem if options.photograph else f"seed-{options.seed}"
    return "".join(c if c.isalnum() or c in "-+_" else "-" for c in f"{what[:60]}-{name_of(options.mode)}")


READOUT_SHARE = 0.85
"""Of a frame's bar; the rest is the network's."""


class _Teller:
    """Moves the progress bar."""

    def __init__(self, progress: Progress, task: TaskID, frames: int) -> None:
        self._progress, self._task, self._frames = progress, task, frames
        self.layers = 1

    def describe(self, what: str) -> None:
        """What is under way."""
        self._progress.update(self._task, description=what)

    def __call__(self, event: str, facts: Mapping[str, Any]) -> None:
        match event:
            case "started":
                self.describe("loading the network")
            case "ready":
                self._progress.update(self._task, description="frame 1", total=self._frames, completed=0)
            case "progress":
                sent, layer = facts["sent"], facts["layer"]
                share = READOUT_SHARE * sent if sent < 1 else READOUT_SHARE + 0.14 * layer / self.layers
                where = "lines come in" if sent < 1 else f"layer {layer}"
                self._progress.update(
                    self._task, completed=facts["frame"] + share,
                    description=f"frame {facts['frame'] + 1} of {self._frames}: {where}",
                )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
