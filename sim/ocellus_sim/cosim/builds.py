"""Simulators built from components, kept by content under ``build/cosim``."""

import contextlib
import fcntl
import json
import os
import pickle
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocellus_sim.cosim import connection, content, toolchain, verilog
from ocellus_sim.cosim.toolchain import ToolError

HERE = Path(__file__).parent
HARNESS = HERE / "harness"
CONVERSION = ("conversion", "points", "regions", "verilog")
"""Modules that decide what Verilog a component becomes; run in a process of their own, but for the last."""
OWN = (Path(__file__), HERE / "connection.py")
"""What decides how a simulator is made of that Verilog."""

# Verilator's lint judges Verilog that people write; this is Yosys', whose widths and names are its own.
VERILATOR_FLAGS = (
    "--cc --exe --vpi --assert --no-timing -O3 --x-assign unique --x-initial unique "
    "--timescale-override 1ps/1ps "
    f"-Wno-lint -Wno-style -Wno-fatal --top-module {verilog.TOP} --prefix Vtop -Mdir . -o simulator"
).split()
# The wheel's makefile was configured elsewhere: it lost the switch for precompiled headers and optimises for size.
OPTIMISE = "-O2"
MAKE_VARIABLES = (
    "CFG_CXXFLAGS_PCH_I=-include",
    f"OPT_FAST={OPTIMISE}",
    "OPT_GLOBAL=-O3",
    "OPT_SLOW=-O0",
    "CXX=g++",
    "LINK=g++",
)
CPP_FLAGS = "-std=c++17 -DVL_TIME_CONTEXT"


@dataclass(frozen=True)
class Build:
    """A simulator that stands ready: its folder holds ``simulator``, ``top.v`` and ``build.log``.

    Attributes
    ----------
    folder
        ``build/cosim/<hash>``, never changed once it exists, but by training.py.
    fresh
        True where this call built it, False where it was there.
    seconds
        What this call took.
    """

    folder: Path
    fresh: bool
    seconds: float

    @property
    def simulator(self) -> Path:
        """The executable."""
        return self.folder / "simulator"


def build_root() -> Path:
    """The project's ``build`` folder: ``$OCELLUS_BUILD``, or beside the nearest ``pyproject.toml`` upwards of here."""
    if given := os.environ.get("OCELLUS_BUILD"):
        return Path(given).resolve()
    here = Path.cwd()
    return next((p for p in (here, *here.parents) if (p / "pyproject.toml").exists()), here) / "build"


def counted() -> bool:
    """Whether builds count coverage: the environment's ``OCELLUS_COVERAGE=1``."""
    return os.environ.get("OCELLUS_COVERAGE", "0") not in ("", "0")


def standing(factory: str, arguments: dict[str, Any] | None = None, *, waves: bool = False) -> Build | None:
    """What `build` would return at once, None where it would have to build."""
    start = time.monotonic()
    store = build_root() / "cosim"
    if os.environ.get("OCELLUS_SIMULATOR") and not waves:
        return build(factory, arguments)
    folder = _pointed(store / "sources" / _source_key(factory, arguments or {}, waves, store))
    return None if folder is None else Build(folder, False, time.monotonic() - start)


def build(factory: str, arguments: dict[str, Any] | None = None, *, waves: bool = False) -> Build:
    """The simulator of ``factory(**arguments)``, built only if no build of the same content stands.

    Where the environment's ``OCELLUS_SIMULATOR`` names the folder of a build, that is the build, whatever is asked
    for: a campaign's workers have no compiler, and are sent the simulator of their job. Where it says
    ``OCELLUS_COVERAGE=1``, the build counts how often lines and branches of the gateware are taken (docs/coverage.md).

    Parameters
    ----------
    factory
        ``"package.module:Name"`` of a class or function that returns a ``wiring.Component``.
    arguments
        Keyword arguments: plain data, enumerations or frozen dataclasses.
    waves
        A variant that can write VCD.

    Raises
    ------
    ToolError
        When the conversion, Verilator or the compiler fails, with the tail of what it printed; when
        ``OCELLUS_SIMULATOR`` names a folder without a simulator.
    """
    start = time.monotonic()
    if (given := os.environ.get("OCELLUS_SIMULATOR")) and not waves:  # what was sent cannot trace
        if not os.access(Path(given) / "simulator", os.X_OK):
            raise ToolError(f"OCELLUS_SIMULATOR: found {given}, which holds no program named simulator.")
        return Build(Path(given).resolve(), False, time.monotonic() - start)
    arguments = arguments or {}
    store = build_root() / "cosim"
    pointers = store / "sources"
    key = _source_key(factory, arguments, waves, store)
    if (folder := _pointed(pointers / key)) is not None:
        return Build(folder, False, time.monotonic() - start)
    pointers.mkdir(parents=True, exist_ok=True)
    with lock(store / f"{key}.lock"):
        if (folder := _pointed(pointers / key)) is None:
            folder, fresh = _convert_and_verilate(store, factory, arguments, waves)
            # An edit during the conversion would file the new sources' name on the old ones' build.
            if _source_key(factory, arguments, waves, store) == key:
                _write_whole(pointers / key, folder.name)
        else:
            fresh = False
    return Build(folder, fresh, time.monotonic() - start)


