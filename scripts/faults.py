"""`make faults`: a one-line fault in each stage of a copy of the gateware, in turn; is it found, and at that stage.

A check is worth something when it has been seen to fail. Each fault is text that stands exactly once in one file and
what replaces it; the copy comes before the real package on the simulator's path. Status 1 when a fault stays unseen
or is blamed on another stage.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RUN = {"SIZE": "384x216", "CONFIG": "tiny", "SEED": "2", "MODE": "image+metadata"}
"""Small, so that seven simulators are built in minutes."""


@dataclass(frozen=True)
class Fault:
    """``old`` becomes ``new`` in a file of the gateware; the first stage that can show it is called ``shows``."""

    stage: str
    meaning: str
    file: str
    old: str
    new: str
    shows: str
    mode: str = RUN["MODE"]


FAULTS = (
    Fault("readout", "bit 0 of every sixth beat is stuck", "readout/elastic_store.py",
          ".eq(words.r_data)", ".eq(words.r_data | (column == 5))", "raw"),
    Fault("isp", "blue is cut, not rounded", "isp/white_balance.py",
          "(blue + 32) >> 6", "blue >> 6", "rgb"),
    Fault("tensor", "half a step is missing", "tensor/quantiser.py",
          "limited + offset + 128", "limited + offset", "tensor"),
    Fault("cnn", "ties of negative sums are rounded up, not away from zero", "cnn/lane.py",
          "near + half - (near[-1] & ~once & (distance != 0))", "near + half", "layer"),
    Fault("metadata", "the box's left edge is cut, not rounded", "metadata/box_placer.py",
          "edge.eq(centre - half + rounding)", "edge.eq(centre - half)", "record"),
    Fault("link", "the two low bits of a pixel are swapped", "link/image_packer.py",
          "packed.low[k].eq(pixel[:2])", "packed.low[k].eq(pixel[:2].rotate_left(1))", "bytes"),
    Fault("privacy gate", "the gate stands open in metadata mode", "link/privacy_gate.py",
          "is_open.eq((self.i_mode == Mode.IMAGE) | (self.i_mode == Mode.IMAGE_AND_METADATA))",
          "is_open.eq(1)", "bytes", "metadata"),
)  # fmt: skip


def run(fault: Fault | None, place: Path) -> tuple[bool, str, str]:
    """Whether the run was bit exact, the stage that it blames, and what it says."""
    shutil.copytree(ROOT / "hdl", place / "hdl", ignore=shutil.ignore_patterns("__pycache__"))
    if fault is not None:
        file = place / "hdl" / "ocellus_hdl" / fault.file
        text = file.read_text()
        if text.count(fault.old) != 1:
            sys.exit(f"faults: {fault.file} holds {fault.old!r} {text.count(fault.old)} times, once is needed")
        file.write_text(text.replace(fault.old, fault.new))
    environment = {
        name: value for name, value in os.environ.items() if name not in ("FRAMES", "FRAME", "MODEL", "WAVES")
    }
    environment |= RUN | {"MODE": fault.mode if fault else RUN["MODE"]}
    environment |= {"PYTHONPATH": str(place / "hdl"), "OCELLUS_BUILD": str(ROOT / "build")}
    ran = subprocess.run(
        [sys.executable, "-m", "ocellus_sim.app"], cwd=place, env=environment, capture_output=True, text=True
    )
    result = place / "build" / "sim" / "latest" / "result.json"
    if not result.exists():
        return False, "-", next((line for line in ran.stderr.splitlines() if line.startswith("ocellus: ")), "no result")
    facts = json.loads(result.read_text())
    if facts["bit_exact"] != (ran.returncode == 0):
        return False, "-", f"status {ran.returncode} although bit_exact is {facts['bit_exact']}"
    first = facts["first_difference"] or {"stage": "-", "message": "equal in every stage"}
    return facts["bit_exact"], first["stage"], first["message"].splitlines()[0]


def main() -> int:
    """The gateware as it is, then each fault; 1 when one of them is not found where it is."""
    console = Console()
    asked = sys.argv[1:]
    shown = Table("fault in", "which", "reported at", "first difference")
    wrong = 0
    for fault in (None, *FAULTS):
        if fault is not None and asked and fault.stage not in asked:
            continue
        name = fault.stage if fault else "none"
        console.print(f"fault in {name} ...", style="dim")
        with tempfile.TemporaryDirectory(prefix="ocellus-fault-") as folder:
            exact, stage, message = run(fault, Path(folder))
        good = exact if fault is None else not exact and stage.startswith(fault.shows)
        wrong += not good
        style = "green" if good else "bold red"
        shown.add_row(name, fault.meaning if fault else "as it is", f"[{style}]{stage}[/]", message)
    console.print(shown)
    console.print("every fault was found where it is" if not wrong else f"{wrong} of these are not as they should be")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
