"""Verilog with cells of the ECP5 in it, as a model that runs in this process: levels in, levels out, clock by clock."""

import ctypes
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ocellus_sim.cosim import content, toolchain
from ocellus_sim.cosim.builds import MAKE_VARIABLES, build_root, lock, workplace

HERE = Path(__file__).parent
CELLS = tuple(sorted((HERE / "cells").glob("*.v")))
HARNESS = HERE / "model.cpp"
LIBRARY = "model.so"

# Names and widths are Yosys'. What it left open (x) becomes noise, so that nothing can rely on it.
FLAGS = (
    "--cc --exe --no-timing -O3 --x-assign unique --x-initial unique -Wno-lint -Wno-style -Wno-fatal "
    "--top-module bench --prefix Vbench -Mdir . --output-split 20000 "
    f"-CFLAGS -fPIC -LDFLAGS -shared -o {LIBRARY}"
).split()

Bits = NDArray[np.uint8]


def build(texts: Sequence[str], name: str, optimise: str = "-O1") -> Path:
    """The library of Verilog whose top is ``bench(clk, i, o)``, with the cells; kept by its content.

    ``texts`` are files; ``name`` is what the screen calls it.
    """
    store = build_root() / "netlist"
    store.mkdir(parents=True, exist_ok=True)
    flags = [*FLAGS, *MAKE_VARIABLES, optimise, str(toolchain.versions())]
    sources = [*(path.read_bytes() for path in (*CELLS, HARNESS)), *flags]
    folder = store / content.digest([*texts, *sources])
    with lock(store / f"{folder.name}.lock"):
        if not (folder / LIBRARY).exists():
            with workplace(store) as temporary:
                print(f"building {name} ...", file=sys.stderr, flush=True)
                work = Path(temporary)
                names = [f"part_{n}.v" for n in range(len(texts))]
                for file, text in zip(names, texts, strict=True):
                    (work / file).write_text(text)
                _verilate(work, names, optimise)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                for kept in (LIBRARY, "build.log"):
                    (work / kept).rename(folder / kept)
    return folder / LIBRARY


def _verilate(work: Path, names: Sequence[str], optimise: str) -> None:
    env, log = toolchain.environment(), work / "build.log"
    # Verilog's own ways to say that a size is not what a name says are SystemVerilog's.
    toolchain.run(["verilator", "-sv", *FLAGS, *names, *map(str, CELLS), str(HARNESS)], work, env, log)
    variables = [v for v in MAKE_VARIABLES if not v.startswith("OPT_FAST")]
    cores = len(os.sched_getaffinity(0))
    command = ["make", "-f", "Vbench.mk", f"-j{cores}", f"PYTHON3={sys.executable}", *variables, f"OPT_FAST={optimise}"]
    if shutil.which("ccache"):
        command.append("OBJCACHE=ccache")
        env |= {"CCACHE_BASEDIR": str(work), "CCACHE_NOHASHDIR": "1"}
    toolchain.run(command, work, env, log)


class Model:
    """A library's design from its power-on; use it in a ``with`` statement.

    Parameters
    ----------
    library
        Of :func:`build`.
    i_bits, o_bits
        Widths of its ports.
    """

    def __init__(self, library: Path, i_bits: int, o_bits: int):
        self._library = ctypes.CDLL(str(library))
        self._library.model_new.restype = ctypes.c_void_p
        self._bytes = (-(-i_bits // 8), -(-o_bits // 8))
        self._model = ctypes.c_void_p(self._library.model_new())
        self.clocks = 0

    def __enter__(self) -> Self:
        """The model itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free it."""
        self._library.model_delete(self._model)

    def run(self, i: Bits) -> Bits:
        """Inputs of each clock, (clocks, bytes); the outputs that the edge of each clock finds, likewise."""
        in_bytes, out_bytes = self._bytes
        i = np.ascontiguousarray(i, np.uint8)
        assert i.shape == (len(i), in_bytes)
        o = np.zeros((len(i), out_bytes), np.uint8)
        sizes = [ctypes.c_size_t(n) for n in (len(i), in_bytes, out_bytes)]
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (i, o)]
        self._library.model_run(self._model, sizes[0], pointers[0], sizes[1], pointers[1], sizes[2])
        self.clocks += len(i)
        return o

    def run_words(self, words: Sequence[int]) -> list[int]:
        """The same with an integer for each clock's bits."""
        in_bytes, _ = self._bytes
        raw = b"".join(word.to_bytes(in_bytes, "little") for word in words)
        o = self.run(np.frombuffer(raw, np.uint8).reshape(len(words), in_bytes))
        return [int.from_bytes(row.tobytes(), "little") for row in o]