def _source_key(factory: str, arguments: dict[str, Any], waves: bool, store: Path) -> str:
    files = [
        *_source_files(factory.partition(":")[0], store / "imports.json"),
        *sorted(HARNESS.iterdir()),
        *OWN,
        *(HERE / f"{name}.py" for name in CONVERSION),
    ]
    facts = (factory, content.canonical(arguments), str((waves, counted())), str(toolchain.versions()))
    parts: list[str | bytes] = [*facts]
    for path in files:
        parts += [path.name, path.read_bytes()]
    return content.digest(parts)


def _source_files(module: str, memory: Path) -> list[Path]:
    """`content.source_files`; ``memory`` keeps what each file imports, as reading that takes longer than the rest."""
    known: content.Imports = {}
    with contextlib.suppress(OSError, ValueError):
        known = json.loads(memory.read_bytes())
    before = len(known)
    files = content.source_files(module, known)
    if len(known) > before and memory.parent.is_dir():
        _write_whole(memory, json.dumps(known))
    return files


def _pointed(pointer: Path) -> Path | None:
    """The build that the sources' name points to, if both are there."""
    with contextlib.suppress(FileNotFoundError):
        folder = pointer.parent.parent / pointer.read_text()
        if (folder / "simulator").exists():
            return folder
    return None


def _convert_and_verilate(store: Path, factory: str, arguments: dict[str, Any], waves: bool) -> tuple[Path, bool]:
    """Second name, by the Verilog itself: a comment edited in the sources builds nothing again."""
    name = factory.rpartition(":")[2]
    _clear_abandoned(store)
    with workplace(store) as temporary:
        work = Path(temporary)
        # One core is enough for the conversion. It is waited for where its result is needed, which tells of a failure.
        threading.Thread(target=_runtime_early, args=(store, waves), daemon=True).start()
        # Whoever looks at waves, or counts clocks, expects one clock that runs.
        convert(work, factory, arguments, *["whole"] * (waves or counted()), *["counted"] * counted())
        text = (work / "top.v").read_bytes()
        harness = [path.read_bytes() for path in sorted(HARNESS.iterdir())]
        flags = [*VERILATOR_FLAGS, *MAKE_VARIABLES, CPP_FLAGS, str((waves, counted())), str(toolchain.versions())]
        if counted():
            text += (work / "points.json").read_bytes()  # lines move without a change in the Verilog
        tag = content.digest([text, *harness, *flags, *(path.read_bytes() for path in OWN)])
        folder = store / tag
        with lock(store / f"{tag}.lock"):
            if (folder / "simulator").exists():
                return folder, False
            _verilate_into(folder, work, store, waves, name)
    return folder, True


def convert(work: Path, factory: str, arguments: dict[str, Any], *words: str) -> None:
    """``top.v`` in ``work``, by a process of its own; ``words`` as `conversion` takes them."""
    (work / "arguments.pickle").write_bytes(pickle.dumps(arguments))
    files = [str(work / "arguments.pickle"), str(work / "top.v")]
    command = [sys.executable, "-m", f"{__package__}.conversion", factory, *files, *words]
    toolchain.run(command, Path.cwd(), toolchain.environment(), work / "build.log")


def build_verilog(text: str, name: str) -> Build:
    """The simulator of Verilog whose module ``top`` is as `conversion` makes it, kept by that text.

    For who changes a design behind its conversion; ``name`` is what the screen calls it.
    """
    begin = time.monotonic()
    store = build_root() / "cosim"
    store.mkdir(parents=True, exist_ok=True)
    harness = [path.read_bytes() for path in sorted(HARNESS.iterdir())]
    flags = [*VERILATOR_FLAGS, *MAKE_VARIABLES, CPP_FLAGS, str(toolchain.versions())]
    tag = content.digest([text, *harness, *flags, *(path.read_bytes() for path in OWN)])
    fresh = False
    with lock(store / f"{tag}.lock"):
        if not (store / tag / "simulator").exists():
            fresh = True
            with workplace(store) as temporary:
                (Path(temporary) / "top.v").write_text(text)
                _verilate_into(store / tag, Path(temporary), store, False, name)
    return Build(store / tag, fresh, time.monotonic() - begin)


