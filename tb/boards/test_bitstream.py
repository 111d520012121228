"""The flow around the tools: what is refused, what is missed, what is told; the tools are scripts here."""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from ocellus_hdl.boards import board, top
from scripts import ecp5, tools
from scripts.boards import bitstream, flash
from scripts.boards.report import Report, figures
from scripts.tools import ToolError, native, tool

from .delays import CLOCKS, SDF
from .echo import Echo

OPTIONS = argparse.Namespace(
    seed=1, placer="heap", router="router2", minutes=1, wide=False, wire=900, free_collisions="top.camera.*"
)
NEXTPNR = ["--quiet", "--log", "top.tim", "--85k", "--lpf", "top.lpf"]


def program(path: Path, text: str) -> str:
    """A shell script as a tool, which says no version."""
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exit\n{text}\n')
    path.chmod(0o755)
    return str(path)


def step(path: list[tuple[str, str, float, str]]) -> list[dict[str, Any]]:
    """As nextpnr tells a path."""
    return [{"from": {"cell": a}, "to": {"cell": b}, "delay": d, "type": t} for a, b, d, t in path]


FOUND = {
    "utilization": {"DP16KD": {"used": 7, "available": 208}, "EHXPLLL": {"used": 1, "available": 4}},
    "fmax": {
        "$glbnet$camera.clk": {"achieved": 80.5, "constraint": 75.0},
        "gate.free_clk": {"achieved": 70.0, "constraint": 75.0},
    },
    "critical_paths": [
        {"from": "<async>", "to": "posedge a", "path": step([("pin", "z", 99, "routing")])},
        {"from": "posedge a", "to": "posedge b", "path": step([("camera.x_TRELLIS_FF_Q", "y_LUT4_Z", 1.5, "logic")])},
        *(
            {"from": f"posedge {net}", "to": f"posedge {net}", "path": step([(cell, cell, 0.5, "clk-to-q")])}
            for net, cell in CLOCKS.items()
        ),
    ],
}


def test_the_report_names_the_clock_that_is_missed_and_the_slowest_paths_of_each(tmp_path: Path):
    (tmp_path / "top.sdf").write_text(SDF)
    cells = {"LUT4": 1234, "TRELLIS_FF": 5, "DP16KD": 7, "MULT18X18D": 0}
    given = {"target_mhz": 75.0, "cells": cells, "minutes": {"synthesis": 1.0, "routing": 2.5}, "tools": {"yosys": "1"}}
    report = Report("b", "d", "tiny", 1, **given, sha256="0f", **figures(FOUND, tmp_path / "top.sdf"))
    assert report.missed == {"gate.free_clk": (70.0, 75.0)}
    assert report.fmax_mhz == 80.5
    assert report.lines() == [
        "b: d, configuration tiny, seed 1",
        "  synthesis: 1,234 LUT4, 5 FF, 7 block RAM, 0 multipliers",
        "  DP16KD              7 of     208",
        "  EHXPLLL             1 of       4",
        "  sync: 80.5 MHz, 75.0 wanted",
        "    `camera.store.0.0` to `camera.store.0.0`: 6.0 ns in 0 gates, 3.0 ns on wires",
        "    `camera.product` to `camera.far`: 2.9 ns in 0 gates, 1.5 ns on wires",
        "    `camera.far` to `camera.total`: 1.0 ns in 2 gates, 3.1 ns on wires",
        "  gate.free_clk: 70.0 MHz, 75.0 wanted - missed",
        "    `gate.stage0` to `gate.stage1`: 0.5 ns in 0 gates, 0.3 ns on wires",
        "  between clocks, from and to pins:",
        "    `camera.x` to `y`: 1.5 ns in 1 gates, 0.0 ns on wires",
        "    `pin` to `z`: 0.0 ns in 0 gates, 99.0 ns on wires",
        "  sha256 0f",
        "  3.5 minutes: synthesis 1.0, routing 2.5",
        "  yosys: 1",
    ]


