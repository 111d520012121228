"""`make bench-sim`: what a frame costs in the simulator, and what the harness, the comparison and the builds add.

Ratios are taken in one run, alternating; ``python -m scripts.bench_sim --help`` tells the options.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ocellus.settings import UHD
from ocellus_sim.app.exposure import Exposure
from ocellus_sim.app.options import Options
from ocellus_sim.app.plan import Plan, control_words, prepare
from ocellus_sim.app.result import commit
from ocellus_sim.app.simulation import FACTORY, Simulation, design
from ocellus_sim.app.training import train
from ocellus_sim.cosim import build, toolchain
from ocellus_sim.golden import readout, sensor

from .bench_models import Drive, Ways, Workbench, measured

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
PAGE = ROOT / "docs" / "cosim.md"
BEGIN = "<!-- the tables below are written by `make bench-sim ARGS=--page` -->\n"
END = "<!-- the tables above are -->\n"
FRAMES = 3
"""Of the run that is timed; the first one waits for the simulator to start."""

TARGETS: dict[str, tuple[str, float]] = {
    "harness_over_bare": ("<=", 1.05),
    "stock_over_harness": (">=", 100),
    "compare_share": ("<=", 0.25),
    "golden_s": ("<=", 1.5),
    "frame_s": ("<=", 3),
    "frame_trained_s": ("<=", 3),
    "cold_build_s": ("<=", 90),
    "warm_start_s": ("<=", 2),
}
MEANINGS = {
    "harness_over_bare": "processor time of a clock in the harness, over a bare C++ loop's on the same model",
    "stock_over_harness": "of a clock in cocotb's runner with one write from Python, over the harness'",
    "compare_share": "share of a frame's wall time that goes into comparing every pixel and layer",
    "golden_s": "the golden sensor, a frame, alone",
    "frame_s": "a frame as in `make sim`, from its pixels being handed in to every stage compared",
    "frame_trained_s": "the same after `make sim TRAIN=1`",
    "cold_build_s": "the simulator, built from nothing, without ccache",
    "warm_start_s": "from the command to the first pixel, nothing changed, the better of two",
}


def frame_part() -> dict[str, Any]:
    """One run of some frames in this process, timed: what `make sim` does, without pictures."""
    plan = prepare(Options.read(os.environ))
    begins: list[float] = []
    ends: list[float] = []

    def tell(event: str, facts: Any) -> None:
        if event == "begins":
            begins.append(time.time())
        elif event == "frame" and "result" in facts:
            ends.append(time.time())

    with tempfile.TemporaryDirectory() as folder, Simulation(plan.options, Path(folder), tell) as simulation:
        run = Exposure(plan, simulation)
        run.build()
        frames = run.results()
    scene = plan.scene(0)
    begin = time.perf_counter()
    sensor.run(scene.raw, plan.settings, plan.file.network)
    golden = time.perf_counter() - begin
    spent = [end - start for start, end in zip(begins, ends, strict=True)]
    return {
        "exact": all(frame.first_difference is None for frame in frames),
        "frame_s": statistics.median(spent[1:]),
        "simulation_s": statistics.median(frame.seconds for frame in frames[1:]),
        "simulation_cpu_s": statistics.median(frame.cpu_seconds for frame in frames[1:]),
        "compare_s": run.times.spent["comparison"] / len(frames),
        "golden_s": golden,
        "peak_simulator_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "peak_checker_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def build_part() -> dict[str, Any]:
    """The sensor's simulator, built here and now."""
    built = build(FACTORY, design(Options.read(os.environ)))
    return {"fresh": built.fresh, "cold_build_s": built.seconds, "folder": str(built.folder)}


def train_part() -> dict[str, Any]:
    """The same simulator, compiled again by what a frame shows."""
    options = Options.read(os.environ)
    begin = time.perf_counter()
    train(build(FACTORY, design(options)), {name: os.environ[name] for name in ("SEED", "CONFIG", "SIZE")})
    return {"training_s": time.perf_counter() - begin}


