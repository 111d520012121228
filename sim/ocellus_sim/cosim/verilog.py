"""A component of the gateware as Verilog, and the ports of its top: the only part here that imports Amaranth.

Run as a module in a process of its own, so that the sources on disk are what is converted, not what a long-lived test
session imported earlier: ``python -m ocellus_sim.cosim.verilog FACTORY ARGUMENTS.pickle OUT.v``.
"""

import importlib
import pickle
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = "top"


@dataclass(frozen=True)
class TopPort:
    """One port of the top: Verilog name, width in bits, direction."""

    name: str
    width: int
    is_input: bool

    @property
    def cpp_name(self) -> str:
        """The member of Verilator's class: it writes the second of two underscores as a code."""
        return re.sub(r"(?<=_)_", "__05F", self.name)


def convert(factory: str, arguments: dict[str, Any]) -> str:
    """Verilog of ``factory(**arguments)``; ports that are constants (an ``always_ready`` stream's) are left out."""
    from amaranth.back import rtlil, verilog  # pyright: ignore[reportAttributeAccessIssue]: the stubs do not know them
    from amaranth.hdl import ClockDomain, ClockSignal, Const, Module, ResetSignal, Signal, Value
    from amaranth.hdl._ir import Fragment, PortDirection
    from amaranth.lib import wiring

    module, _, name = factory.partition(":")
    component = getattr(importlib.import_module(module), name)(**arguments)
    ports = {}
    for path, member, value in component.signature.flatten(component):
        value = Value.cast(value)
        if isinstance(value, Const) or len(value) == 0:
            continue
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["__".join(map(str, path))] = (value, direction)
    # Amaranth's reset is part of every register's next state. As an input of the top it would have Verilator work out
    # all next states a second time whenever an input changes; a register in between keeps them apart.
    m = Module()
    clock, reset = Signal(name="clk"), Signal(name="rst")
    m.domains.sync = ClockDomain()
    m.domains.outside = ClockDomain(reset_less=True)
    m.d.comb += [ClockSignal("sync").eq(clock), ClockSignal("outside").eq(clock)]
    m.d.outside += ResetSignal("sync").eq(reset)
    m.submodules.component = component
    ports |= {"clk": (clock, PortDirection.Input), "rst": (reset, PortDirection.Input)}
    # Recursive passes go deep on large designs.
    sys.setrecursionlimit(20_000)
    netlist, _ = rtlil.convert_fragment(Fragment.get(m, None), ports, TOP, emit_src=False)
    # The one way into Yosys behind Amaranth's netlist.
    text = verilog._convert_rtlil_text(_ZEROS.sub("", netlist))  # pyright: ignore[reportAttributeAccessIssue]
    # Bits that nothing but a constant drives become an `always @*` that has nothing to wait for, never runs and leaves
    # them at random (amaranth-lang/amaranth issue 1629); `always_comb` runs once at the start.
    return _beginnings(text.replace("always @*", "always_comb"))


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


def top_ports(text: str) -> list[TopPort]:
    """The ports of the module ``top`` in Yosys' Verilog, in order."""
    body = re.search(rf"^module {TOP}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)
    if body is None:
        raise ValueError(f"The Verilog holds no module {TOP}.")
    pattern = re.compile(r"^\s*(input|output)\s+(?:reg\s+|wire\s+)?(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*;", re.M)
    return [TopPort(name, int(msb or 0) + 1, direction == "input") for direction, msb, name in pattern.findall(body[0])]


if __name__ == "__main__":
    _, factory_name, pickled, out = sys.argv
    Path(out).write_text(convert(factory_name, pickle.loads(Path(pickled).read_bytes())))
