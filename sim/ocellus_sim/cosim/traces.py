"""Traces of a run made ready to be looked at, and opened: FST, and GTKWave's save file beside it."""

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ocellus_sim.cosim.window import RAW, Window

if TYPE_CHECKING:
    from ocellus_sim.cosim import fst

VIEWERS = ("gtkwave", "surfer")
SHORTLY_PS = 1000


def finish(folder: Path, verilog: Path, window: Window | None = None, clock: int | None = None, part: str = "") -> None:
    """Every trace that a run left in ``folder`` becomes FST and gets its save file.

    Parameters
    ----------
    verilog
        ``top.v`` of the build.
    window, clock
        What was traced, and the clock of the run that the marker stands at; without them, at the beginning.
    part
        Name of the design's part that is of interest.
    """
    raw = sorted(folder.glob(f"*{RAW}"))
    if not raw:
        return
    from ocellus_sim.cosim import fst, gtkw  # late: most runs leave no trace, and wait a tenth of a second for these

    parts = gtkw.parts_of(verilog.read_text()) if verilog.exists() else {}
    for vcd in raw:
        if vcd.suffixes[-2:-1] != [".fst"]:
            continue
        target = vcd.with_suffix("")
        coming = target.with_suffix(".coming")
        try:
            trace = fst.convert(vcd, coming)
            coming.replace(target)
        finally:
            coming.unlink(missing_ok=True)
        vcd.unlink()
        gtkw.write(target.with_suffix(".gtkw"), target, trace, parts, _time(trace, window, clock), part)


def _time(trace: "fst.Trace", window: Window | None, clock: int | None) -> int:
    """Shortly before the clock rises, in picoseconds: what a viewer then shows is what the rise takes.

    Resets, which have clocks of their own, put it off by as many.
    """
    if window is None or clock is None or not trace.rises:
        return trace.begin
    return max(trace.rises[min(max(clock - window.begin, 0), len(trace.rises) - 1)] - SHORTLY_PS, trace.begin)


def short(path: Path) -> str:
    """A path as one types it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def commands(trace: Path, variables: Mapping[str, str] = os.environ) -> Iterator[tuple[str, list[str]]]:
    """For each viewer on the PATH, its name and what opens the trace."""
    for viewer in VIEWERS:
        if shutil.which(viewer, path=variables.get("PATH")):
            yield viewer, [viewer, str(trace.with_suffix(".gtkw") if viewer == "gtkwave" else trace)]


def show(trace: Path, start: bool, variables: Mapping[str, str] = os.environ) -> str:
    """A line that says how to look at the trace; ``start`` opens it where there is a viewer and a screen."""
    here = Path(short(trace))
    viewer, command = next(commands(here, variables), ("", ["gtkwave", str(here.with_suffix(".gtkw"))]))
    typed = shlex.join(command)
    if not viewer:
        return f"look at it: {typed} (neither {' nor '.join(VIEWERS)} is on the PATH here)"
    if not start:
        return f"look at it: {typed}"
    if not (variables.get("DISPLAY") or variables.get("WAYLAND_DISPLAY")):
        return f"look at it: {typed} (there is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set)"
    nothing = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
    os.posix_spawnp(viewer, command, {**os.environ}, file_actions=nothing, setsid=True)  # outlives this process
    return f"opened: {typed}"
