"""A design through Yosys and nextpnr for an ECP5 LFE5U-85F: what it takes, and how fast it is."""

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: the stubs do not know it
from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.vendor import LatticePlatform

from .floorplan import Floorplan
from .tools import ROOT, Telling, ToolError, tool

FOLDER = ROOT / "build" / "numbers"

UNSEEN = ("o_tap",)
"""Ports that only the simulation looks at: a chip is built without them."""
SHORT = 5
"""Bits of sums and comparisons that LUTs do as well."""
CELLS = {"LUT4": "LUT4", "TRELLIS_FF": "FF", "DP16KD": "block RAM", "MULT18X18D": "multipliers"}


class Chip(LatticePlatform):
    """The chip alone: no board, no pins, no clock of its own."""

    device = "LFE5U-85F"
    package = "BG756"
    speed = "6"
    default_clk = None
    resources = ()
    connectors = ()


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


def synthesise(bench: Bench, folder: Path, options: argparse.Namespace) -> dict[str, int]:
    """Yosys; how many cells of each kind, a carry cell as two LUT4, and a memory of 16 x 4 bits as four."""
    sys.setrecursionlimit(20_000)
    ports = [bench.clk, bench.i_move, bench.i, bench.o]
    (folder / "top.il").write_text(rtlil.convert(bench, platform=Chip(), ports=ports, name="top", emit_src=False))
    return mapped(folder, options)


def mapped(
    folder: Path, options: argparse.Namespace, program: str | None = None, tell: Telling | None = None
) -> dict[str, int]:
    """As :func:`synthesise`, of the folder's top.il."""
    steps = ["read_rtlil top.il", "proc -noopt", "hierarchy -top top"]
    # What these parts' memories give when they are read where they are written, nothing may depend on: where it may,
    # the chip's RAM needs logic beside it.
    steps.append(f"setparam -set COLLISION_X_MASK 1'1 {options.free_collisions}/t:$memrd_v2 r:CLK_ENABLE=1 %i")
    # As `synth_ecp5` does it, but with wires as slow as they will be: gates are few where the design is slow then.
    wide, luts = ("", "") if options.wide else ("-nowidelut ", "-maxlut 4 ")
    steps += [
        f"synth_ecp5 {wide}-top top -run begin:map_gates",
        # A carry chain of few bits saves nothing, and ties what it joins to one place.
        f"techmap -map +/techmap.v t:$alu r:Y_WIDTH<={SHORT} %i",
        f"synth_ecp5 {wide}-top top -run map_gates:map_luts",
        "techmap -map +/lattice/latches_map.v",
        f"abc9 {luts}-W {options.wire}",
        "clean",
        f"synth_ecp5 {wide}-top top -run map_cells: -json top.json",
        "tee -q -o cells.json stat -json",
    ]
    tool("yosys", ["--hash-seed", "1", "-Q", "-p", "; ".join(steps)], folder / "yosys.log", program=program, tell=tell)
    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    lut4 = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 4 * cells.get("TRELLIS_DPR16X4", 0)
    return {kind: cells.get(kind, 0) for kind in CELLS} | {"LUT4": lut4}


def memories(folder: Path) -> dict[str, int]:
    """Block RAMs by the part of the design that they belong to, as the source names it."""
    top = json.loads((folder / "top.json").read_text())["modules"]["top"]
    names = (name for name, cell in top["cells"].items() if cell["type"] == "DP16KD")
    return dict(Counter(".".join(name.split(".")[1:3]) for name in names).most_common())


def named(cell: str) -> str:
    """The signal of the source that a cell makes."""
    return re.split(r"_(?:TRELLIS|LUT4|CCU2C|PFUMX|DP16KD|MULT18X18D)_|(?<=.)\$", cell.removeprefix("design."))[0]


def described(path: list[dict[str, Any]]) -> str:
    """A path of nextpnr's report: the signals of the source that it begins and ends at, and where its time goes."""
    delays = [sum(step["delay"] for step in path if (step["type"] == "routing") == wires) for wires in (False, True)]
    gates = sum(step["type"] == "logic" for step in path)
    ends = f"`{named(path[0]['from']['cell'])}` to `{named(path[-1]['to']['cell'])}`"
    return f"{ends}: {delays[0]:.1f} ns in {gates} gates, {delays[1]:.1f} ns on wires"


def slowest(report: dict[str, Any]) -> str:
    """The path that sets the clock."""
    paths = (p["path"] for p in report["critical_paths"] if p["from"] == p["to"])
    return described(max(paths, key=lambda path: sum(step["delay"] for step in path)))


ROUTER = {
    "router2/bbMargin/x": "12",
    "router2/bbMargin/y": "12",
    "router2/initCurrCongWeight": "1.5",
    "router2/currCongWeightMult": "0.3",
    "router2/estimateWeight": "1.05",
}
"""Of nextpnr: how many tiles beside its pins a signal may go (its own 3 leave no way around a place that is full), and
how dear a wire is that another signal has: so much at first, and so much more each round (its own 0.5, and 2 more: from
round twenty on signals flee so far that they fill what is free)."""


def plan(folder: Path, floorplan: Floorplan | None) -> None:
    """Write into the netlist where its multipliers and block RAMs go, and what its router may do."""
    netlist = json.loads((folder / "top.json").read_text())
    top = netlist["modules"]["top"]
    top["settings"] = ROUTER
    try:
        bels = floorplan(top["cells"]) if floorplan is not None else {}
    except ValueError as error:
        raise ToolError(f"scripts/floorplan.py is made for other multipliers and block RAMs: {error}") from error
    for cell, bel in bels.items():
        top["cells"][cell]["attributes"]["BEL"] = bel
    (folder / "top.json").write_text(json.dumps(netlist))


@dataclass(frozen=True)
class Placed:
    """What nextpnr came to.

    The clock is estimated before routing. The router ends with a clock, or shares some wires when it has to stop.
    """

    trellis_comb: int | None = None
    estimate: float | None = None
    fmax: float | None = None
    overused: int | None = None
    slowest: str = ""


def overused(said: str) -> int | None:
    """Wires that more than one signal had in the router's best round, as its log tells."""
    return min((int(n) for n in re.findall(r"overused=(\d+)", said)), default=None)


def place(folder: Path, options: argparse.Namespace) -> Placed:
    """Place and route, no longer than is allowed."""
    arguments = (
        f"--85k --package CABGA756 --speed {Chip.speed} --json top.json --report report.json --textcfg top.config"
    )
    arguments += f" --freq {options.clock} --seed {options.seed} --placer {options.placer} --router {options.router}"
    arguments += " --lpf-allow-unconstrained --timing-allow-fail --threads 1"
    plan(folder, None)
    log = folder / "nextpnr.log"
    ended = tool("nextpnr-ecp5", arguments.split(), log, 60 * options.minutes)
    said = log.read_text()
    used, clocks = (re.findall(p, said) for p in (r"TRELLIS_COMB: +(\d+)/", r"Max frequency .*: ([\d.]+) MHz"))
    comb, estimate = (int(used[-1]) if used else None), (round(float(clocks[0]), 1) if clocks else None)
    if not ended:
        return Placed(comb, estimate, overused=overused(said))
    report = json.loads((folder / "report.json").read_text())
    fmax = round(min(clock["achieved"] for clock in report["fmax"].values()), 1)
    return Placed(comb, estimate, fmax, 0, slowest(report))
