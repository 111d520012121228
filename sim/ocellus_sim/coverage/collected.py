"""What a run of the simulator leaves of its coverage, in its folder and where a campaign gathers it."""

import itertools
import os
import shutil
from pathlib import Path

from ocellus_sim.coverage import counts, functional

LEFT = (counts.RUN_FILE, functional.RUN_FILE, "coverage.dat")
"""Files of an earlier run in the same folder that would be taken for this one's."""
_numbers = itertools.count(1)


def collect(build: Path, run: Path) -> None:
    """Put a run's counts into its folder, and copies of all where ``OCELLUS_COVERED`` names a folder.

    Runs keep their folders somewhere, under ``build/runs`` or in a test's own place; a campaign finds in that one
    folder what all runs of a job met.
    """
    if (build / "points.json").exists():
        counts.keep(build, run)
    if gathered := os.environ.get("OCELLUS_COVERED"):
        Path(gathered).mkdir(parents=True, exist_ok=True)
        number = next(_numbers)
        for name in (counts.RUN_FILE, functional.RUN_FILE):
            if (run / name).exists():
                shutil.copyfile(run / name, Path(gathered) / f"{run.name}-{os.getpid()}-{number}-{name}")
