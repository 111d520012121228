"""A run: the simulator in a process of its own, the golden model beside it, frame by frame compared."""

import json
import mmap
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ocellus import formats
from ocellus.records import Record
from ocellus_sim import whole
from ocellus_sim.cosim.window import Window
from ocellus_sim.golden import readout, sensor
from ocellus_sim.golden.sensor import Passage
from ocellus_sim.scenes import Scene
from ocellus_sim.verify.tap import most_beats

from .agreement import Check, check_frame
from .observation import Observation, observe
from .options import Options
from .plan import Plan, control_words

FACTORY = "ocellus_hdl.sensor:Sensor"
BENCH = "ocellus_sim.app.frame_bench"

GOLDEN = "golden model (beside it)"
"""What the golden model took, among the parts of the wall time."""

Listener = Callable[[str, Mapping[str, Any]], None]
"""Called with what happens: ``build``, ``started``, ``loaded``, ``frame`` and so on, and facts about it."""


class LoadError(RuntimeError):
    """The accelerator did not take the program image."""


def design(options: Options) -> dict[str, Any]:
    """Arguments of :data:`FACTORY`: which simulator a run needs."""
    return {"frame": options.frame, "configuration": options.configuration, "taps": True}


@dataclass(frozen=True, eq=False)
class FrameResult:
    """One frame, seen by both; ``seconds`` of wall time and of the processor went into its simulation."""

    index: int
    scene: Scene
    want: Passage
    got: Observation
    checks: list[Check]
    records: list[Record]
    seconds: float
    cpu_seconds: float

    @property
    def first_difference(self) -> Check | None:
        """The first stage, in the order of the data, that differs."""
        return next((check for check in self.checks if check.difference), None)


