"""A run: the simulator in a process of its own, the golden model beside it, frame by frame compared."""

import json
import mmap
import shutil
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
from .plan import Plan, control_words
from .simulation import Simulation
from .training import train

GOLDEN = "golden model (beside it)"
"""What the golden model took, among the parts of the wall time."""


class LoadError(RuntimeError):
    """The accelerator did not take the program image."""


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
    """One run of a simulation by a plan; :meth:`results` yields its frames.

    Raises ``SimulationFailed`` or ``ToolError`` of ``ocellus_sim.cosim``, or :class:`LoadError`.
    """

    def __init__(self, plan: Plan, simulation: Simulation) -> None:
        self.plan = plan
        self.simulation = simulation
        self.folder = simulation.folder
        self.times = Watchmaker()
        self.load_clocks = 0
        self.bursts: Mapping[str, float] = {}

    def build(self) -> bool:
        """The simulator, built unless it stands; whether it was built now."""
        built = self.simulation.build()
        self.times.add("Verilator build" if built.fresh else "look-up of the build", built.seconds)
        return built.fresh

    def train(self) -> None:
        """The simulator, faster, by what a frame shows of it; nothing where that was done before."""
        self._timed("training", lambda: train(self.simulation.build(), dict(self.plan.options.given)))

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

    def _hand_over(self) -> None:
        """The plan and the control words."""
        self.simulation.put_plan({
            "capacities": self._capacities(),
            "enable": control_words([*self.plan.settings.readout.writes()]).tolist(),
            "disable": control_words([(formats.READOUT.address("enable"), 0)]).tolist(),
        })  # fmt: skip
        self.simulation.put("control", self.plan.set_up_words())

    def results(self) -> list[FrameResult]:
        """Run everything; the golden model works while the simulator does."""
        simulation, begin = self.simulation, time.perf_counter()
        simulation.start()
        self._hand_over()
        results = []
        coming = self._show(0)
        for index in range(self.plan.options.frames):
            scene = coming
            want = self._timed(GOLDEN, lambda s=scene: self._golden(s))
            if index == 0:
                started = simulation.wait_for("started")
                self.times.add("start of the simulator", max(started["at"] - begin, 0.0))
                self._check_load(simulation.wait_for("loaded"))
                self.times.add("loading of the network", simulation.wait_for("ready")["seconds"])
            if index + 1 < self.plan.options.frames:
                coming = self._show(index + 1)  # for the simulator to go on with while this one is compared
            facts = simulation.wait_for("frame")
            self.times.add("frames in Verilator", facts["seconds"])
            self.bursts = facts["spent"]
            results.append(self._timed("comparison", lambda a=(index, scene, want, facts): self._compare(*a)))
            simulation.tell("frame", {"result": results[-1]})
        simulation.wait_for("ended")
        return results

    def retrace(self, frames: int, window: Window, clock: int, part: str) -> Path:
        """Show the first ``frames`` again, to the end of ``window``; the trace of it, ``fail.fst`` in the folder.

        ``clock`` is where the marker stands, ``part`` the part of the design that is of interest. Raises what
        ``ocellus_sim.cosim.runs.retrace`` does.
        """
        from ocellus_sim.cosim.runs import retrace

        def put(index: int) -> None:
            if index < frames:
                self.simulation.put(f"frame-{index}", readout.beats(self.plan.scene(index).raw))

        def hear(line: str) -> None:
            """Frames go in one by one, as they are asked for: they are large."""
            event: dict[str, Any] = json.loads(line[1:]) if line.startswith("@") else {}
            if event.get("event") == "frame":
                (self.simulation.work / f"frame-{event['frame']}.npy").unlink()
                shutil.rmtree(self.simulation.work / f"seen-{event['frame']}")
                put(event["frame"] + 2)

        self.simulation.renew()
        try:
            given = self.folder / "parameters.json"  # where the folder may have lain elsewhere
            parameters = json.loads(given.read_text()) | {"work": str(self.simulation.work)}
            whole.write_text(given, json.dumps(parameters, indent=1))
            self._hand_over()
            put(0)
            put(1)
            return retrace(self.folder, window, clock, part, hear)
        finally:
            self.simulation.clear()

    def _show(self, index: int) -> Scene:
        scene = self._timed("scenes", lambda: self.plan.scene(index))
        self.simulation.put(f"frame-{index}", readout.beats(scene.raw))
        return scene

    def _golden(self, scene: Scene) -> Passage:
        return sensor.run(scene.raw, self.plan.settings, self.plan.file.network)

    def _compare(self, index: int, scene: Scene, want: Passage, facts: Mapping[str, Any]) -> FrameResult:
        folder = self.simulation.work / f"seen-{index}"
        got = observe({path.stem: _mapped(path) for path in folder.iterdir()}, self.plan.program)
        shutil.rmtree(folder)
        (self.simulation.work / f"frame-{index}.npy").unlink()
        checks, records = check_frame(self.plan, index, want, got)
        return FrameResult(index, scene, want, got, checks, records, facts["seconds"], facts["cpu"])

    def _timed(self, name: str, call: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        value = call()
        self.times.add(name, time.perf_counter() - begin)
        return value

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
