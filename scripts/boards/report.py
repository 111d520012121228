"""What a bitstream came to: as it is kept for programs, and as it is read."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..ecp5 import described

PATHS = 3
"""So many of the slowest."""


@dataclass(frozen=True)
class Report:
    """Of one build.

    Attributes
    ----------
    board, device, configuration : str
    seed : int
        Of placement and routing.
    used : dict
        Kind of cell -> (used, there are), as the placer counts them.
    clocks : dict
        Net -> (MHz reached, MHz wanted).
    paths : list of str
        The slowest of each two clocks, those to and from pins last.
    sha256 : str
        Of the bitstream.
    minutes : dict
        Of each step.
    tools : dict
        Name -> version.
    """

    board: str
    device: str
    configuration: str
    seed: int
    used: dict[str, tuple[int, int]]
    clocks: dict[str, tuple[float, float]]
    paths: list[str]
    sha256: str
    minutes: dict[str, float]
    tools: dict[str, str]

    @property
    def missed(self) -> dict[str, tuple[float, float]]:
        """The clocks that are slower than they must be."""
        return {net: both for net, both in self.clocks.items() if both[0] < both[1]}

    def lines(self) -> list[str]:
        """As it is read."""
        return [
            f"{self.board}: {self.device}, configuration {self.configuration}, seed {self.seed}",
            *(f"  {kind:<13} {used:>7,} of {there:>7,}" for kind, (used, there) in self.used.items() if used),
            *(f"  {net}: {found:.1f} MHz, {wanted:.1f} wanted{' - missed' * (found < wanted)}"
              for net, (found, wanted) in self.clocks.items()),
            *(f"  {path}" for path in self.paths),
            f"  sha256 {self.sha256}",
            "  minutes: " + ", ".join(f"{step} {minutes:.1f}" for step, minutes in self.minutes.items()),
            *(f"  {name}: {version}" for name, version in self.tools.items()),
        ]  # fmt: skip

    def write(self, folder: Path) -> None:
        """Into report.json and report.txt of the folder."""
        (folder / "report.json").write_text(json.dumps(asdict(self), indent=2) + "\n")
        (folder / "report.txt").write_text("\n".join(self.lines()) + "\n")


def clock_name(net: str) -> str:
    """As the source calls it: the one domain's net has the name of any part's, ``camera.serial.clk`` or another."""
    name = net.removeprefix("$glbnet$")
    return "sync" if name.rpartition(".")[2] == "clk" else name


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """Of nextpnr's report: what is used, the clocks, the slowest paths."""

    def place(p: dict[str, Any]) -> tuple[bool, float]:
        """Those between registers first: pins have no clock to keep."""
        return "async" in p["from"] + p["to"], -sum(step["delay"] for step in p["path"])

    paths = sorted(found["critical_paths"], key=place)
    return {
        "used": {kind: (n["used"], n["available"]) for kind, n in sorted(found["utilization"].items())},
        "clocks": {clock_name(net): (n["achieved"], n["constraint"]) for net, n in sorted(found["fmax"].items())},
        "paths": [described(p["path"]) for p in paths[:PATHS] if p["path"]],
    }


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
