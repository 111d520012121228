"""A small run of the whole sensor: a small frame, a small network, in a process of its own where that is wanted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from ocellus_sim.app import __main__ as app
from ocellus_sim.app import ending
from ocellus_sim.app.options import Options
from ocellus_sim.cosim.builds import build_root
from tb.sensor.chip import CONFIGURATION
from tb.sensor.networks import CLASSES, heatmap_model
from tb.sensor.sizes import FRAME

ROOT = Path(__file__).resolve().parents[2]
SEED = 5


def options(folder: Path, frames: int = 1) -> Options:
    """Of a run with a network that is put into ``folder``."""
    model = folder / "small.tflite"
    model.write_bytes(heatmap_model(6))
    classes = [f"class {n}" for n in range(CLASSES)]
    model.with_suffix(".json").write_text(json.dumps({"head": "heatmap", "classes": classes, "threshold": 10}))
    return Options(seed=SEED, frames=frames, model=model, configuration=CONFIGURATION, frame=FRAME)


def start(
    folder: Path, frames: int = 1, before: Callable[[], None] | None = None, **variables: str
) -> subprocess.Popen[str]:
    """A run that leaves its files under ``folder``; ``before`` is called in its process before anything else."""
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "OCELLUS_BUILD": str(build_root()), "TERM": "dumb", "COLUMNS": "200",
        **variables,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "tb.app.small", str(folder), str(frames)], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before,
    )  # fmt: skip


def simulators(folder: Path) -> Iterator[int]:
    """Processes of simulators whose run lies under ``folder``."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if b"OCELLUS_RUN=" + bytes(folder) in environment:
            yield int(process.name)


def when(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def running(folder: Path) -> bool:
    """Whether a frame of the run under ``folder`` has passed."""
    return any('"event": "frame"' in log.read_text() for log in folder.rglob("simulation.log"))


if __name__ == "__main__":
    signal.alarm(540)
    place = Path(sys.argv[1])
    sys.exit(ending.command(lambda: app.run(options(place, int(sys.argv[2])), Console(), time.perf_counter())))
