"""The table of boards: what is written is read, what has become worse is told, and no board stops the others."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ocellus.errors import BadInput
from ocellus_hdl.boards.found import points
from scripts import figures
from scripts.boards import bitstream, committed
from scripts.boards.committed import BoardNumbers, judged, worse
from scripts.boards.report import Report
from scripts.tools import ToolError

NUMBERS = BoardNumbers(
    name="ulx3s-85f", configuration="ecp5", device="LFE5U-85F-6BG381", seed=1, fmax_mhz=76.0, target_mhz=75.0,
    lut4=48_200, ff=36_000, bram=194, mult=147, tool_minutes=38.5, digest="0f" * 32,
)  # fmt: skip
BOARDS = ["ecpix5-85f", "orangecrab-85f", "ulx3s-85f"]
PAGE = f"# numbers\n\nWords.\n\n{committed.MARK}\n## More\n{figures.MARK}| a table |\n"


def report(numbers: BoardNumbers, **other: Any) -> Report:
    """Of a build that came to these."""
    cells = {"LUT4": numbers.lut4, "TRELLIS_FF": numbers.ff, "DP16KD": numbers.bram, "MULT18X18D": numbers.mult}
    clocks = {} if numbers.fmax_mhz is None else {"sync": (numbers.fmax_mhz, numbers.target_mhz)}
    given: dict[str, Any] = {
        "board": numbers.name, "device": numbers.device, "configuration": numbers.configuration, "seed": numbers.seed,
        "target_mhz": numbers.target_mhz, "cells": cells, "minutes": {"all": numbers.tool_minutes}, "tools": {},
        "sha256": numbers.digest or "", "clocks": clocks, "paths": {net: [] for net in clocks},
    }  # fmt: skip
    return Report(**given | other)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """With the figures of one board."""
    path = tmp_path / "numbers.md"
    path.write_text(committed.written(PAGE, committed.MARK, committed.text(BOARDS, {NUMBERS.name: NUMBERS})))
    monkeypatch.setattr(committed, "PAGE", path)
    return path


@pytest.mark.parametrize(
    "numbers",
    [NUMBERS, replace(NUMBERS, fmax_mhz=None, digest=None), replace(NUMBERS, name="ecpix5-85f", fmax_mhz=0.1)],
)
def test_what_is_written_is_read_back_and_the_rest_of_the_page_stays(page: Path, numbers: BoardNumbers):
    text = page.read_text()
    again = committed.written(text, committed.MARK, committed.text(BOARDS, {numbers.name: numbers}))
    page.write_text(again)
    assert committed.committed() == {numbers.name: numbers}
    assert committed.written(again, committed.MARK, "\n") == PAGE.replace(committed.MARK, committed.MARK + "\n")
    assert again.count("| orangecrab-85f | - | - |") == 1


def test_a_build_is_the_same_figures():
    assert BoardNumbers.of(report(NUMBERS)) == NUMBERS
    unrouted = replace(NUMBERS, fmax_mhz=None, digest=None)
    assert BoardNumbers.of(report(unrouted)) == unrouted


@pytest.mark.parametrize(
    ("name", "inside", "outside", "says"),
    [
        ("fmax_mhz", 72.2, 72.1, "found 72.1 MHz, committed 76.0, allowed 72.20 or more"),
        ("lut4", 50_610, 50_611, "found 50,611 LUT4, committed 48,200, allowed 50,610 or fewer"),
        ("ff", 37_800, 37_801, "found 37,801 FF, committed 36,000, allowed 37,800 or fewer"),
        ("bram", 203, 204, "found 204 block RAMs, committed 194, allowed 203 or fewer"),
        ("mult", 154, 155, "found 155 multipliers, committed 147, allowed 154 or fewer"),
    ],
)
def test_five_per_cent_are_allowed_and_no_more(name: str, inside: float, outside: float, says: str):
    assert worse(replace(NUMBERS, **{name: inside}), NUMBERS) == []
    assert worse(replace(NUMBERS, **{name: outside}), NUMBERS) == [says]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (NUMBERS, ""),
        (
            replace(NUMBERS, fmax_mhz=80.0, bram=205, ff=40_000),
            "ocellus: ulx3s-85f: found 40,000 FF, committed 36,000, allowed 37,800 or fewer; found 205 block RAMs, "
            'committed 194, allowed 203 or fewer; `make numbers ARGS="ulx3s-85f --page"` renews docs/numbers.md\n',
        ),
        (replace(NUMBERS, fmax_mhz=74.9), "ocellus: ulx3s-85f: sync reaches 74.9 MHz of 75.0\n"),
    ],
)
def test_a_build_that_is_worse_or_misses_its_clock_is_told(
    page: Path, capsys: pytest.CaptureFixture[str], found: BoardNumbers, says: str
):
    assert judged(report(found), Console(file=io.StringIO())) == bool(says)
    assert capsys.readouterr().err == says


def test_nothing_is_compared_where_the_page_is_renewed(page: Path):
    assert judged(report(replace(NUMBERS, lut4=60_000)), Console(file=io.StringIO()), renewed=True) == 0


@pytest.mark.parametrize("other", [{"name": "ecpix5-85f"}, {"configuration": "tiny"}])
def test_what_the_page_has_no_figures_of_is_not_compared_and_that_is_told(page: Path, other: dict[str, str]):
    said = io.StringIO()
    found = replace(NUMBERS, lut4=80_000, **other)
    assert judged(report(found), Console(file=said, width=150)) == 0
    assert said.getvalue() == (
        f"{found.name}: not compared: docs/numbers.md has no figures of it with {found.configuration}\n"
    )


def numbers(monkeypatch: pytest.MonkeyPatch, kept: Path, built: dict[str, Any], *typed: str) -> int:
    """`make numbers` where each board's build comes to what is given."""

    def build(chosen: Any, configuration: Any, options: Any, console: Any) -> Report:
        assert (configuration, options.minutes) == (chosen.configuration, bitstream.MINUTES)
        found = built[chosen.name]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(bitstream, "build", build)
    monkeypatch.setattr(figures, "KEPT", kept)
    monkeypatch.setattr("sys.argv", ["numbers", *typed])
    return figures.main()


