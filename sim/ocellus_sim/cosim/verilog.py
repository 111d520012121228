"""The Verilog of a top: its ports, its counters, its clocks."""

import re
from dataclasses import dataclass

TOP = "top"
DRIVE = "drive"
"""The clock at which the inputs of the top reach the component."""
REGION_CLOCK, REGION_FEED = "region_clock__", "region_feed__"
"""How the clocks of a region (regions.py) begin; its name follows."""
CHANGES = "region_changes"
"""Has a bit for each region, in the order of their names: something else enters it."""


COUNTER = "points_taken__"
"""How the names of the bits that a coverage build counts (points.py) begin; the number follows."""
EVERY_CLOCK = 0
"""The counter of what is taken at every clock: it counts no bit, which would be a constant, but the clocks."""


@dataclass(frozen=True)
class TopPort:
    """One port of the top: Verilog name, width in bits, direction."""

    name: str
    width: int
    is_input: bool

    @property
    def region(self) -> str:
        """The region that the port belongs to, empty for a port of the component's."""
        return next((self.name.removeprefix(p) for p in (REGION_CLOCK, REGION_FEED) if self.name.startswith(p)), "")

    @property
    def internal(self) -> bool:
        """Between harness and conversion alone: no port of the component's."""
        return self.name in (DRIVE, CHANGES) or bool(self.region)

    @property
    def cpp_name(self) -> str:
        """The member of Verilator's class: it writes the second of two underscores as a code."""
        return re.sub(r"(?<=_)_", "__05F", self.name)


def top_ports(text: str) -> list[TopPort]:
    """The ports of the module ``top`` in Yosys' Verilog, in order."""
    body = re.search(rf"^module {TOP}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)
    if body is None:
        raise ValueError(f"The Verilog holds no module {TOP}.")
    pattern = re.compile(r"^\s*(input|output)\s+(?:reg\s+|wire\s+)?(?:signed\s+)?(?:\[(\d+):0\]\s*)?(\w+)\s*;", re.M)
    return [TopPort(name, int(msb or 0) + 1, direction == "input") for direction, msb, name in pattern.findall(body[0])]


def both_edges(text: str) -> str:
    """The same with registers that take both edges of their clocks: a clock costs the simulator one evaluation."""
    return text.replace("always @(posedge ", "always @(edge ")


def counter_lines(text: str) -> dict[int, int]:
    """Where Verilator counts (points.py): the number of each counter by its line in the Verilog."""
    pattern = re.compile(rf"\bcover \((?:\\?{COUNTER}(\d+)|1'h1)\b")
    return {n: int(m[1] or EVERY_CLOCK) for n, line in enumerate(text.splitlines(), 1) if (m := pattern.search(line))}
