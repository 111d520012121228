"""`make bitstream BOARD=ulx3s-85f`: a board's design through Yosys, nextpnr and ecppack, and what came of it.

Seeds and the order of sets are fixed: the same sources, tools and seed give the same bitstream.
"""

import argparse
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from ocellus import networks
from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus.settings import FrameFormat
from ocellus.start import Start
from ocellus_hdl.boards import Board, Top, board
from ocellus_hdl.boards.found import sized
from ocellus_sim.programs import compiled

from ..ecp5 import CELLS, mapped, overused, plan
from ..floorplan import camera
from ..tools import ROOT, ToolError, locked, native, prepare, refuse, tool, version
from .committed import judged
from .report import Report, digest, figures

FOLDER = ROOT / "build" / "boards"
TOP = "top"
SDF = "top.sdf"
"""Where each delay is told: read for the report, and 100 MB that nobody needs then."""
NAMES = ("yosys", "nextpnr-ecp5", "ecppack")
AVAILABLE = {"LUT4": 83_640, "TRELLIS_FF": 83_640, "DP16KD": 208, "MULT18X18D": 156}
"""Of an LFE5U-85F, LFE5UM-85F or LFE5UM5G-85F: Lattice FPGA-DS-02012, table 1.1."""

MINUTES = 150
"""For placement and routing, before they are given up."""
FREE_COLLISIONS = "top.camera.sensor.cnn.*"
"""Memories that may show anything where they are read as they are written: stages rely on all others' old word."""


class MissedError(RuntimeError):
    """It was built as far as that goes, and is not what it should be."""


def place_of(board: Board, configuration: Configuration) -> Path:
    """Where a build leaves what it makes."""
    return FOLDER / board.name / configuration.name


@contextmanager
def step(console: Console, name: str, minutes: dict[str, float]) -> Iterator[Any]:
    """Shows what is going on and for how long; what is given tells the last line that a tool printed."""
    begin = time.monotonic()
    if not console.is_terminal:
        console.print(f"{name} ...")
    with console.status(name) as status:

        def tell(line: str) -> None:
            spent = int(time.monotonic() - begin)
            status.update(f"{name} {spent // 60}:{spent % 60:02}  {escape(line[:100])}")

        try:
            yield tell
        finally:
            minutes[name] = round((time.monotonic() - begin) / 60, 1)
    console.print(f"{name}: {time.monotonic() - begin:.0f} s")


def built_in(frame: FrameFormat, configuration: Configuration) -> Start:
    """What a bitstream holds: the project's own network, looking at readout's moving line, enabled."""
    file = networks.default()
    program = compiled(file, configuration)
    after = program.host["clocks_after_input"]
    return Start(program.to_bytes(), *networks.stage_settings(file, frame, None, Pattern.LINE, after))


def netlist(
    board: Board, configuration: Configuration, folder: Path, start: Start | None = None
) -> Mapping[str, list[str]]:
    """Write the design and its pins; the options that Amaranth's own build would give to each tool."""
    sys.setrecursionlimit(20_000)
    platform = board.platform()
    platform.add_resources(board.resources)
    # Without names of source files: they would put the folder that it was built in into the netlist.
    made = platform.prepare(Top(board, configuration, start), TOP, emit_src=False)
    files = {name: text if isinstance(text, str) else text.decode() for name, text in made.files.items()}
    for name in (f"{TOP}.il", f"{TOP}.lpf"):
        (folder / name).write_text(files[name])
    commands = (re.match(r'"\$(\w+)" (.*)', line) for line in files[f"build_{TOP}.sh"].splitlines())
    return {found[1]: shlex.split(found[2]) for found in commands if found}


def programs(console: Console) -> dict[str, str]:
    """Each tool: the machine's own, or the lock's, which is installed when one of them is needed."""
    own = {name: native(name) for name in NAMES}
    if None in own.values():
        prepare(console)
    return {name: found or locked(name) for name, found in own.items()}


def check_size(cells: Mapping[str, int], device: str) -> None:
    """:class:`BadInput` when the chip has not so many."""
    over = [kind for kind, there in AVAILABLE.items() if cells[kind] > there]
    if over:
        found = " and ".join(f"{cells[kind]:,} {CELLS[kind]}" for kind in over)
        allowed = " and ".join(f"{AVAILABLE[kind]:,}" for kind in over)
        raise BadInput(f"design: found {found}, allowed {allowed}: {device} has no more")