@dataclass
class Watchmaker:
    """Seconds of wall time by what they were spent on."""

    spent: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Count ``seconds`` for ``name``."""
        self.spent[name] = self.spent.get(name, 0.0) + seconds


def _mapped(path: Path) -> np.ndarray:
    """An array of a file, read where it lies; what fits into a page, and may be empty, is copied."""
    return np.load(path, mmap_mode="r" if path.stat().st_size > mmap.PAGESIZE else None)


class Exposure:
    """One run in ``folder``; :meth:`results` yields its frames.

    Raises ``SimulationFailed`` or ``ToolError`` of ``ocellus_sim.cosim``, or :class:`LoadError`.
    """

    def __init__(self, plan: Plan, folder: Path, tell: Listener) -> None:
        self.plan = plan
        self.folder = folder
        self.work = folder / "work"
        self.times = Watchmaker()
        self.load_clocks = 0
        self.started_at = 0.0
        self.bursts: Mapping[str, float] = {}
        self._tell = tell
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()

    def build(self) -> bool:
        """The simulator, built unless it stands; whether it was built now."""
        from ocellus_sim.cosim import build

        built = build(FACTORY, design(self.plan.options), waves=self.plan.options.waves)
        self.times.add("Verilator build" if built.fresh else "look-up of the build", built.seconds)
        return built.fresh

    def _capacities(self) -> dict[str, int]:
        """Room for a frame at every tap, and for some more than belongs there."""
        frame, program = self.plan.options.frame, self.plan.program
        beats = frame.width // formats.PIXELS_PER_CLOCK * frame.height
        # Lines have room in every mode: one that leaves against the mode must be seen, not held back.
        image = (4 + -(-frame.width * 5 // 32)) * frame.height
        return {
            "raw": beats + 64, "rgb": beats + 64, "tensor": program.input_bytes, "layer": most_beats(program) + 64,
            "output": program.output_bytes + 64, "record": 256, "out": image + 512,
        }  # fmt: skip

    def _simulate(self) -> None:
        from ocellus_sim.cosim import simulate

        options, settings = self.plan.options, self.plan.settings
        parameters = {
            "work": str(self.work), "frames": options.frames, "mode": int(options.mode), "waves": options.waves,
            "capacities": self._capacities(), "clocks_per_line": options.frame.clocks_per_line,
            "enable": control_words([*settings.readout.writes()]).tolist(),
            "disable": control_words([(formats.READOUT.address("enable"), 0)]).tolist(),
        }  # fmt: skip
        try:
            simulate(
                FACTORY, design(self.plan.options), test_module=BENCH, seed=options.seed, parameters=parameters,
                waves=options.waves, run_dir=self.folder, wall_seconds=600 + 600 * options.frames, on_line=self._hear,
            )  # fmt: skip
            self._events.put({"event": "ended"})
        except BaseException as error:  # handed to the thread that waits for events
            self._events.put({"event": "failed", "error": error})

    def _hear(self, line: str) -> None:
        if line.startswith("@"):
            event = json.loads(line[1:]) | {"at": time.perf_counter()}
            if event["event"] in ("progress", "begins"):
                self._tell(event["event"], event)
            else:
                self._events.put(event)

    def results(self) -> list[FrameResult]:
        """Run everything; the golden model works while the simulator does."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        begin = time.perf_counter()
        thread = threading.Thread(target=self._simulate, name="simulator", daemon=True)
        thread.start()
        try:
            self._put("control", self.plan.set_up_words())
            results = []
            coming = self._show(0)
            for index in range(self.plan.options.frames):
                scene = coming
                want = self._timed(GOLDEN, lambda s=scene: self._golden(s))
                if index == 0:
                    self.started_at = self._await("started")["at"]
                    self.times.add("start of the simulator", self.started_at - begin)
                    self._check_load(self._await("loaded"))
                    self.times.add("loading of the network", self._await("ready")["seconds"])
                if index + 1 < self.plan.options.frames:
                    coming = self._show(index + 1)  # for the simulator to go on with while this one is compared
                facts = self._await("frame")
                self.times.add("frames in Verilator", facts["seconds"])
                self.bursts = facts["spent"]
                results.append(self._timed("comparison", lambda a=(index, scene, want, facts): self._compare(*a)))
                self._tell("frame", {"result": results[-1]})
            self._await("ended")
            return results
        finally:
            if thread.is_alive():
                (self.work / "abandoned").touch()
                thread.join(timeout=30)
            shutil.rmtree(self.work, ignore_errors=True)

    def retrace(self, frames: int, window: Window, clock: int, part: str) -> Path:
        """Show the first ``frames`` again, to the end of ``window``; the trace of it, ``fail.fst`` in the folder.

        ``clock`` is where the marker stands, ``part`` the part of the design that is of interest. Raises what
        ``ocellus_sim.cosim.runs.retrace`` does.
        """
        from ocellus_sim.cosim.runs import retrace

        def put(index: int) -> None:
            if index < frames:
                self._put(f"frame-{index}", readout.beats(self.plan.scene(index).raw))

        def hear(line: str) -> None:
            """Frames go in one by one, as they are asked for: they are large."""
            event: dict[str, Any] = json.loads(line[1:]) if line.startswith("@") else {}
            if event.get("event") == "frame":
                (self.work / f"frame-{event['frame']}.npy").unlink()
                shutil.rmtree(self.work / f"seen-{event['frame']}")
                put(event["frame"] + 2)

        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        try:
            given = self.folder / "parameters.json"  # where the folder may have lain elsewhere
            whole.write_text(given, json.dumps(json.loads(given.read_text()) | {"work": str(self.work)}, indent=1))
            self._put("control", self.plan.set_up_words())
            put(0)
            put(1)
            return retrace(self.folder, window, clock, part, hear)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)

    def _show(self, index: int) -> Scene:
        scene = self._timed("scenes", lambda: self.plan.scene(index))
        self._put(f"frame-{index}", readout.beats(scene.raw))
        return scene

    def _golden(self, scene: Scene) -> Passage:
        return sensor.run(scene.raw, self.plan.settings, self.plan.file.network)

    def _compare(self, index: int, scene: Scene, want: Passage, facts: Mapping[str, Any]) -> FrameResult:
        folder = self.work / f"seen-{index}"
        got = observe({path.stem: _mapped(path) for path in folder.iterdir()}, self.plan.program)
        shutil.rmtree(folder)
        (self.work / f"frame-{index}.npy").unlink()
        checks, records = check_frame(self.plan, index, want, got)
        return FrameResult(index, scene, want, got, checks, records, facts["seconds"], facts["cpu"])

    def _put(self, name: str, words: np.ndarray) -> None:
        """An array for the simulator's process, there all at once."""
        np.save(self.work / "coming.npy", words)
        (self.work / "coming.npy").rename(self.work / f"{name}.npy")

    def _timed(self, name: str, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        value = call()
        self.times.add(name, time.perf_counter() - begin)
        return value

    def _await(self, name: str) -> dict[str, Any]:
        event = self._events.get()
        if event["event"] == "failed":
            raise event["error"]
        if event["event"] != name:
            raise RuntimeError(f"the simulator said {event} where {name} was due")
        self._tell(name, event)
        return event

    def _check_load(self, facts: Mapping[str, Any]) -> None:
        self.load_clocks = facts["clocks"]
        error = facts["error"]
        names = {int(e): e.name for e in formats.LoadError}
        identity = self.plan.file.network.identity
        if facts["reason"] != "reached" or facts["loaded"] != 1 or error or facts["network_id"] != identity:
            raise LoadError(
                f"cnn: the program image was not taken: loaded {facts['loaded']}, error {names.get(error, error)}, "
                f"network {facts['network_id']:08x}; want 1, NONE, {identity:08x}"
            )
