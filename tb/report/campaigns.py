"""Campaigns to report on: folders as `make regress` leaves them, with runs of every outcome."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ocellus.settings import UHD
from ocellus_sim.app.timeline_frame import FrameTimes, Layer
from ocellus_sim.campaign.job import Job, Result, Status

MESSAGE = (
    "rgb: first difference at row 0, column 3, channel 2: want 49, got <48>; 2 of 90 elements differ.\n\x1b[1mwant"
)
REPEAT = "make sim SEED=21 CONFIG=tiny SIZE=384x216"


def frame_times() -> FrameTimes:
    """A 4K frame of one layer."""
    return FrameTimes(
        seed=1, frame=UHD, live=True, begin=20_000, clocks=2_466_096, pixels=(12, 2_375_870), record=2_466_095,
        busy={"readout": ((12, 2_375_871),), "cnn": ((67_634, 67_833), (2_396_437, 2_451_072))},
        layers=(Layer(0, "point", "00_conv", ((67_634, 67_833), (2_396_437, 2_451_072))),),
    )  # fmt: skip


def sensor_facts(**more: Any) -> dict[str, Any]:
    """A run's result.json, as far as a report reads it."""
    return {
        "frames": 10, "width": 3840, "height": 2160, "bit_exact": True, "sim_seconds": 20.0, "first_difference": None,
        "split": {"model": 18.0, "harness": 0.5, "python": 1.5, "golden": 9.0}, "frame_times": frame_times().as_json(),
        "coverage": {"stalls": {"readout none": 2, "readout in": 0}, "modes": {"metadata": 1}}, **more,
    }  # fmt: skip


def job(test: str, seed: int = 1, kind: str = "sensor") -> Job:
    """One of ten frames, or of a stage."""
    return Job(test, "sensor", seed, 10, cost=30.0) if kind == "sensor" else Job(test, "stage", seed, 0, cost=60.0)


def result(job: Job, status: Status = "passed", message: str = "", repeat: str = "", **facts: Any) -> Result:
    """What became of it."""
    found = facts or (sensor_facts() if job.kind == "sensor" and status == "passed" else {})
    return Result(job, status, message, repeat, 31.25, "2026-03-01T22:00:05+00:00", "host-a:77", found)


def stage_tests(*failing: str) -> list[dict[str, Any]]:
    """A stage's tests: three that passed, of them two of one function, one that was left out, and those that fail."""
    good = ("test_a_line[1-2]", "test_a_line[3-4]", "test_a_pixel")
    found = [{"name": name, "status": "passed", "seconds": 1.5, "message": ""} for name in good]
    found.append({"name": "test_a_frame", "status": "skipped", "seconds": 0.0, "message": "no room"})
    return found + [{"name": n, "status": "failed", "seconds": 0.5, "message": f"assert <{n}>"} for n in failing]


def write_campaign(home: Path, jobs: Sequence[Job], results: Sequence[Result], end: str = "\n", **facts: Any) -> Path:
    """The folder; ``end``: of the last line, empty for one that was cut off."""
    home.mkdir(parents=True)
    about = {
        "suite": "nightly", "began": "2026-03-01T22:00:00+00:00", "commit": "0123456789ab", "coverage": False,
        "machine": "host-a, x86_64, Linux", "versions": {"verilator": "5.48.0"}, "left_out": [], "reruns": "",
    }  # fmt: skip
    plan: Mapping[str, Any] = {**about, **facts, "jobs": [job.as_json() for job in jobs]}
    (home / "campaign.json").write_text(json.dumps(plan))
    lines = "\n".join(result.line() for result in results)
    (home / "results.jsonl").write_text(lines + end if results else "")
    return home


def mixed(home: Path) -> Path:
    """Two runs that passed, one that failed with a picture, one that died, one without result, two stages."""
    passed, failed, died, lost = job("line", 1), job("small", 21), job("line", 11), job("image", 31)
    link, host = job("link", kind="stage"), job("host", kind="stage")
    first = {"frame": 0, "seed": 21, "stage": "rgb", "message": MESSAGE, "clock": 4711, "crop": "crop.png"}
    results = [
        result(passed),
        result(failed, "failed", MESSAGE, REPEAT, **sensor_facts(bit_exact=False, first_difference=first)),
        result(died, "error", "it died of signal 9", "make sim SEED=11 FRAMES=10"),
        result(link, tests=stage_tests()),
        result(host, "failed", "test_bytes: assert <test_bytes>", "make test ARGS=tb/host",
               tests=stage_tests("test_bytes", "test_words")),
    ]  # fmt: skip
    write_campaign(home, [passed, failed, died, lost, link, host], results)
    folder = home / "runs" / failed.name
    folder.mkdir(parents=True)
    Image.new("RGB", (60, 20), (90, 30, 30)).save(folder / "crop.png")
    (folder / "simulation.log").write_text("nothing")
    return home


def passing(home: Path, began: str = "2026-03-01T22:00:00+00:00", seconds: float = 20.0, **facts: Any) -> Path:
    """One run of ten frames that took so many seconds to simulate, and one stage."""
    line, link = job("line"), job("link", kind="stage")
    results = [result(line, **sensor_facts(sim_seconds=seconds)), result(link, tests=stage_tests())]
    return write_campaign(home, [line, link], results, began=began, **facts)
