"""`make regress`: the long way round at 4K: seeds, modes, configurations, photographs, public networks; one table."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
"""Public pictures and networks that are no part of the repository; runs on them are left out where it is absent."""
SEEDS = int(os.environ.get("SEEDS", "8"))


def runs() -> Iterator[dict[str, str]]:
    """The variables of each run."""
    yield {"SEED": "1", "FRAMES": str(SEEDS)}
    yield {"SEED": "1001", "FRAMES": "2", "MODE": "image+metadata"}
    yield {"SEED": "1002", "MODE": "image"}
    yield {"SEED": "1003", "CONFIG": "tiny"}
    yield {"SEED": "1004", "SIZE": "1920x1080", "FRAMES": "2"}
    yield {"SEED": "1005", "WAVES": "1", "SIZE": "640x360"}
    for picture in (*sorted(DATA.glob("scenes/*.jpg")), *sorted(DATA.glob("bayer/*.raw"))):
        yield {"FRAME": str(picture)}
    for network in ("vww_96_int8", "pretrainedResnet_quant"):
        if (path := DATA / "tflite" / f"{network}.tflite").exists():
            yield {"SEED": "1006", "MODEL": str(path)}


def run(variables: dict[str, str]) -> dict[str, Any]:
    """One run in a process of its own; its result, or why there is none."""
    names = ("SEED", "FRAMES", "FRAME", "MODEL", "MODE", "CONFIG", "SIZE", "WAVES")
    environment = {name: value for name, value in os.environ.items() if name not in names} | variables
    begin = time.time()
    command = [sys.executable, "-m", "ocellus_sim.app"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    latest = ROOT / "build" / "sim" / "latest" / "result.json"
    if ran.returncode in (0, 1) and latest.exists() and latest.stat().st_mtime >= begin:
        return json.loads(latest.read_text())
    said = (ran.stderr.strip().splitlines() or ["no result"])[-1]
    return {"bit_exact": False, "first_difference": {"message": said}, "frames": 0}


def main() -> int:
    """Run all, print the table, write build/regress.json; 1 when a run was not bit exact."""
    console = Console()
    shown = Table("run", "bit exact", "frames", "clocks", "Verilator s", "wall s", "recall", "precision")
    results = []
    for variables in runs():
        typed = " ".join(f"{name}={Path(value).name}" for name, value in variables.items())
        console.print(f"make sim {typed} ...", style="dim")
        result = run(variables)
        results.append({"variables": variables, **result})
        if result["bit_exact"]:
            quality = ["-" if result[key] is None else f"{result[key]:.3f}" for key in ("recall", "precision")]
            numbers = [f"{result['cycles']:,}", f"{result['sim_seconds']:.1f}", f"{result['wall_seconds']:.1f}"]
            shown.add_row(typed, "[green]yes[/]", str(result["frames"]), *numbers, *quality)
        else:
            shown.add_row(typed, "[bold red]no[/]", str(result["frames"]))
            console.print(result["first_difference"]["message"], style="red", markup=False)
    console.print(shown)
    out = ROOT / "build" / "regress.json"
    out.write_text(json.dumps(results, indent=1) + "\n")
    console.print(f"written to {out.relative_to(ROOT)}")
    return int(not all(result["bit_exact"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