def warm_up(variables: dict[str, str]) -> float:
    """Seconds from the command `make sim`, once make has called Python, to its first pixel."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | variables | {"FRAMES": "1", "OCELLUS_RUN_FOLDER": folder}
        began = time.time()
        command = [sys.executable, "-m", "ocellus_sim.app"]
        done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        if done.returncode:
            raise toolchain.ToolError(f"bench-sim: {' '.join(command)} ended with status {done.returncode}")
        return json.loads((Path(folder) / "result.json").read_text())["first_pixel_at"] - began


def part(name: str, variables: dict[str, str]) -> dict[str, Any]:
    """A part of this script in a process of its own."""
    env = os.environ | variables
    done = subprocess.run(
        [sys.executable, "-m", "scripts.bench_sim", "--part", name],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise toolchain.ToolError(f"bench-sim: the part {name} ended with status {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def drives(plan: Plan) -> list[Drive]:
    """The whole sensor with the first lines of a frame, and a small front end with the same pixels."""
    frame = plan.options.frame
    pixels = readout.beats(plan.scene(0).raw)
    settings = plan.settings
    writes = [w for s in (settings.isp, settings.tensor, settings.metadata, settings.readout) for w in s.writes()]
    lines = frame.clocks_per_line
    return [
        Drive("sensor", FACTORY, design(plan.options), "i_array", pixels, "o",
              control_words(writes), 100 * lines, 100 * lines),
        Drive("front end", "tb.cosim.pipeline:Pipeline", {"macs": 16}, "i", pixels & np.uint64((1 << 40) - 1), "o",
              None, 2000 * lines, 40 * lines),
    ]  # fmt: skip


def machine() -> dict[str, Any]:
    """What it ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = names[0] if names else platform.processor() or platform.machine()
    return {"cpu": cpu, "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}


def good(name: str, value: float) -> bool:
    """Whether a figure is as it is to be."""
    sign, target = TARGETS[name]
    return value <= target if sign == "<=" else value >= target


def rows(found: dict[str, Any]) -> list[tuple[str, str, str, bool, str]]:
    """Name, figure, target, whether it is reached, and what it is."""
    return [
        (name, f"{found[name]:.3g}", f"{sign} {target:g}", good(name, found[name]), MEANINGS[name])
        for name, (sign, target) in TARGETS.items()
    ]


def ways_rows(ways: dict[str, Ways]) -> list[list[str]]:
    """Nanoseconds a clock, a line a design."""
    return [
        [name, f"{w.bare:.0f}", f"{w.burst:.0f}", f"{w.harness_over_bare:.3f}", f"{w.divided:.0f}",
         f"{w.burst_short:.0f}", f"{w.stock:,.0f}", f"{w.stock_over_harness:.0f}"]
        for name, w in ways.items()
    ]  # fmt: skip


WAYS = (
    "design", "bare loop, ns a clock", "harness", "over bare", "harness, with regions", "the same, stock's clocks",
    "stock", "over that",
)  # fmt: skip


def write_page(found: dict[str, Any], ways: dict[str, Ways]) -> None:
    """The tables between the marks of docs/cosim.md."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    lines = ["| figure | measured | target | what it is |", "|---|---:|---:|---|"]
    lines += [f"| `{n}` | {v if ok else f'**{v}**'} | {t.replace('<', '&lt;').replace('>', '&gt;')} | {m} |"
              for n, v, t, ok, m in rows(found)]  # fmt: skip
    lines += ["", f"| {' | '.join(WAYS)} |", "|---" + "|---:" * (len(WAYS) - 1) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in ways_rows(ways)]
    m = found["machine"]
    lines += ["", f"{m['cpu']}, {m['cores']} cores, load {m['load']} as it began; commit {found['commit']}; "
              f"peak memory {found['peak_simulator_mib']:.0f} MiB in the simulator, "
              f"{found['peak_checker_mib']:.0f} MiB beside it. "
              f"With the image, too, and trained, a frame takes {found['frame_image_s']:.2f} s; "
              f"training took {found['training_s']:.0f} s.", ""]  # fmt: skip
    PAGE.write_text(head + BEGIN + "\n".join(lines) + END + tail)


def run(given: argparse.Namespace, console: Console) -> int:
    """All parts; prints, keeps and perhaps writes the page."""
    found: dict[str, Any] = {"machine": machine(), "commit": commit(), "versions": toolchain.versions()}
    console.print(f"{found['machine']['cpu']}, {found['machine']['cores']} cores, load {found['machine']['load']}")
    variables = {
        "SEED": "4",
        "FRAMES": str(FRAMES),
        "CONFIG": given.config,
        "SIZE": given.size,
    }
    (OUT / "sim").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cold-", dir=OUT) as fresh:
        console.print("cold build of the sensor ...")
        cold = part("build", variables | {"OCELLUS_BUILD": fresh, "CCACHE_DISABLE": "1"})
        if not cold["fresh"]:
            raise toolchain.ToolError("bench-sim: found a simulator in an empty folder")
        console.print(f"{cold['cold_build_s']:.1f} s; {FRAMES} frames, each checked ...")
        os.environ["OCELLUS_BUILD"] = fresh
        warm_up(variables)  # files and programs in memory, as in everyday use
        found["warm_start_s"] = min(warm_up(variables) for _ in range(2))
        plain = Path(fresh) / "plain"  # as it is before it is trained
        shutil.copytree(cold["folder"], plain)
        console.print("the same, trained ...")
        found |= cold | part("train", variables)
        console.print(f"{found['training_s']:.0f} s; frames on the one and the other ...")
        runs = [(part("frame", variables | {"OCELLUS_SIMULATOR": str(plain)}), part("frame", variables))
                for _ in range(2)]  # fmt: skip
        frame, trained = (min(some, key=lambda run: run["frame_s"]) for some in zip(*runs, strict=True))
        image = part("frame", variables | {"MODE": "image+metadata"})
        found |= frame
        found |= {"frame_trained_s": trained["frame_s"], "frame_image_s": image["frame_s"]}
        found["exact"] = all(run["exact"] for run in (*runs[0], *runs[1], image))
        found["compare_share"] = frame["compare_s"] / frame["frame_s"]
        console.print(f"{frame['frame_s']:.2f} and {trained['frame_s']:.2f} s a frame; the designs in three ways ...")
        ways = {}
        for drive in drives(prepare(Options.read(variables))):
            bench = Workbench(drive, OUT / "sim", console.print)
            bench.build()
            ways[drive.name] = measured(bench, given.rounds)
            console.print(f"{drive.name}: {ways[drive.name]}")
    found |= {"ways": {name: asdict(w) for name, w in ways.items()}}
    found["harness_over_bare"] = ways["sensor"].harness_over_bare
    found["stock_over_harness"] = ways["sensor"].stock_over_harness
    (OUT / "sim.json").write_text(json.dumps(found, indent=1) + "\n")
    console.print(_table(rows(found)))
    table = Table(*WAYS)
    for row in ways_rows(ways):
        table.add_row(*row)
    console.print(table)
    console.print(f"peak memory: {found['peak_simulator_mib']:.0f} MiB in the simulator, "
                  f"{found['peak_checker_mib']:.0f} MiB beside it; written to build/bench/sim.json")  # fmt: skip
    if given.page:
        write_page(found, ways)
    return int(not found["exact"])


def _table(lines: list[tuple[str, str, str, bool, str]]) -> Table:
    table = Table("figure", "measured", "target", "what it is")
    for name, value, target, ok, meaning in lines:
        table.add_row(name, f"[{'green' if ok else 'red'}]{value}[/]", target, meaning)
    return table


PARTS = {"build": build_part, "frame": frame_part, "train": train_part}


def main() -> int:
    """Exit status 1 when a frame was not exact; a figure that misses its target is red, and no failure."""
    parser = argparse.ArgumentParser(prog="make bench-sim", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", default="ecp5", help="of the accelerator")
    parser.add_argument("--size", default=f"{UHD.width}x{UHD.height}", metavar="WIDTHxHEIGHT", help="of the frame")
    parser.add_argument("--rounds", type=int, default=10, help="of the ratios")
    parser.add_argument("--page", action="store_true", help="write the tables of docs/cosim.md")
    parser.add_argument("--part", choices=[*PARTS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        print(json.dumps(PARTS[given.part]()))
        return 0
    try:
        return run(given, Console(width=None if sys.stdout.isatty() else 150))
    except toolchain.ToolError as error:
        print(f"ocellus: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
