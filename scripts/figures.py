"""What designs and boards take of an ECP5 85F, and how fast they are: synthesised, placed and routed by open tools.

make numbers ARGS="pair ulx3s-85f --seed 2"; all without names. Every seed is fixed, so that the same sources give
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
from ocellus.errors import BadInput
from ocellus.settings import UHD
from ocellus_hdl.boards.found import board, points
from ocellus_hdl.cnn.lane import RequantiserLane
from ocellus_hdl.cnn.pair import PairMultiplier
from ocellus_hdl.readout.line import Line
from ocellus_hdl.serial import Serial

from .boards import bitstream, committed
from .boards.committed import BoardNumbers, markdown, written
from .ecp5 import FOLDER, Bench, Chip, Placed, memories, place, synthesise
from .tools import ROOT, ToolError, prepare

MINUTES = 30
KEPT = ROOT / "build" / "numbers.json"
MARK = "<!-- the table below is written by `make numbers ARGS=--page` -->\n"

DESIGNS: dict[str, Callable[[], wiring.Component]] = {
    "pair": PairMultiplier,
    "lane": RequantiserLane,
    "lane-left-7": lambda: RequantiserLane(left_bits=3),
    "serial": lambda: Serial(75e6, CONFIGURATIONS["ecp5"]),
    "line": lambda: Line(UHD),
}


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


def of_design(name: str, options: argparse.Namespace, console: Console) -> Numbers:
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
                placed = place(folder, options)
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


def of_board(name: str, options: argparse.Namespace, console: Console) -> tuple[BoardNumbers | None, int]:
    """All of it for one board, as `make bitstream` builds it, and an exit status."""
    try:
        chosen = board(name)
        report = bitstream.build(chosen, chosen.configuration, options, console)
    except (BadInput, ToolError) as error:
        print(f"ocellus: {name}: {error}", file=sys.stderr)
        return None, 1
    console.print("\n".join(report.lines()), markup=False, highlight=False)
    return BoardNumbers.of(report), committed.judged(report, console, renewed=options.page)


WIDTH = 150
"""Of the table where no terminal has its own."""
HEADINGS = ("design", "LUT4", "FF", "block RAM", "multipliers", "TRELLIS_COMB placed", "MHz placed", "MHz routed",
            "wires shared", "tools, minutes")  # fmt: skip
FIGURES = ("lut4", "ff", "block_ram", "multipliers", "trellis_comb", "fmax_placed_mhz", "fmax_mhz", "overused",
           "minutes")  # fmt: skip


def row(n: Numbers) -> list[str]:
    """As the table shows it."""
    return [n.design, *("-" if getattr(n, name) is None else f"{getattr(n, name):,}" for name in FIGURES)]


def designs_text(numbers: list[Numbers]) -> str:
    """The designs' part of the page."""
    text = markdown([[*HEADINGS], ["---"] * len(HEADINGS), *map(row, numbers)])
    for n in numbers:
        if n.memories:
            shares = ", ".join(f"`{part}` {count}" for part, count in n.memories.items())
            text += f"\nBlock RAMs of `{n.design}`: {shares}.\n"
    if paths := [f"- `{n.design}`: {n.slowest}\n" for n in numbers if n.slowest]:
        text += "\nThe slowest paths, from register to register:\n" + "".join(paths)
    return text


