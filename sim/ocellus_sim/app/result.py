"""The numbers of a run, as result.json has them."""

import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import __version__ as pillow_version

from ocellus.formats import Mode
from ocellus_sim.cosim.toolchain import versions
from ocellus_sim.scenes import Count, Score, score

from .covered import covered
from .exposure import GOLDEN, Exposure, FrameResult
from .moment import clock_of
from .observation import BUSY_STAGES, spans
from .options import name_of
from .plan import Plan
from .timeline import frame_times

ROOT = Path(__file__).resolve().parents[3]


def commit() -> str:
    """The commit that ran, with ``-dirty`` where files differ from it; ``unknown`` outside a clone."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def stage_clocks(frame: FrameResult) -> dict[str, int]:
    """Clocks in which each stage had something of the frame in hand."""
    found = spans(frame.got.busy, frame.got.clocks)
    return {name: sum(last - first for first, last in found.get(name, [])) for name in BUSY_STAGES}


def layer_clocks(plan: Plan, frame: FrameResult) -> list[int]:
    """Clocks of each layer of the network."""
    found = spans(frame.got.busy, frame.got.clocks)
    return [sum(last - first for first, last in found.get(f"layer {n}", [])) for n in range(len(plan.program.layers))]


def scored(plan: Plan, frame: FrameResult) -> Score | None:
    """Detections against the truth; nothing where there is no truth or no record leaves."""
    if not plan.scores or plan.options.mode == Mode.IMAGE:
        return None
    return score(frame.scene.objects, [o for record in frame.records for o in record.objects])


def totals(plan: Plan, frames: Sequence[FrameResult]) -> Score | None:
    """The scores of all frames together."""
    scores = [scored(plan, frame) for frame in frames]
    return sum((s for s in scores if s), Score()) if all(scores) and scores else None


def first_difference(plan: Plan, frames: Sequence[FrameResult], crop: str | None = None) -> dict[str, Any] | None:
    """Where gateware and golden model first part, and what to type to see it again."""
    for frame in frames:
        check = frame.first_difference
        if check is not None and check.difference is not None:
            different = check.difference
            values = {"want": different.want[different.at], "got": different.got[different.at]} if different.at else {}
            return {
                "frame": frame.index, "seed": plan.seed(frame.index), "stage": check.stage,
                "message": different.message, "at": list(different.at),
                **{name: value.item() for name, value in values.items()},
                "clock": clock_of(check, frame.got, plan.program), "crop": crop,
                "command": plan.options.command(frame.index + 1),
            }  # fmt: skip
    return None


def result(run: Exposure, frames: Sequence[FrameResult], began: float, crop: str | None = None) -> dict[str, Any]:
    """What result.json holds; ``began`` is when the run did, by ``time.perf_counter``, ``crop`` a file's name."""
    wall_seconds = time.perf_counter() - began
    plan = run.plan
    options, total = plan.options, totals(plan, frames)
    sim_seconds = sum(frame.seconds for frame in frames)
    cycles = sum(frame.got.clocks[1] - frame.got.clocks[0] for frame in frames)
    per_stage = [stage_clocks(frame) for frame in frames]
    count = max(len(frames), 1)
    return {
        "seed": options.seed, "width": options.frame.width, "height": options.frame.height, "frames": len(frames),
        "bit_exact": first_difference(plan, frames) is None and len(frames) == options.frames,
        "first_difference": first_difference(plan, frames, crop),
        "detections": [_detections(plan, frame) for frame in frames],
        "ground_truth": [[_plain(o) for o in frame.scene.objects] for frame in frames],
        "precision": total.total.precision if total else None,
        "recall": total.total.recall if total else None,
        "quality": {kind: _figures(total.of(kind)) for kind in ("part", "defect")} if total else None,
        "cycles": cycles,
        "cycles_per_stage": {name: round(sum(c[name] for c in per_stage) / count) for name in BUSY_STAGES},
        "cycles_per_layer": _layers(plan, frames),
        "frame_times": frame_times(plan, 0, frames[0].got).as_json() if frames else None,
        "load_cycles": run.load_clocks,
        "sim_seconds": round(sim_seconds, 3),
        "sim_cpu_seconds": round(sum(frame.cpu_seconds for frame in frames), 3),
        "wall_seconds": round(wall_seconds, 3),
        "first_pixel_at": run.simulation.first_pixel_at,
        "split": _split(run),
        "wall_seconds_by_part": {name: round(seconds, 3) for name, seconds in run.times.spent.items()},
        "megapixels_per_second": round(count * options.frame.width * options.frame.height / sim_seconds / 1e6, 3),
        "checks": [[_check(check) for check in frame.checks] for frame in frames],
        "mode": name_of(options.mode), "configuration": options.configuration.name,
        "network": {"name": plan.file.name, "id": f"{plan.file.network.identity:08x}"},
        "photograph": str(options.photograph) if options.photograph else None,
        "live": plan.settings.readout.live,
        "command": options.command(),
        "variables": dict(options.given),
        "versions": {**versions(building=False), "numpy": np.__version__, "pillow": pillow_version},
        "commit": commit(),
        "coverage": covered(plan, frames),
    }  # fmt: skip


def _split(run: Exposure) -> dict[str, float]:
    """Seconds by who took them: two processes work side by side, so that the sum is more than the wall clock shows."""
    spent = run.times.spent
    golden = spent.get(GOLDEN, 0.0)
    beside = ("frames in Verilator", "loading of the network", "Verilator build", GOLDEN)
    python = sum(seconds for name, seconds in spent.items() if name not in beside)
    python += spent["frames in Verilator"] + spent["loading of the network"] - sum(run.bursts.values())
    split = {**run.bursts, "python": max(python, 0.0), "golden": golden}
    return {name: round(seconds, 3) for name, seconds in split.items()}


def _layers(plan: Plan, frames: Sequence[FrameResult]) -> list[dict[str, Any]]:
    clocks = np.mean([layer_clocks(plan, frame) for frame in frames], axis=0).round().astype(int)
    layers = plan.program.host["layers"]
    return [
        {"layer": n, "op": layer["op"].lower(), "tensor": layer["tensor"], "macs": layer["macs"], "cycles": int(c)}
        for n, (layer, c) in enumerate(zip(layers, clocks, strict=True))
    ]


def _detections(plan: Plan, frame: FrameResult) -> list[dict[str, Any]]:
    return [o for record in frame.records for o in record.named(plan.file.class_names).as_json()["objects"]]


def _plain(real: Any) -> dict[str, Any]:
    return {
        "class": real.class_index, "name": real.name, "kind": real.kind, "centre": [real.centre_x, real.centre_y],
        "box": [real.left, real.top, real.width, real.height],
    }  # fmt: skip


def _figures(count: Count) -> Mapping[str, float]:
    return {**asdict(count), "recall": count.recall, "precision": count.precision}


def _check(check: Any) -> dict[str, Any]:
    return {"stage": check.stage, "elements": check.elements, "equal": check.difference is None}
