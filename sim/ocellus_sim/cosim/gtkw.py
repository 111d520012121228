"""GTKWave's save file of a trace: clock, reset, the top's ports and taps, each part with its ports and registers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2
from pathlib import Path

from vcd.gtkw import GTKWColor, GTKWSave

from ocellus_sim.cosim.fst import Trace
from ocellus_sim.cosim.verilog import DRIVE, TOP

COMPONENT = f"{TOP}.component"
CLOCK, RESET = "clk", "rst"
TAP = "o_tap"
SHOWN_CLOCKS = 48
"""What the viewer shows at first, the marker in the last third of it."""

_MODULE = re.compile(r"^module (\\\S+ |\w+) ?\((.*?)\);(.*?)^endmodule", re.MULTILINE | re.DOTALL)
_REGISTER = re.compile(r"^\s+(?:(?:else )?if \(.*\) )?(\\\S+ |\w+) ?(?:\[[\d:]+\] ?)?<= ", re.MULTILINE)
_ANONYMOUS = re.compile(r"port\$|\$")


@dataclass(frozen=True)
class Part:
    """A module of the design: the names of its ports and of its registers."""

    ports: list[str]
    registers: list[str]


def parts_of(verilog: str) -> dict[str, Part]:
    """The modules of Yosys' Verilog by their paths, ``top.component.isp``."""
    found = {}
    for name, header, body in _MODULE.findall(verilog):
        ports = [_plain(port) for port in header.split(",")]
        registers = dict.fromkeys(_plain(register) for register in _REGISTER.findall(body))
        found[_plain(name)] = Part([p for p in ports if p not in (CLOCK, RESET)], [*registers])
    return found


def _plain(name: str) -> str:
    return name.strip().removeprefix("\\")


def write(path: Path, dump: Path, trace: Trace, parts: Mapping[str, Part], mark: int, opened: str = "") -> None:
    """``path``, which opens ``dump`` beside it.

    Parameters
    ----------
    mark
        Time of the marker, in picoseconds.
    opened
        Name of the part whose group stands open.
    """
    full = {re.sub(r"\[\d+:\d+\]$", "", name): name for name in trace.signals}
    period = (trace.rises[-1] - trace.rises[0]) // (len(trace.rises) - 1) if len(trace.rises) > 1 else 1
    with path.open("w") as file:
        save = GTKWSave(file)
        save.dumpfile(dump.name, abspath=False)
        # Where less than a window would be left behind it, GTKWave begins at the very beginning.
        latest = min(mark - SHOWN_CLOCKS * 2 // 3 * period, trace.end - SHOWN_CLOCKS * 3 // 2 * period)
        save.timestart(max(latest, trace.begin))
        save.size(1600, 900)
        save.signals_width(300)
        save.treeopen(COMPONENT)
        # Found by trying: a window of this size shows 2 ** (z + 2.2) time units at zoom -z.
        # pyvcd annotates the keyword arguments as dicts; it writes their numbers.
        save.zoom_markers(2 - log2(SHOWN_CLOCKS * period), mark, a=mark)  # pyright: ignore[reportArgumentType]
        ports = [name for name in parts[TOP].ports if name != DRIVE] if TOP in parts else []
        with save.group("clock and reset"):
            _signals(save, full, TOP, [CLOCK, RESET], GTKWColor.green)
        with save.group("ports"):
            _signals(save, full, TOP, [name for name in ports if not name.startswith(TAP)], GTKWColor.yellow)
        if taps := [name for name in ports if name.startswith(TAP)]:
            with save.group("taps"):
                _signals(save, full, TOP, taps, GTKWColor.orange)
        if COMPONENT in parts and parts[COMPONENT].registers:
            with save.group("registers of the whole", closed=len(parts) > 2):
                _signals(save, full, COMPONENT, parts[COMPONENT].registers, GTKWColor.blue)
        for path_of_part in _children(parts, COMPONENT):
            _part(save, full, parts, path_of_part, opened)


def _children(parts: Mapping[str, Part], parent: str) -> list[str]:
    return [path for path in parts if path.rpartition(".")[0] == parent]


def _part(save: GTKWSave, full: Mapping[str, str], parts: Mapping[str, Part], path: str, opened: str) -> None:
    """Ports, registers, and the same of the parts inside; what lies deeper is in the viewer's tree."""
    name, part = path.rpartition(".")[2], parts[path]
    with save.group(name, closed=name != opened):
        _signals(save, full, path, part.ports, GTKWColor.yellow)
        if part.registers:
            with save.group(f"{name}: registers", closed=True):
                _signals(save, full, path, part.registers, GTKWColor.blue)
        if path.count(".") < 3:
            for inner in _children(parts, path):
                _part(save, full, parts, inner, opened)


def _signals(save: GTKWSave, full: Mapping[str, str], path: str, names: Iterable[str], colour: GTKWColor) -> None:
    for name in sorted(names):
        signal = full.get(f"{path}.{name}")
        if signal is not None and not _ANONYMOUS.match(name):
            save.trace(signal, alias=re.sub(r"\$\d+", "", name), color=colour)