def route(
    folder: Path, arguments: list[str], program: str, options: argparse.Namespace, tell: Any, clock_hz: int
) -> dict[str, Any]:
    """Nextpnr's report; :class:`MissedError` when it comes to no end."""
    own = f"--report nextpnr.json --sdf {SDF} --seed {options.seed} --placer {options.placer} --router {options.router}"
    # The clock behind the PLL gets its own constraint, from the crystal's and the dividers.
    own += f" --freq {clock_hz / 1e6:g} --timing-allow-fail --threads 1"
    kept = [a for a in arguments if a != "--quiet"]
    if "--log" in kept:
        at = kept.index("--log")
        del kept[at : at + 2]
    log = folder / "nextpnr.log"
    try:
        ended = tool("nextpnr-ecp5", [*kept, *own.split()], log, 60 * options.minutes, program=program, tell=tell)
    except ToolError as error:
        said = log.read_text()
        if "Unable to place" in said or "no BELs remaining" in said or "Unable to find a placement" in said:
            raise BadInput(f"design: it does not fit: {re.findall('ERROR: (.*)', said)[-1]}") from error
        raise MissedError(str(error)) from error
    if not ended:
        shared = overused(log.read_text())
        reached = "placement came to no end" if shared is None else f"{shared:,} wires were still shared"
        raise MissedError(f"not routed after {options.minutes:g} minutes: {reached}")
    return json.loads((folder / "nextpnr.json").read_text())


def build(board: Board, configuration: Configuration, options: argparse.Namespace, console: Console) -> Report:
    """All of it, as far as it goes: a report without a bitstream says why there is none."""
    options = argparse.Namespace(**vars(options) | {"seed": board.seed if options.seed is None else options.seed})
    folder = place_of(board, configuration)
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("report.json", "report.txt", f"{TOP}.bit"):
        (folder / old).unlink(missing_ok=True)
    use = programs(console)
    minutes: dict[str, float] = {}
    with step(console, "network", minutes):
        start = built_in(board.frame, configuration)
    with step(console, "elaboration", minutes):
        given = netlist(board, configuration, folder, start)
    with step(console, "synthesis", minutes) as tell:
        cells = mapped(folder, options, use["yosys"], tell)
    console.print(", ".join(f"{count:,} {CELLS[kind]}" for kind, count in cells.items()))
    check_size(cells, board.device)
    plan(folder, camera if configuration == CONFIGURATIONS["ecp5"] else None)
    reached: dict[str, Any] = {}
    try:
        with step(console, "placement and routing", minutes) as tell:
            found = route(folder, given["NEXTPNR_ECP5"], use["nextpnr-ecp5"], options, tell, board.clock_hz)
        with step(console, "slowest paths", minutes):
            reached = figures(found, folder / SDF)
        with step(console, "packing", minutes) as tell:
            tool("ecppack", given["ECPPACK"], folder / "ecppack.log", program=use["ecppack"], tell=tell)
        reached["sha256"] = digest(folder / f"{TOP}.bit")
    except (MissedError, ToolError) as error:
        reached["failure"] = str(error)
    finally:
        (folder / SDF).unlink(missing_ok=True)
    report = Report(
        board=board.name,
        device=board.device,
        configuration=configuration.name,
        seed=options.seed,
        target_mhz=board.clock_hz / 1e6,
        cells=dict(cells),
        minutes=minutes,
        tools={name: version(program) for name, program in use.items()},
        **reached,
    )
    report.write(folder)
    return report


def common(parser: argparse.ArgumentParser) -> None:
    """What `make numbers` asks of its designs, too."""
    parser.add_argument("--seed", type=int, help="of placement and routing (default: a board's own, 1 for a design)")
    parser.add_argument("--placer", default="heap", choices=("heap", "static", "sa"))
    parser.add_argument("--router", default="router2", choices=("router1", "router2"))
    parser.add_argument("--wide", action="store_true", help="join LUT4s to larger ones: faster, and more of them")
    parser.add_argument("--wire", type=int, default=900, metavar="PS", help="what synthesis takes a wire's delay for")


def arguments() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(prog="make bitstream")
    parser.add_argument("--board", default="", help="one of `make boards`")
    parser.add_argument("--config", default="", help="another size of the accelerator than the board's")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="after which placing and routing is given up")
    common(parser)
    parser.set_defaults(free_collisions=FREE_COLLISIONS)
    return parser.parse_args()


def main() -> int:
    """Build, and say what came of it: 2 for what cannot be asked for, 1 for what was not reached."""
    options = arguments()
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        chosen = board(options.board)
        configuration = sized(chosen, options.config)
        report = build(chosen, configuration, options, console)
    except BadInput as error:
        refuse(str(error))
    except ToolError as error:
        print(f"ocellus: {options.board}: {error}", file=sys.stderr)
        return 1
    console.print("\n".join(report.lines()), markup=False, highlight=False)
    if not report.failure:
        console.print(f"{(place_of(chosen, configuration) / TOP).relative_to(ROOT)}.bit")
    return judged(report, console)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets reaches the netlist.
        os.execve(
            sys.executable,
            [sys.executable, "-m", "scripts.boards.bitstream", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
