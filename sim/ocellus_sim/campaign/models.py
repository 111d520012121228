"""What jobs need before they start: their simulators, built here, once, and their networks' programs.

``python -m ocellus_sim.campaign.models JOBS MODELS`` reads jobs and writes models, both JSON; what is being made
it says in lines that begin with ``making``. A process of its own, so that compilers can be ended with
all that they started.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ocellus.errors import BadInput
from ocellus.settings import UHD

from .job import Job

MAKING = "making "
WORTH = 100
"""4K frames, simulated on one simulator, from which on training it takes less time than it saves."""


@dataclass(frozen=True)
class Model:
    """What a job runs on.

    Attributes
    ----------
    simulator : str
        Folder of the build; empty where there is none.
    program : str
        File with the network's program.
    refusal : str
        Why there is no simulator.
    """

    simulator: str = ""
    program: str = ""
    refusal: str = ""


def make(jobs: Sequence[Job], tell: Callable[[str], None]) -> dict[str, Model]:
    """The model of each sensor job, by the job's name; made once for all that run on the same."""
    made: dict[tuple[tuple[str, str], ...], Model] = {}
    found = {}
    for job in jobs:
        if job.kind == "sensor":
            key = tuple(sorted(job.variables.items()))
            if key not in made:
                made[key] = _make(job, tell)
            found[job.name] = made[key]
    _train(jobs, found, tell)
    return found


def _train(jobs: Sequence[Job], models: Mapping[str, Model], tell: Callable[[str], None]) -> None:
    """Simulators with so much to do that compiling them once more saves time."""
    from ocellus_sim.app.options import Options
    from ocellus_sim.app.training import train
    from ocellus_sim.cosim import Build, ToolError, training

    pixels: Counter[str] = Counter()
    example: dict[str, Job] = {}
    for job in jobs:
        model = models.get(job.name, Model())
        if model.simulator:
            frame = Options.read(job.variables).frame
            pixels[model.simulator] += job.frames * frame.width * frame.height
            example.setdefault(model.simulator, job)
    for simulator, job in example.items():
        built = Build(Path(simulator), fresh=False, seconds=0)
        if pixels[simulator] < WORTH * UHD.width * UHD.height or training.is_trained(built):
            continue
        tell(f"simulator of {job.test}, compiled again by what a frame shows")
        try:
            train(built, job.variables)
        except ToolError as error:  # it is as good as it was, and what is wrong with it its jobs will say
            tell(f"simulator of {job.test}, not compiled again: {str(error).splitlines()[0]}")


def _make(job: Job, tell: Callable[[str], None]) -> Model:
    # Imported here: whoever reads models needs none of it.
    from ocellus_sim.app.options import Options
    from ocellus_sim.app.plan import prepare
    from ocellus_sim.app.simulation import FACTORY, design
    from ocellus_sim.cosim import ToolError, build
    from ocellus_sim.programs import program_path

    try:
        options = Options.read({**job.variables, "SEED": str(job.seed), "FRAMES": str(job.frames)})
        tell(f"network of {job.test}")
        plan = prepare(options)  # refused here, if at all
        frame, sizes = options.frame, options.configuration
        tell(f"simulator of {job.test}: {frame.width}x{frame.height}, {sizes.name}")
        built = build(FACTORY, design(options), waves=options.waves)
        return Model(str(built.folder), str(program_path(plan.file, sizes)))
    except (BadInput, ToolError) as error:
        return Model(refusal=str(error))


def main() -> int:
    """Status 0, whatever could not be built: that is the jobs' result, and no end of the campaign."""
    asked, answer = map(Path, sys.argv[1:])
    os.environ.pop("OCELLUS_SIMULATOR", None)
    jobs = [Job.from_json(job) for job in json.loads(asked.read_text())]
    found = make(jobs, lambda what: print(f"{MAKING}{what}", flush=True))
    answer.write_text(json.dumps({name: asdict(model) for name, model in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
