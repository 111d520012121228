"""A stage's design with faults that can be chosen while it runs: Yosys' `mutate`, one simulator for all of them.

The top gets one more input, ``mutant``: 0 is the design as it is, any other number the fault of that number.
"""

import json
import os
import pickle
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ocellus_sim.cosim import Build, content
from ocellus_sim.cosim.builds import build_verilog
from ocellus_sim.cosim.conversion import settled
from scripts.tools import LOCK, ROOT, tool

from .stages import Stage
from .wiring import bits_of_cells, nothing

FOLDER = ROOT / "build" / "mutants"
PORT = "mutant"
UNTOUCHED = {"CLK", "RD_CLK", "WR_CLK"}
"""Ports of cells that keep their signal: a clock that comes when it likes is no fault of a synchronous design."""
CONVERSION = [ROOT / "sim/ocellus_sim/cosim" / f"{name}.py" for name in ("conversion", "regions", "verilog")]
"""What makes a netlist of a component."""
EXCESS = 3
"""So many times as many as are wanted are asked for: some are struck off."""

FLATTENED = """
read_rtlil top.il
proc -norom
hierarchy -top top
flatten
memory_collect
opt -full
wreduce
opt -full
opt_clean -purge
rename -wire
write_rtlil flat.il
select -set outside a:src=*/cosim/* w:drive %co1:+[CLK] t:* %i %u
select -set wanted t:* t:$check t:$print t:$scopeinfo %u %u @outside %u %d
"""
"""Adders lose bits that nobody reads before they are mutated: such a fault would be none. The registers between the
top's inputs and the design are the bench's."""


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes
    ----------
    mode
        ``inv``; ``const0``, ``const1``: the bit is stuck; ``cnot0``, ``cnot1``: inverted while bit ``ctrlbit`` of the
        same port is 0 or 1.
    cell, port, bit
        Where in the flattened design.
    places
        Lines of the source that the cell comes from, those of the gateware first.
    """

    number: int
    stage: str
    mode: str
    cell: str
    port: str
    bit: int
    ctrlbit: int | None
    places: tuple[str, ...]

    @property
    def id(self) -> str:
        """Stays the same as long as the part of the design around it does."""
        by = "" if self.ctrlbit is None else f" by {self.ctrlbit}"
        return f"{short(self.cell)}.{self.port}[{self.bit}] {self.mode}{by}"

    @property
    def command(self) -> str:
        """Yosys' own."""
        by = "" if self.ctrlbit is None else f" -ctrlbit {self.ctrlbit}"
        where = f"-module top -cell {self.cell} -port {self.port} -portbit {self.bit}{by}"
        return f"mutate -ctrl {PORT} 16 {self.number} -mode {self.mode} {where}"


@dataclass(frozen=True)
class Mutated:
    """A simulator and the faults in it."""

    build: Build
    mutants: list[Mutant]


def short(cell: str) -> str:
    """A cell's name as people read it."""
    return re.sub(r"^\W*(flatten)?\W*component\W*", "", cell).replace("\\", "")


def mutated(stage: Stage, count: int, seed: int) -> Mutated:
    """Builds it, if it is not there."""
    folder = FOLDER / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    _convert(stage, folder)
    listing = f"mutate -list {EXCESS * count + 50} -seed {seed} -o list.txt @wanted\n"
    _yosys(folder, "list", FLATTENED + listing)
    bits = bits_of_cells((folder / "flat.il").read_text())
    mutants = chosen(stage, bits, (folder / "list.txt").read_text().splitlines(), count, seed)
    steps = ["read_rtlil flat.il", *(m.command for m in mutants), "pmuxtree", "write_verilog -norename -noattr top.v"]
    _yosys(folder, "mutate", "\n".join(steps) + "\n")
    (folder / "mutants.json").write_text(json.dumps([m.command for m in mutants], indent=1))
    text = settled((folder / "top.v").read_text())
    return Mutated(build_verilog(text, f"{stage.name} with {len(mutants)} mutants"), mutants)


def _convert(stage: Stage, folder: Path) -> None:
    """The netlist of the stage in its folder; not again where its sources are those of the last time."""
    files = [*content.source_files(stage.factory.partition(":")[0]), *CONVERSION]
    key = content.digest([stage.factory, content.canonical(stage.arguments), *(path.read_bytes() for path in files)])
    stamp = folder / "netlist.key"
    if stamp.exists() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    (folder / "arguments.pickle").write_bytes(pickle.dumps(stage.arguments))
    command = [sys.executable, "-m", "ocellus_sim.cosim.conversion", stage.factory]
    # The order of sets reaches the netlist.
    subprocess.run(
        [*command, str(folder / "arguments.pickle"), str(folder / "top.il"), "whole"],
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
    )
    stamp.write_text(key)


def _yosys(folder: Path, name: str, script: str) -> None:
    """Yosys in the stage's folder; not again where the netlist and the script are those of its last run."""
    key = content.digest([(folder / "top.il").read_bytes(), script, LOCK.read_bytes()])
    stamp = folder / f"{name}.key"
    if stamp.exists() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    (folder / f"{name}.ys").write_text(script)
    tool("yosys", ["--hash-seed", "1", "-Q", "-q", f"{name}.ys"], folder / f"{name}.log")
    stamp.write_text(key)


def chosen(stage: Stage, bits: dict[str, dict[str, str]], lines: list[str], count: int, seed: int) -> list[Mutant]:
    """So many of Yosys' list, drawn by the seed, in the list's order and numbered from 1."""
    read = [m for line in lines if (m := _read(stage, line)) is not None]
    found = [m for m in read if not nothing(bits[m.cell][m.port], m.mode, m.bit, m.ctrlbit)]
    kept = sorted(random.Random(seed).sample(range(len(found)), min(count, len(found))))
    return [
        Mutant(n, f.stage, f.mode, f.cell, f.port, f.bit, f.ctrlbit, f.places)
        for n, f in enumerate((found[at] for at in kept), 1)
    ]


def _read(stage: Stage, line: str) -> Mutant | None:
    """One line of Yosys' list; None for a fault that is not wanted."""
    given = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit) (\S+)", line))
    if given["port"] in UNTOUCHED or not short(given["cell"]).startswith(stage.part):
        return None
    places = {place: None for source in re.findall(r"-src (\S+)", line) for place in source.split("|") if place}
    own = [p.removeprefix(f"{ROOT}/") for p in places if p.startswith(f"{ROOT}/") and ".venv" not in p]
    library = [p.rpartition("site-packages/")[2] for p in places if ".venv" in p]
    ctrlbit = int(given["ctrlbit"]) if "ctrlbit" in given else None
    return Mutant(
        0, stage.name, given["mode"], given["cell"], given["port"], int(given["portbit"]), ctrlbit,
        (*own, *library),
    )  # fmt: skip
