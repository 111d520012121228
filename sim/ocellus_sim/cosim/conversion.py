"""A component of the gateware as Verilog: the only part here that imports Amaranth.

Run as a module in a process of its own, so that the sources on disk are what is converted, not what a long-lived test
session imported earlier: ``python -m ocellus_sim.cosim.conversion FACTORY ARGUMENTS.pickle OUT.v [whole]
[counted]``. OUT may be ``.il``: the netlist before Yosys, each cell with its place in the source. Beside a design whose
points are counted lies ``points.json``.
"""

import gc
import importlib
import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

from amaranth.back import rtlil, verilog  # pyright: ignore[reportAttributeAccessIssue]: the stubs do not know them
from amaranth.hdl import ClockDomain, ClockSignal, Const, Module, ResetSignal, Signal, Value
from amaranth.hdl._ast import SignalDict
from amaranth.hdl._ir import Fragment, PortDirection
from amaranth.lib import wiring

from ocellus_sim.cosim import regions
from ocellus_sim.cosim.points import Points
from ocellus_sim.cosim.verilog import DRIVE, TOP, counter_lines


def convert(factory: str, arguments: dict[str, Any], divided: bool = True, points: Points | None = None) -> str:
    """Verilog of `netlist`."""
    text = netlist(factory, arguments, divided, points=points)
    # The one way into Yosys behind Amaranth's netlist.
    return settled(verilog._convert_rtlil_text(text))  # pyright: ignore[reportAttributeAccessIssue]


def settled(text: str) -> str:
    """Yosys' Verilog of `netlist` with all that has a value at the start."""
    # Bits that nothing but a constant drives become an `always @*` that has nothing to wait for, never runs and leaves
    # them at random (amaranth-lang/amaranth issue 1629); `always_comb` runs once at the start.
    return _beginnings(text.replace("always @*", "always_comb"))


def netlist(
    factory: str, arguments: dict[str, Any], divided: bool = True, places: bool = False, points: Points | None = None
) -> str:
    """RTLIL of ``factory(**arguments)``; ports that are constants (an ``always_ready`` stream's) are left out.

    ``divided``: the parts that the component names as ``resting`` and ``pausing`` become regions (regions.py).
    ``places``: cells know where in the source they come from. ``points``: collects the points of the source, which get
    counters (points.py).
    """
    module, _, class_name = factory.partition(":")
    component = getattr(importlib.import_module(module), class_name)(**arguments)
    m = Module()
    clock, reset, drive = Signal(name="clk"), Signal(name="rst"), Signal(name=DRIVE)
    m.domains.sync = ClockDomain()
    m.domains.outside = ClockDomain(reset_less=True)
    m.domains.drive = ClockDomain(reset_less=True)
    m.d.comb += [ClockSignal("sync").eq(clock), ClockSignal("outside").eq(clock), ClockSignal("drive").eq(drive)]
    # Verilator works out all that hangs on an input of the top at every evaluation, twice a clock. Registers that
    # follow the inputs when the harness says so keep that to the one time at which they change.
    ports = {}
    for path, member, value in component.signature.flatten(component):
        value = Value.cast(value)
        if isinstance(value, Const) or len(value) == 0:
            continue
        name = "__".join(map(str, path))
        if member.flow == wiring.In:
            ports[name] = (Signal(len(value), name=name), PortDirection.Input)
            m.d.drive += value.eq(ports[name][0])
        else:
            ports[name] = (value, PortDirection.Output)
    # Amaranth's reset is part of every register's next state: it comes from a register for the same reason.
    m.d.outside += ResetSignal("sync").eq(reset)
    # Recursive passes go deep on large designs.
    sys.setrecursionlimit(20_000)
    fragment = Fragment.get(component, None)
    if points is not None:
        points.add(fragment)
    resting, pausing = (getattr(component, name, ()) if divided else () for name in ("resting", "pausing"))
    parts = regions.divide(fragment, resting, pausing)
    m.submodules.component = regions.Whole(fragment)
    if points is not None:
        points.count(m)
    ports |= {port.name: (port, PortDirection.Input) for port in (clock, reset, drive)}
    ports |= regions.add_clocks(m, parts, reset)
    return _ZEROS.sub("", _rtlil(regions.netlist(Fragment.get(m, None), ports, TOP, parts), places))


def _rtlil(whole: Any, places: bool) -> str:
    """Amaranth's own `convert_fragment` from the netlist on."""
    empty = rtlil.EmptyModuleChecker(whole)
    design = rtlil.Design(emit_src=places)
    for index, module in enumerate(whole.modules):
        if not empty.is_empty(index):
            builder = design.module(".".join(module.name), src_loc=module.src_loc)
            names = SignalDict()
            rtlil.ModuleEmitter(builder, whole, module, names, empty_checker=empty).emit()
    return str(design)


_ZEROS = re.compile(
    r"  cell \$meminit_v2 \S+\n(?:    parameter .*\n)*    connect \\ADDR .*\n    connect \\DATA \d+'0*\n"
    r"(?:    connect .*\n)*  end\n"
)
"""A memory that begins as zeros, bit by bit: for a memory of megabytes, minutes in Yosys and in Verilator."""


def _beginnings(text: str) -> str:
    """Memories that nothing else is said of begin as zeros, in a loop."""
    memory = r"^  reg (?:signed )?(?:\[\d+:0\] )?(\\\S+ |\w+) ?\[(\d+):0\];\n(?!  initial begin\n)"
    loop = r"\g<0>  initial for (int n = 0; n <= \2; n = n + 1) \1[n] = '0;\n"
    return re.sub(memory, loop, text, flags=re.MULTILINE)


if __name__ == "__main__":
    gc.disable()  # a netlist is millions of small objects that all stay; looking for rubbish doubles the time
    _, factory_name, pickled, out, *wishes = sys.argv
    given = pickle.loads(Path(pickled).read_bytes())
    whole = "whole" in wishes
    if out.endswith(".il"):
        Path(out).write_text(netlist(factory_name, given, divided=not whole, places=True))
    elif "counted" in wishes:
        wanted = Points()
        text = convert(factory_name, given, divided=not whole, points=wanted)
        Path(out).write_text(text)
        kept = {"counters": counter_lines(text), "points": wanted.counted}
        Path(out).with_name("points.json").write_text(json.dumps(kept))
    else:
        Path(out).write_text(convert(factory_name, given, divided=not whole))