def _verilate_into(folder: Path, work: Path, store: Path, waves: bool, name: str) -> None:
    """The folder of a build from ``top.v`` in ``work``, renamed into place when it is whole."""
    begin = time.monotonic()
    print(f"building {name} ...", end=" ", file=sys.stderr, flush=True)
    verilate(work, store, waves)
    finished = work / "finished"
    finished.mkdir()
    for kept in ("simulator", "top.v", "build.log", "points.json"):
        if (work / kept).exists():
            (work / kept).rename(finished / kept)
    shutil.rmtree(folder, ignore_errors=True)
    finished.rename(folder)
    print(f"{time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


def verilate(work: Path, store: Path, waves: bool, flags: str = "") -> None:
    """``simulator`` in ``work``, from ``top.v`` there; ``store`` has what all simulators share.

    ``flags`` are further ones of the compiler.
    """
    text = (work / "top.v").read_text()
    ports = verilog.top_ports(text)
    (work / "clocked.v").write_text(text if waves else verilog.both_edges(text))
    # Only the top's ports stay visible to cocotb, to be read: all else is free to be optimised away, and what cocotb
    # could write at any time costs a fifth of a small design's speed.
    public = "".join(f'public_flat_rd -module "{verilog.TOP}" -var "{p.name}"\n' for p in ports if not p.internal)
    (work / "ports.vlt").write_text("`verilator_config\n" + public)
    points = (work / "points.json").exists()
    env = toolchain.environment()
    libs = toolchain.cocotb_libs()
    command = [
        *_verilator(waves, points),
        *("-CFLAGS", f"{CPP_FLAGS} -I{HARNESS}"),
        *("-LDFLAGS", f"-rdynamic -Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator"),
        *("ports.vlt", "clocked.v", "ports.cpp"),
        *(str(HARNESS / name) for name in ("main.cpp", "burst.cpp")),
    ]
    (work / "ports.cpp").touch()  # follows when Verilator has said what lies where
    toolchain.run(command, work, env, work / "build.log")
    (work / "ports.cpp").write_text(connection.written(ports, (work / "Vtop___024root.h").read_text()))
    for path in _runtime(store, waves, points).iterdir():
        shutil.copyfile(path, work / path.name)  # newer than the makefile
    make(work, [], flags)


def _verilator(waves: bool, points: bool) -> list[str]:
    """Verilator's command line as far as it decides what the run-time library must be able to do."""
    return [
        "verilator",
        *VERILATOR_FLAGS,
        *(["--trace-vcd"] if waves else []),
        *(["--coverage-user"] if points else []),
    ]


def make(work: Path, targets: list[str], flags: str = "") -> None:
    """What Verilator's makefile in ``work`` makes, with every core."""
    env = toolchain.environment()
    cores = len(os.sched_getaffinity(0))
    command = ["make", "-f", "Vtop.mk", f"-j{cores}", f"PYTHON3={sys.executable}", *MAKE_VARIABLES, *targets]
    if flags:
        command += [f"OPT_FAST={OPTIMISE} {flags}", f"LDFLAGS={flags}"]
    elif shutil.which("ccache"):
        command.append("OBJCACHE=ccache")
        env |= {"CCACHE_BASEDIR": str(work), "CCACHE_NOHASHDIR": "1"}
    toolchain.run(command, work, env, work / "build.log")


def _runtime(store: Path, waves: bool, points: bool) -> Path:
    """Folder with the objects of Verilator's run-time library: the same for every design, so compiled once."""
    flags = [*MAKE_VARIABLES, *_verilator(waves, points), CPP_FLAGS, str(toolchain.versions())]
    runtime = store / ("runtime-" + content.digest(flags))
    with lock(store / f"{runtime.name}.lock"):
        if not runtime.exists():
            with workplace(store) as temporary:
                work = Path(temporary)
                (work / "top.v").write_text(f"module {verilog.TOP}; endmodule\n")
                command = [*_verilator(waves, points), "-CFLAGS", CPP_FLAGS, "top.v"]
                toolchain.run(command, work, toolchain.environment(), work / "build.log")
                words = (work / "Vtop_classes.mk").read_text().split()
                objects = sorted({f"{word}.o" for word in words if re.fullmatch(r"verilated\w*", word)})
                make(work, objects)
                lent = work / "lent"
                lent.mkdir()
                for name in objects:
                    (work / name).rename(lent / name)
                lent.rename(runtime)
    return runtime


def _runtime_early(store: Path, waves: bool) -> None:
    with contextlib.suppress(ToolError, OSError):
        _runtime(store, waves, counted())


def workplace(store: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder of this process, for a while."""
    return tempfile.TemporaryDirectory(prefix=f"tmp-{os.getpid()}-", dir=store)


def _clear_abandoned(store: Path) -> None:
    """Folders of builds whose process was killed."""
    for folder in store.glob("tmp-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Held by one process at a time; freed by the system even if the holder dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_whole(path: Path, text: str) -> None:
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(text)
    part.replace(path)
