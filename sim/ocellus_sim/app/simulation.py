"""The simulator's process of a run: started, handed what it asks for, listened to."""

import json
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ocellus_sim import whole
from ocellus_sim.cosim import process
from ocellus_sim.cosim.builds import Build, build, standing
from ocellus_sim.cosim.runs import simulate

from .options import Options

FACTORY = "ocellus_hdl.sensor:Sensor"
BENCH = "ocellus_sim.app.frame_bench"
QUIET = 20_000
"""Clocks without any handshake after which nothing is on its way any more; a slow layer still writes more often."""

Listener = Callable[[str, Mapping[str, Any]], None]
"""Called with what happens: ``build``, ``started``, ``loaded``, ``frame`` and so on, and facts about it."""


def design(options: Options) -> dict[str, Any]:
    """Arguments of :data:`FACTORY`: which simulator a run needs."""
    return {"frame": options.frame, "configuration": options.configuration, "taps": True}


class Simulation:
    """The sensor in Verilator, in ``folder``, as a context that leaves no process behind.

    It needs no more than the options to start, and then waits for the plan, the control words and the frames: what
    takes as long as its start can be done beside it.

    Attributes
    ----------
    first_pixel_at : float
        When the first frame began, in seconds since the epoch; 0 before.
    """

    def __init__(self, options: Options, folder: Path, tell: Listener) -> None:
        self.options = options
        self.folder = folder
        self.work = folder / "work"
        self.first_pixel_at = 0.0
        self.tell = tell
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._built: Build | None = None
        self._thread = threading.Thread(target=self._simulate, name="simulator", daemon=True)
        self.renew()

    def __enter__(self) -> "Simulation":
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            (self.work / "abandoned").touch()
            process.stop()
            self._thread.join(timeout=30)
        self.clear()

    def clear(self) -> None:
        """Takes away what was handed over."""
        shutil.rmtree(self.work, ignore_errors=True)

    def renew(self) -> None:
        """Nothing is handed over yet."""
        self.clear()
        self.work.mkdir(parents=True)

    def stands(self) -> bool:
        """Whether the simulator is built already; it is looked up once."""
        if self._built is None:
            self._built = standing(FACTORY, design(self.options), waves=self.options.waves)
        return self._built is not None

    def build(self) -> Build:
        """The simulator, built unless it stands."""
        if self._built is None:
            self._built = build(FACTORY, design(self.options), waves=self.options.waves)
        return self._built

    def start(self) -> None:
        """The process; nothing where it runs already."""
        if not self._thread.ident:
            self._thread.start()

    def put(self, name: str, words: np.ndarray) -> None:
        """An array for the process, there all at once."""
        np.save(self.work / "coming.npy", words)
        (self.work / "coming.npy").rename(self.work / f"{name}.npy")

    def put_plan(self, plan: Mapping[str, Any]) -> None:
        """What the process does not know from the options."""
        whole.write_text(self.work / "plan.json", json.dumps(plan))

    def wait_for(self, name: str) -> dict[str, Any]:
        """What the process says next, which has to be this; raises what ended the process, if anything did."""
        event = self._events.get()
        if event["event"] == "failed":
            raise event["error"]
        if event["event"] != name:
            raise RuntimeError(f"the simulator said {event} where {name} was due")
        self.tell(name, event)
        return event

    def _simulate(self) -> None:
        options = self.options
        parameters = {
            "work": str(self.work), "frames": options.frames, "mode": int(options.mode), "waves": options.waves,
            "clocks_per_line": options.frame.clocks_per_line, "quiet": QUIET,
        }  # fmt: skip
        try:
            simulate(
                FACTORY, design(options), test_module=BENCH, seed=options.seed, parameters=parameters,
                waves=options.waves, run_dir=self.folder, wall_seconds=600 + 600 * options.frames, on_line=self._hear,
                built=self._built,
            )  # fmt: skip
            self._events.put({"event": "ended"})
        except BaseException as error:  # handed to the thread that waits for events
            self._events.put({"event": "failed", "error": error})

    def _hear(self, line: str) -> None:
        if line.startswith("@"):
            event = json.loads(line[1:]) | {"at": time.perf_counter()}
            if event["event"] == "begins":
                self.first_pixel_at = self.first_pixel_at or time.time()
            if event["event"] in ("progress", "begins"):
                self.tell(event["event"], event)
            else:
                self._events.put(event)