def test_nextpnr_gets_amaranths_options_and_ours_and_its_report_is_read(tmp_path: Path):
    said = f"echo \"$@\" > arguments; echo '{json.dumps(FOUND)}' > nextpnr.json"
    told: list[str] = []
    found = bitstream.route(tmp_path, NEXTPNR, program(tmp_path / "p", said), OPTIONS, told.append, 75_000_000)
    assert found == FOUND
    words = (tmp_path / "arguments").read_text().split()
    assert words[:3] == ["--85k", "--lpf", "top.lpf"]
    assert "--quiet" not in words
    assert words[words.index("--freq") + 1] == "75"
    assert words[words.index("--sdf") + 1] == "top.sdf"


@pytest.mark.skipif(not (tools.TOOLS / "ready").exists(), reason="make numbers, or make bitstream, installs the tools")
def test_the_same_sources_and_seed_give_the_same_bitstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The real tools on a board's pins, PLL and gate, with next to nothing behind them."""
    monkeypatch.setattr(top, "Camera", Echo)
    monkeypatch.setattr(bitstream, "FOLDER", tmp_path)
    said = io.StringIO()
    one, tiny = board("orangecrab-85f"), CONFIGURATIONS["tiny"]
    first, second = (bitstream.build(one, tiny, OPTIONS, Console(file=said)) for _ in range(2))
    assert first.sha256 == second.sha256
    assert first.missed == {}
    assert first.used["EHXPLLL"] == (1, 4)
    # nextpnr counts a period in whole picoseconds.
    assert first.clocks["sync"][1] == pytest.approx(75.0, rel=1e-4), (
        "the clock's limit comes from the crystal's, through the dividers"
    )
    assert json.loads((tmp_path / one.name / "tiny" / "report.json").read_text())["sha256"] == first.sha256
    assert "packing: " in said.getvalue()


def test_a_router_that_comes_to_no_end_is_told_with_what_it_had_reached(tmp_path: Path):
    options = argparse.Namespace(**vars(OPTIONS) | {"minutes": 0.02})
    slow = program(tmp_path / "p", "echo iter=1 overused=1234; echo iter=2 overused=56; exec sleep 60")
    with pytest.raises(bitstream.MissedError, match=r"^not routed after 0\.02 minutes: 56 wires were still shared$"):
        bitstream.route(tmp_path, NEXTPNR, slow, options, print, 75_000_000)


def test_a_design_that_the_placer_finds_no_room_for_is_too_large(tmp_path: Path):
    full = program(tmp_path / "p", "echo 'ERROR: Unable to place cell x, no BELs remaining of type DP16KD'; exit 1")
    with pytest.raises(BadInput, match=r"^design: it does not fit: Unable to place cell x"):
        bitstream.route(tmp_path, NEXTPNR, full, OPTIONS, print, 75_000_000)


def test_a_nextpnr_that_gives_up_is_told_with_its_last_lines(tmp_path: Path):
    fails = program(tmp_path / "p", "echo ERROR: it is Monday; exit 1")
    with pytest.raises(bitstream.MissedError, match=r"(?s)^ERROR: it is Monday\nnextpnr-ecp5 ended with status 1; "):
        bitstream.route(tmp_path, NEXTPNR, fails, OPTIONS, print, 75_000_000)


CELLS = {"LUT4": 4, "TRELLIS_FF": 3, "CCU2C": 2}
TOOLS = {
    "yosys": f"echo '{json.dumps({'design': {'num_cells_by_type': CELLS}})}' > cells.json;"
    """ echo '{"modules": {"top": {"cells": {}}}}' > top.json""",
    "nextpnr-ecp5": f"echo '{json.dumps(FOUND)}' > nextpnr.json; cat > top.sdf << 'END'\n{SDF}END",
    "ecppack": "echo bits > top.bit",
}