@dataclass
class Kept:
    """The last figures of each, by name: what build/numbers.json holds."""

    designs: dict[str, Numbers]
    boards: dict[str, BoardNumbers]

    @classmethod
    def read(cls) -> "Kept":
        """Of earlier runs; what an older version of this kept is not."""
        found = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        designs, boards = (found.get(kind, []) if isinstance(found, dict) else [] for kind in ("designs", "boards"))
        return cls(
            {n["design"]: Numbers(**n) for n in designs if n.keys() == {f.name for f in fields(Numbers)}},
            {n["name"]: BoardNumbers(**n) for n in boards if n.keys() == {f.name for f in fields(BoardNumbers)}},
        )

    def write(self) -> None:
        """All of it."""
        found = {kind: [asdict(n) for n in numbers.values()] for kind, numbers in vars(self).items()}
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        KEPT.write_text(json.dumps(found, indent=2) + "\n")

    def all_designs(self) -> list[Numbers]:
        """In the order of their list."""
        return [self.designs[name] for name in DESIGNS if name in self.designs]

    def show(self, console: Console) -> None:
        """Both tables."""
        table = Table(*HEADINGS, title=f"LFE5U-85F, speed grade {Chip.speed}")
        for n in self.all_designs():
            table.add_row(*row(n))
        if table.row_count:
            console.print(table)
        table = Table(*committed.HEADINGS, title="boards")
        for line in committed.lines([*points()], self.boards):
            table.add_row(*line[:-1], line[-1][:12])
        console.print(table)

    def write_page(self, names: list[str]) -> None:
        """The tables of what was measured now; a board that was not keeps its line."""
        page = committed.PAGE.read_text()
        if any(name in DESIGNS for name in names):
            page = written(page, MARK, designs_text(self.all_designs()))
        boards = [*points()]
        if any(name in boards for name in names):
            page = written(page, committed.MARK, committed.text(boards, committed.committed() | self.boards))
        committed.PAGE.write_text(page)


def arguments() -> argparse.Namespace:
    """What was typed."""
    boards = [*points()]
    parser = argparse.ArgumentParser(prog="make numbers")
    known = ", ".join((*DESIGNS, *boards))
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {known}; all without")
    bitstream.common(parser)
    parser.add_argument("--clock", type=float, default=100, metavar="MHZ", help="what designs are placed for")
    minutes = f"after which routing is given up; without, {MINUTES} for a design, {bitstream.MINUTES} for a board"
    parser.add_argument("--minutes", type=float, help=minutes)
    parser.add_argument("--no-place", action="store_true", help="synthesis alone, of designs")
    parser.add_argument("--page", action="store_true", help="write the tables of docs/numbers.md")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in (*DESIGNS, *boards)]:
        parser.error(f"names: found {unknown[0]}; allowed are {known}")
    if options.no_place and (found := [name for name in options.names if name in boards]):
        parser.error(f"--no-place: found {found[0]}; allowed are designs: {', '.join(DESIGNS)}")
    options.names = options.names or [*DESIGNS, *([] if options.no_place else boards)]
    return options


def typed(
    options: argparse.Namespace, minutes: float, free_collisions: str, seed: int | None = None
) -> argparse.Namespace:
    """With what designs and boards have each for themselves."""
    own = {
        "minutes": options.minutes or minutes, "free_collisions": free_collisions,
        "seed": seed if options.seed is None else options.seed,
    }  # fmt: skip
    return argparse.Namespace(**vars(options) | own)


def main() -> int:
    """Measure what is named; show and keep these and the last figures of the others. 1 if something was not reached."""
    options = arguments()
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    kept, status = Kept.read(), 0
    if any(name in DESIGNS for name in options.names):
        prepare(console)
    for name in options.names:
        if name in DESIGNS:
            kept.designs.pop(name, None)
            try:
                found = of_design(name, typed(options, MINUTES, "*", seed=1), console)
            except ToolError as error:
                print(f"ocellus: {name}: {error}", file=sys.stderr)
                status = 1
            else:
                kept.designs[name] = found
                status |= not options.no_place and found.fmax_placed_mhz is None
        else:
            kept.boards.pop(name, None)
            board_options = typed(options, bitstream.MINUTES, bitstream.FREE_COLLISIONS)
            built, missed = of_board(name, board_options, console)
            kept.boards |= {name: built} if built else {}
            status |= missed
        kept.write()
    kept.show(console)
    if options.page:
        kept.write_page(options.names)
    return int(status)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets reaches the netlist.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "scripts.figures", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
