"""The cocotb side of a run: loads the network, shows frame after frame to the sensor, writes down what every tap saw.

It knows nothing of what should come out. Frames come and results go as files in ``work``, lines that begin with ``@``
tell the other side how far it is.
"""

import json
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from ocellus import formats
from ocellus_sim.cosim import Bench

MAX_CLOCKS = 1 << 31
MOST_BLANKING = 1 << 24
"""Clocks from the enabling of readout to a frame's first pixel, at most."""
WAVE_LINES = 8
WAVE_NETWORK_CLOCKS = 1000

TAPS = ("raw", "rgb", "tensor", "layer", "output", "record")


def say(event: str, **facts: Any) -> None:
    """A line for the other side."""
    print("@" + json.dumps({"event": event, **facts}), flush=True)


def awaited(path: Path) -> Path:
    """A file that the other side renames into place."""
    while not path.exists():
        if (path.parent / "abandoned").exists():
            raise SystemExit("the run was abandoned")
        time.sleep(0.005)
    return path


class Camera:
    """The sensor with ends on its streams."""

    def __init__(self, dut: Any) -> None:
        self.bench = Bench(dut)
        self.given = self.bench.parameters
        self.work, self.quiet = Path(self.given["work"]), self.given["quiet"]
        self.bench.reset()
        self.bench.set("i_mode", self.given["mode"])
        self.array = self.bench.source("i_array")
        self.control = self.bench.source("i_control")
        self.replies = self.bench.sink("o_control", 16)
        plan = json.loads(awaited(self.work / "plan.json").read_text())
        sizes = self.capacities = plan["capacities"]
        self.out = self.bench.sink("o", sizes["out"], stamps=True)
        self.taps = {name: self.bench.tap(f"o_tap_{name}", sizes[name], stamps=True) for name in TAPS}
        self.busy = self.bench.watch("o_busy")
        self.enable = np.array(plan["enable"], np.uint64)
        self.disable = np.array(plan["disable"], np.uint64)

    def load(self) -> None:
        """Settings and program image."""
        words = np.load(awaited(self.work / "control.npy"))
        self.control.send(words)
        reason = self.bench.run(64 * len(words) + 10_000, until=self.control.empty)
        self.bench.run(64)
        status = {name: self.read(formats.CNN.address(name)) for name in ("loaded", "error", "network_id")}
        say("loaded", clocks=self.bench.cycle, reason=reason, **status)

    def read(self, address: int) -> int:
        """One register."""
        self.control.send(np.array([formats.CONTROL_REQUEST.pack({"address": address})], np.uint64))
        if self.bench.run(10_000, until=self.replies.reaches(1)) != "reached":
            return -1
        return int(self.replies.take()[0])

    def expose(self, index: int, waves: bool) -> None:
        """One frame, from its first pixel until nothing moves any more."""
        words = np.load(awaited(self.work / f"frame-{index}.npy"))
        started, worked = time.perf_counter(), time.process_time()
        say("begins", frame=index)
        self.array.send(words)
        self.control.send(self.enable)
        # The blanking of the frame before may not be over; disabled while it runs, readout finishes what has begun.
        self.bench.run(MOST_BLANKING, until=self.taps["raw"].reaches(1))
        begin = self.bench.cycle - 1
        self.control.send(self.disable)
        if waves:
            self._trace()

        def progress(bench: Bench) -> None:
            say("progress", frame=index, sent=1 - self.array.waiting / len(words), layer=bench.get("o_busy") >> 6)

        reason = self.bench.run(MAX_CLOCKS, idle=self.quiet, progress=progress)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        ends = {**self.taps, "out": self.out}
        seen = {name: end.take(copy=False) for name, end in ends.items()}
        clocks = np.array([begin, self.bench.cycle - self.quiet if reason == "idle" else self.bench.cycle])
        arrays: dict[str, Any] = {
            **seen, "clocks": clocks, **{f"{name} clocks": end.cycles() for name, end in ends.items()},
            "busy": np.array(self.busy.changes(), np.uint64).reshape(-1, 2),
        }  # fmt: skip
        folder = self.work / f"seen-{index}"  # complete when the other side is told
        folder.mkdir()
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
        say(
            "frame", frame=index, seconds=seconds, cpu=cpu, clocks=self.bench.cycle - begin, unread=self.array.waiting,
            spent=self.bench.spent,
        )  # fmt: skip

    def _trace(self) -> None:
        """Every signal while the first lines pass, and while the network begins."""
        self.bench.trace(Path("waves-lines.fst"))
        self.bench.run(WAVE_LINES * self.given["clocks_per_line"])
        self.bench.trace_stop()
        self.bench.run(MAX_CLOCKS, until=self.taps["tensor"].reaches(self.capacities["tensor"]), idle=self.quiet)
        self.bench.trace(Path("waves-network.fst"))
        self.bench.run(WAVE_NETWORK_CLOCKS)
        self.bench.trace_stop()


@cocotb.test()
async def test_frames(dut: Any) -> None:
    """Every frame of the run; the comparison is the other side's."""
    camera = Camera(dut)
    say("started")
    begin = time.perf_counter()
    camera.load()
    say("ready", seconds=time.perf_counter() - begin)
    for index in range(camera.given["frames"]):
        camera.expose(index, waves=camera.given["waves"] and index == 0)