@pytest.fixture
def tools_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Scripts as tools, a design of next to nothing, and a folder for what they make."""
    found = {name: program(tmp_path / name, text) for name, text in TOOLS.items()}
    monkeypatch.setattr(top, "Camera", Echo)
    monkeypatch.setattr(bitstream, "built_in", lambda *given: None)
    monkeypatch.setattr(bitstream, "programs", lambda console: found)
    monkeypatch.setattr(bitstream, "FOLDER", tmp_path / "boards")
    return tmp_path


def test_what_is_built_has_its_bitstream_and_report_and_not_the_delays(tools_here: Path):
    said = io.StringIO()
    report = bitstream.build(board("ulx3s-85f"), CONFIGURATIONS["tiny"], OPTIONS, Console(file=said))
    assert report.cells == {"LUT4": 8, "TRELLIS_FF": 3, "DP16KD": 0, "MULT18X18D": 0}
    assert (report.failure, report.target_mhz) == ("", 75.0)
    assert len(report.paths["sync"]) == 3
    folder = tools_here / "boards" / "ulx3s-85f" / "tiny"
    assert json.loads((folder / "report.json").read_text())["paths"] == report.paths
    assert json.loads((folder / "top.json").read_text())["modules"]["top"]["settings"] == ecp5.ROUTER
    assert (folder / "top.bit").exists()
    assert not (folder / "top.sdf").exists()


def test_a_board_is_built_with_its_own_seed_unless_another_is_typed(tools_here: Path):
    program(tools_here / "nextpnr-ecp5", f'echo "$@" > arguments; {TOOLS["nextpnr-ecp5"]}')
    one, tiny = board("ulx3s-85f"), CONFIGURATIONS["tiny"]
    assert one.seed != board("ecpix5-85f").seed, "or the test shows nothing"
    for typed, used in ((None, one.seed), (7, 7)):
        options = argparse.Namespace(**vars(OPTIONS) | {"seed": typed})
        assert bitstream.build(one, tiny, options, Console(file=io.StringIO())).seed == used
        words = (tools_here / "boards" / one.name / "tiny" / "arguments").read_text().split()
        assert words[words.index("--seed") + 1] == str(used)


def test_what_is_not_routed_leaves_a_report_of_what_was_reached(tools_here: Path):
    program(tools_here / "nextpnr-ecp5", "echo iter=1 overused=56; exec sleep 60")
    options = argparse.Namespace(**vars(OPTIONS) | {"minutes": 0.02})
    report = bitstream.build(board("ulx3s-85f"), CONFIGURATIONS["tiny"], options, Console(file=io.StringIO()))
    assert report.failure == "not routed after 0.02 minutes: 56 wires were still shared"
    assert (report.cells["LUT4"], report.fmax_mhz, report.sha256) == (8, None, "")
    assert [*report.minutes] == ["network", "elaboration", "synthesis", "placement and routing"]
    folder = tools_here / "boards" / "ulx3s-85f" / "tiny"
    assert json.loads((folder / "report.json").read_text())["failure"] == report.failure
    assert not (folder / "top.bit").exists()


@pytest.mark.parametrize(
    ("nextpnr", "says"),
    [
        (TOOLS["nextpnr-ecp5"], "gate.free_clk reaches 70.0 MHz of 75.0"),
        ("echo iter=1 overused=56; exec sleep 60", "not routed after 0.02 minutes: 56 wires were still shared"),
    ],
)
def test_the_verb_tells_what_was_reached_and_what_was_not(
    nextpnr: str, says: str, tools_here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    program(tools_here / "nextpnr-ecp5", nextpnr)
    monkeypatch.setattr(bitstream, "ROOT", tools_here)
    minutes = ["--minutes", "0.02" if "sleep" in nextpnr else "1"]
    monkeypatch.setattr("sys.argv", ["bitstream", "--board", "ulx3s-85f", "--config", "tiny", *minutes])
    assert bitstream.main() == 1
    said = capsys.readouterr()
    assert said.err == f"ocellus: ulx3s-85f: {says}\n"
    assert "  synthesis: 8 LUT4, 3 FF, 0 block RAM, 0 multipliers\n" in said.out
    assert "ulx3s-85f: not compared: docs/numbers.md has no figures of it with tiny\n" in said.out
    assert ("boards/ulx3s-85f/tiny/top.bit\n" in said.out) == ("sleep" not in nextpnr)


@pytest.mark.parametrize(
    ("block_rams", "multipliers", "says"),
    [
        (209, 156, "found 209 block RAM, allowed 208"),
        (247, 269, "found 247 block RAM and 269 multipliers, allowed 208 and 156"),
    ],
)
def test_more_than_the_chip_has_is_refused_before_placement(block_rams: int, multipliers: int, says: str):
    cells = {"LUT4": 83_640, "TRELLIS_FF": 1, "DP16KD": block_rams, "MULT18X18D": multipliers}
    with pytest.raises(BadInput, match=f"^design: {says}: chip has no more$"):
        bitstream.check_size(cells, "chip")


def test_all_that_the_chip_has_may_be_taken():
    bitstream.check_size(bitstream.AVAILABLE, "chip")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--board", "ulx4"], "ocellus: BOARD: found 'ulx4', allowed "),
        ([], "ocellus: BOARD: found '', allowed "),
        (["--board", "ulx3s-85f", "--config", "huge"], "ocellus: configuration: found 'huge', allowed tiny, "),
    ],
)
@pytest.mark.parametrize("verb", [bitstream, flash])
def test_what_is_not_there_is_refused_in_a_sentence(
    verb: Any, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["verb", *arguments])
    with pytest.raises(SystemExit) as ended:
        verb.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(says)
    assert said.count("\n") == 1


def test_a_tool_that_the_environment_names_must_be_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.setenv("NEXTPNR_ECP5", mine := program(tmp_path / "mine", ""))
    assert native("nextpnr-ecp5") == mine
    monkeypatch.setenv("NEXTPNR_ECP5", "/no/such/tool")
    with pytest.raises(SystemExit) as ended:
        native("nextpnr-ecp5")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("ocellus: NEXTPNR_ECP5: found '/no/such/tool', which is no program")


def test_the_machines_own_tools_are_taken_from_path_and_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    own = {name: program(tmp_path / name, "") for name in bitstream.NAMES}
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bitstream, "prepare", lambda console: pytest.fail("installs"))
    assert bitstream.programs(Console(file=io.StringIO())) == own


def test_a_tool_that_fails_is_told_with_its_last_lines(tmp_path: Path):
    fails = program(tmp_path / "p", "echo first; echo ERROR: the last; exit 3")
    with pytest.raises(ToolError, match=r"(?s)ERROR: the last\nyosys ended with status 3; all it said is in "):
        tool("yosys", [], tmp_path / "log", program=fails)


def built(folder: Path, achieved: float) -> None:
    """A bitstream and its report, as a build leaves them."""
    folder.mkdir(parents=True)
    (folder / "top.bit").write_bytes(b"bits")
    (folder / "report.json").write_text(json.dumps({"clocks": {"clk": [achieved, 75.0]}}))


def test_flash_runs_the_loader_or_says_its_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
):
    for module in (tools, bitstream, flash):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(bitstream, "FOLDER", tmp_path / "build" / "boards")
    monkeypatch.setattr("sys.argv", ["flash", "--board", "ulx3s-85f", "--config", "tiny"])
    with pytest.raises(SystemExit) as ended:
        flash.main()
    assert ended.value.code == 2
    assert capfd.readouterr().err == (
        "ocellus: flash: build/boards/ulx3s-85f/tiny/top.bit is not there; "
        "`make bitstream BOARD=ulx3s-85f CONFIG=tiny` makes it\n"
    )
    built(bitstream.place_of(board("ulx3s-85f"), CONFIGURATIONS["tiny"]), achieved=70.0)
    monkeypatch.setenv("OPENFPGALOADER", "no-such-loader")
    with pytest.raises(SystemExit) as ended:
        flash.main()
    assert ended.value.code == 2
    said = capfd.readouterr()
    assert said.out == "no-such-loader -b ulx3s build/boards/ulx3s-85f/tiny/top.bit\n"
    warning, refusal = said.err.splitlines()
    assert warning == "warning: clk reaches 70.0 MHz of 75.0: it may do anything"
    assert refusal.startswith("ocellus: flash: no-such-loader is not on PATH (")
    monkeypatch.setenv("OPENFPGALOADER", program(tmp_path / "loader", 'echo "$@"; exit 4'))
    assert flash.main() == 4
    assert capfd.readouterr().out == "-b ulx3s build/boards/ulx3s-85f/tiny/top.bit\n"
    (bitstream.place_of(board("ulx3s-85f"), CONFIGURATIONS["tiny"]) / "report.json").unlink()
    with pytest.raises(SystemExit):
        flash.main()
    assert "tiny/report.json is not there" in capfd.readouterr().err
