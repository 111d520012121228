"""What a bitstream came to: as it is kept for programs, and as it is read."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..ecp5 import CELLS, described
from .paths import slowest

CLOCK = "sync"
"""What the whole design runs on."""


@dataclass(frozen=True)
class Report:
    """Of one build. Where it came to no bitstream, what only a routed design has is empty.

    Attributes
    ----------
    board, device, configuration : str
    seed : int
        Of placement and routing.
    target_mhz : float
        What the board's clock is to reach.
    cells : dict
        Kind of cell -> how many synthesis made, a carry cell as two LUT4, a memory of 16 x 4 bits as four.
    minutes : dict
        Of each step.
    tools : dict
        Name -> version.
    failure : str
        Why there is no bitstream; empty when there is one.
    sha256 : str
        Of the bitstream.
    used : dict
        Kind of cell -> (used, there are), as the placer counts them.
    clocks : dict
        Net -> (MHz reached, MHz wanted).
    paths : dict
        Net -> the slowest paths from register to register, each into another register.
    crossings : list of str
        The slowest path of each two clocks, those to and from pins last.
    """

    board: str
    device: str
    configuration: str
    seed: int
    target_mhz: float
    cells: dict[str, int]
    minutes: dict[str, float]
    tools: dict[str, str]
    failure: str = ""
    sha256: str = ""
    used: dict[str, tuple[int, int]] = field(default_factory=dict)
    clocks: dict[str, tuple[float, float]] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)
    crossings: list[str] = field(default_factory=list)

    @property
    def fmax_mhz(self) -> float | None:
        """What the board's clock reached."""
        return self.clocks[CLOCK][0] if self.clocks else None

    @property
    def missed(self) -> dict[str, tuple[float, float]]:
        """The clocks that are slower than they must be."""
        return {net: both for net, both in self.clocks.items() if both[0] < both[1]}

    def lines(self) -> list[str]:
        """As it is read."""
        found = [f"{self.board}: {self.device}, configuration {self.configuration}, seed {self.seed}"]
        found.append("  synthesis: " + ", ".join(f"{count:,} {CELLS[kind]}" for kind, count in self.cells.items()))
        found += (f"  {kind:<13} {used:>7,} of {there:>7,}" for kind, (used, there) in self.used.items() if used)
        for net, (reached, wanted) in self.clocks.items():
            found.append(f"  {net}: {reached:.1f} MHz, {wanted:.1f} wanted{' - missed' * (reached < wanted)}")
            found += (f"    {path}" for path in self.paths[net])
        if self.crossings:
            found += ["  between clocks, from and to pins:", *(f"    {path}" for path in self.crossings)]
        if self.sha256:
            found.append(f"  sha256 {self.sha256}")
        steps = ", ".join(f"{step} {minutes:.1f}" for step, minutes in self.minutes.items())
        found.append(f"  {sum(self.minutes.values()):.1f} minutes: {steps}")
        return [*found, *(f"  {name}: {version}" for name, version in self.tools.items())]

    def write(self, folder: Path) -> None:
        """Into report.json and report.txt of the folder."""
        (folder / "report.json").write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / "report.txt").write_text("\n".join(self.lines()) + "\n")


def clock_name(net: str) -> str:
    """As the source calls it: the one domain's net has the name of any part's, ``camera.serial.clk`` or another."""
    name = net.removeprefix("$glbnet$")
    return CLOCK if name.rpartition(".")[2] == "clk" else name


def figures(found: dict[str, Any], sdf: Path) -> dict[str, Any]:
    """Of nextpnr's report and the delays beside it: what is used, the clocks, the slowest paths."""

    def place(p: dict[str, Any]) -> tuple[bool, float]:
        """Those between registers first: pins have no clock to keep."""
        return "async" in p["from"] + p["to"], -sum(step["delay"] for step in p["path"])

    critical = [p for p in found["critical_paths"] if p["path"]]
    inside = {p["from"].partition(" ")[2]: p["path"] for p in critical if p["from"] == p["to"]}
    paths = slowest(sdf, {net: path[0]["from"]["cell"] for net, path in inside.items()})
    return {
        "used": {kind: (n["used"], n["available"]) for kind, n in sorted(found["utilization"].items())},
        "clocks": {clock_name(net): (n["achieved"], n["constraint"]) for net, n in sorted(found["fmax"].items())},
        "paths": {clock_name(net): [described(path) for path in paths.get(net, [])] for net in sorted(found["fmax"])},
        "crossings": [described(p["path"]) for p in sorted(critical, key=place) if p["from"] != p["to"]],
    }


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
