"""`make flash BOARD=ulx3s-85f`: the bitstream that was built into the board's chip, until its power goes."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys

from ocellus.errors import BadInput
from ocellus_hdl.boards import board
from ocellus_hdl.boards.found import sized

from ..tools import ROOT, refuse
from .bitstream import TOP, place_of

LOADER = "openFPGALoader"


def main() -> int:
    """Load it, or say what would."""
    parser = argparse.ArgumentParser(prog="make flash")
    parser.add_argument("--board", default="", help="one of `make boards`")
    parser.add_argument("--config", default="", help="another size of the accelerator than the board's")
    options = parser.parse_args()
    try:
        chosen = board(options.board)
        folder = place_of(chosen, sized(chosen, options.config))
    except BadInput as error:
        refuse(str(error))
    bits, report = folder / f"{TOP}.bit", folder / "report.json"
    again = f"make bitstream BOARD={chosen.name}" + f" CONFIG={options.config}" * bool(options.config)
    for file in (bits, report):  # the report is written last: without it the build broke off
        if not file.exists():
            refuse(f"flash: {file.relative_to(ROOT)} is not there; `{again}` makes it")
    for net, (found, wanted) in json.loads(report.read_text())["clocks"].items():
        if found < wanted:
            print(f"warning: {net} reaches {found:.1f} MHz of {wanted:.1f}: it may do anything", file=sys.stderr)
    asked = os.environ.get("OPENFPGALOADER", LOADER)
    command = [asked, "-b", chosen.flash, str(bits.relative_to(ROOT))]
    if shutil.which(asked) is None:
        print(shlex.join(command))
        refuse(f"flash: {asked} is not on PATH (Debian, Ubuntu: apt-get install openfpgaloader); that command loads it")
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
