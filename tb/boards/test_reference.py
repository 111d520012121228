"""The reference board's bitstream by the real tools, as somebody types it: it fits, keeps its clocks, and is told."""

import json
import os
import subprocess
import sys

import pytest

from ocellus_hdl.boards.found import board
from scripts.boards.bitstream import place_of
from scripts.boards.committed import committed
from scripts.tools import ROOT

REFERENCE = "ulx3s-85f"
ALLOWED = {"TRELLIS_COMB": 0.85, "DP16KD": 0.95, "MULT18X18D": 0.95}
"""Of what the chip has: a router needs room."""


@pytest.mark.skipif(
    "OCELLUS_TESTS" not in os.environ,
    reason="takes most of an hour, a campaign's: make regress SUITE=nightly FILTER=boards",
)
def test_the_reference_board_is_built_and_keeps_its_clocks_and_its_figures():
    """Exit status 0 says, too, that it is no slower and no larger than docs/numbers.md says."""
    chosen = board(REFERENCE)
    folder = place_of(chosen, chosen.configuration)
    command = [sys.executable, "-m", "scripts.boards.bitstream", "--board", REFERENCE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(run.stdout[-5000:])
    assert run.returncode == 0, run.stderr
    assert (folder / "top.bit").stat().st_size > 0
    report = json.loads((folder / "report.json").read_text())
    print(f"{sum(report['minutes'].values()):.1f} minutes of tools, 40 wanted")
    assert report["clocks"]["sync"][1] == pytest.approx(75.0, rel=1e-4)
    assert {net: both for net, both in report["clocks"].items() if both[0] < both[1]} == {}
    assert len(report["paths"]["sync"]) == 3
    shares = {kind: used / there for kind, (used, there) in report["used"].items() if kind in ALLOWED}
    assert {kind: share for kind, share in shares.items() if share > ALLOWED[kind]} == {}
    assert REFERENCE in committed(), f'`make numbers ARGS="{REFERENCE} --page"` writes its figures into docs/numbers.md'