def test_boards_that_fail_do_not_stop_the_others_and_each_has_its_line(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    crab = replace(NUMBERS, name="orangecrab-85f", fmax_mhz=None, digest=None)
    built = {
        "ecpix5-85f": BadInput("design: found 209 block RAM, allowed 208"),
        "orangecrab-85f": report(crab, failure="not routed after 60 minutes: 56 wires were still shared"),
        "ulx3s-85f": report(NUMBERS),
    }
    assert numbers(monkeypatch, tmp_path / "kept.json", built, *built, "--page") == 1
    said = capsys.readouterr()
    assert said.err == (
        "ocellus: ecpix5-85f: design: found 209 block RAM, allowed 208\n"
        "ocellus: orangecrab-85f: not routed after 60 minutes: 56 wires were still shared\n"
    )
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert kept["designs"] == []
    assert [row["name"] for row in kept["boards"]] == ["orangecrab-85f", "ulx3s-85f"]
    assert kept["boards"][0]["fmax_mhz"] is None
    asked = {"fmax_mhz", "target_mhz", "lut4", "ff", "bram", "mult", "tool_minutes", "digest"}
    assert kept["boards"][1].keys() >= asked
    assert committed.committed() == {crab.name: crab, NUMBERS.name: NUMBERS}
    assert page.read_text().endswith(f"{figures.MARK}| a table |\n"), "no design was measured"
    shown = [line.split()[1::2] for line in said.out.rpartition("multipliers")[2].splitlines() if "85" in line]
    assert ["ulx3s-85f", "ecp5"] in [line[:2] for line in shown]
    assert [line[1:4] for line in shown if line[0] == "ecpix5-85f"] == [["-"] * 3]


def test_a_design_that_a_tool_refuses_does_not_stop_the_others(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    def refused(name: str, options: Any, console: Any) -> figures.Numbers:
        raise ToolError("yosys ended with status 1; all it said is in yosys.log")

    monkeypatch.setattr(figures, "of_design", refused)
    monkeypatch.setattr(figures, "prepare", lambda console: None)
    built = {NUMBERS.name: report(NUMBERS)}
    assert numbers(monkeypatch, tmp_path / "kept.json", built, "pair", "lane", NUMBERS.name) == 1
    said = "yosys ended with status 1; all it said is in yosys.log"
    assert capsys.readouterr().err == f"ocellus: pair: {said}\nocellus: lane: {said}\n"
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert (kept["designs"], [row["name"] for row in kept["boards"]]) == ([], [NUMBERS.name])


def test_a_board_measured_later_leaves_the_others_lines(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    other = replace(NUMBERS, name="ecpix5-85f", fmax_mhz=101.5)
    assert numbers(monkeypatch, tmp_path / "kept.json", {other.name: report(other)}, other.name, "--page") == 0
    assert committed.committed() == {NUMBERS.name: NUMBERS, other.name: other}


def test_what_an_older_version_kept_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(figures, "KEPT", tmp_path / "kept.json")
    (tmp_path / "kept.json").write_text('[{"design": "pair"}]')
    assert figures.Kept.read() == figures.Kept({}, {})


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["ulx4"], "names: found ulx4; allowed are pair, "),
        (["--no-place", "ulx3s-85f"], "--no-place: found ulx3s-85f; allowed are designs: pair, "),
    ],
)
def test_names_that_are_not_there_are_refused(
    typed: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["numbers", *typed])
    with pytest.raises(SystemExit) as ended:
        figures.main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_committed_page_is_read():
    """Whatever boards it has figures of."""
    assert committed.committed().keys() <= {*points()}
