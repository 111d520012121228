"""What a design takes of an ECP5 LFE5U-85F and how fast it runs there: synthesised, placed and routed by open tools.

make numbers ARGS="pair lane --seed 2"; all designs without names. Every seed is fixed, so that the same sources give
the same figures again. (A script named numbers.py would hide Python's module of that name from all that it imports.)
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields

from amaranth.lib import wiring
from rich.console import Console
from rich.table import Table

from ocellus.configurations import CONFIGURATIONS
from ocellus.settings import UHD
from ocellus_hdl.cnn.cnn import Cnn
from ocellus_hdl.cnn.lane import RequantiserLane
from ocellus_hdl.cnn.pair import PairMultiplier
from ocellus_hdl.readout.line import Line
from ocellus_hdl.serial import Serial

from . import floorplan
from .ecp5 import FOLDER, Bench, Chip, Placed, memories, place, synthesise
from .tools import ROOT, ToolError, prepare

KEPT = ROOT / "build" / "numbers.json"
PAGE = ROOT / "docs" / "numbers.md"
MARK = "<!-- the table below is written by `make numbers ARGS=--page` -->\n"

DESIGNS: dict[str, Callable[[], wiring.Component]] = {
    "pair": PairMultiplier,
    "lane": RequantiserLane,
    "lane-left-7": lambda: RequantiserLane(left_bits=3),
    "serial": lambda: Serial(75e6, CONFIGURATIONS["ecp5"]),
    "line": lambda: Line(UHD),
    "cnn": lambda: Cnn(CONFIGURATIONS["ecp5"]),
}
TARGETS = {"cnn": {"lut4": 45_000, "block_ram": 150, "multipliers": 140, "fmax_mhz": 80}}
"""At most so many, and at least so fast."""
PLANS = {"cnn": floorplan.accelerator}
"""Where multipliers and block RAMs go, by design; the placer's choice without."""


@dataclass(frozen=True)
class Numbers:
    """One design's figures, the shift registers around it taken off; None is what did not end, or was not run."""

    design: str
    lut4: int
    ff: int
    block_ram: int
    multipliers: int
    trellis_comb: int | None
    fmax_placed_mhz: float | None
    fmax_mhz: float | None
    overused: int | None
    minutes: float
    seed: int
    placer: str
    router: str
    memories: dict[str, int] = field(default_factory=dict)
    slowest: str = ""


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
    placed = Placed()
    if not options.no_place:
        try:
            with console.status(f"{name}: placement and routing (build/numbers/{name})"):
                placed = place(folder, None if options.no_plan else PLANS.get(name), options)
            end = f"{placed.fmax} MHz; {placed.slowest}" if placed.fmax else f"{placed.overused} wires still shared"
            console.print(f"{name}: {placed.estimate} MHz placed, {end} after {time.monotonic() - start:.0f} s")
        except ToolError as error:
            console.print(f"{name}: not placed\n{error}", markup=False, highlight=False)
    return Numbers(
        design=name,
        lut4=lut4,
        ff=ff,
        block_ram=cells["DP16KD"],
        multipliers=cells["MULT18X18D"],
        trellis_comb=None if placed.trellis_comb is None else placed.trellis_comb - bench.extra_lut4,
        fmax_placed_mhz=placed.estimate,
        fmax_mhz=placed.fmax,
        overused=placed.overused,
        minutes=round((time.monotonic() - start) / 60, 1),
        seed=options.seed,
        placer=options.placer,
        router=options.router,
        memories=memories(FOLDER / name),
        slowest=placed.slowest,
    )


WIDTH = 150
"""Of the table where no terminal has its own."""
HEADINGS = ("design", "LUT4", "FF", "block RAM", "multipliers", "TRELLIS_COMB placed", "MHz placed", "MHz routed",
            "wires shared", "tools, minutes")  # fmt: skip
FIGURES = ("lut4", "ff", "block_ram", "multipliers", "trellis_comb", "fmax_placed_mhz", "fmax_mhz", "overused",
           "minutes")  # fmt: skip


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


def before() -> list[Numbers]:
    """What is kept of earlier runs; what an older version of this kept is not."""
    found = json.loads(KEPT.read_text()) if KEPT.exists() else []
    return [Numbers(**n) for n in found if n.keys() == {f.name for f in fields(Numbers)}]


def main() -> int:
    """Measure the designs named; show and keep these and the last figures of the others. 1 if a tool gave up."""
    parser = argparse.ArgumentParser(prog="make numbers")
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help=f"of {', '.join(DESIGNS)}; all without")
    parser.add_argument("--seed", type=int, default=1, help="of placement and routing")
    parser.add_argument("--clock", type=float, default=100, metavar="MHZ", help="what placement and routing aim at")
    parser.add_argument("--placer", default="heap", choices=("heap", "static", "sa"))
    parser.add_argument("--router", default="router2", choices=("router1", "router2"))
    parser.add_argument("--minutes", type=float, default=30, help="after which placing and routing is given up")
    parser.add_argument("--no-plan", action="store_true", help="the placer's own places for multipliers and RAMs")
    parser.add_argument("--no-place", action="store_true", help="synthesis alone")
    parser.add_argument("--wide", action="store_true", help="join LUT4s to larger ones: faster, and more of them")
    parser.add_argument("--wire", type=int, default=900, metavar="PS", help="what synthesis takes a wire's delay for")
    parser.set_defaults(free_collisions="*")
    parser.add_argument("--page", action="store_true", help="write the table of docs/numbers.md")
    options = parser.parse_args()
    if unknown := [name for name in options.designs if name not in DESIGNS]:
        parser.error(f"designs: found {unknown[0]}; allowed are {', '.join(DESIGNS)}")
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    prepare(console)
    kept = {n.design: n for n in before()}
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
    return int(not options.no_place and any(n.fmax_placed_mhz is None for n in measured))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets reaches the netlist.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "scripts.figures", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
