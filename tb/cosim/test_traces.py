"""Traces of any test: a window of clocks, or what led to a failure, as FST with GTKWave's save file."""

from itertools import pairwise
from pathlib import Path

import pylibfst
import pytest

from ocellus.errors import BadInput
from ocellus_sim.cosim import SimulationFailed, simulate
from ocellus_sim.cosim.gtkw import parts_of
from ocellus_sim.cosim.runs import Run, retrace
from ocellus_sim.cosim.traces import SHORTLY_PS, show
from ocellus_sim.cosim.window import Window, passages

ADDER = "tb.cosim.adder:QueuedAdder"
BENCH = "tb.cosim.adder_bench"
FAULTY = "tb.cosim.faulty_bench"
PERIOD = 13_468


def rises(trace: Path) -> list[int]:
    """Times at which the clock rises, as a reader of FST sees them."""
    lib, ffi = pylibfst.lib, pylibfst.ffi
    reader = lib.fstReaderOpen(bytes(trace))
    assert reader != ffi.NULL, f"{trace} is no FST"
    _, signals = pylibfst.get_scopes_signals2(reader)
    clock = signals.by_name["top.clk"].handle
    found = []

    def change(_data: object, time: int, handle: int, value: object) -> None:
        if handle == clock and pylibfst.helpers.string(value) == "1":
            found.append(time)

    lib.fstReaderSetFacProcessMaskAll(reader)
    pylibfst.helpers.fstReaderIterBlocks(reader, change)
    lib.fstReaderClose(reader)
    return found


def marker(saved: Path) -> int:
    """Where the viewer's marker stands."""
    return int(next(line for line in saved.read_text().splitlines() if line.startswith("*")).split()[1])


@pytest.fixture
def traced(tmp_path, monkeypatch):
    """A run of one test with ``OCELLUS_WAVES`` set."""

    def go(waves: str, module: str, testcase: str, limit: int | None = None) -> Path:
        monkeypatch.setenv("OCELLUS_WAVES", waves)
        arguments = {"width": 16} if limit is None else {"width": 16, "limit": limit}
        return simulate(ADDER, arguments, test_module=module, testcase=testcase, seed=3, run_dir=tmp_path / "run")

    return go


def test_a_window_of_clocks_of_a_test_that_knows_nothing_of_it(traced):
    folder = traced("20-45", BENCH, "a_full_sink_waits_and_loses_nothing")
    seen = rises(folder / "waves.fst")
    assert len(seen) == 25
    assert {b - a for a, b in pairwise(seen)} == {PERIOD}
    assert not list(folder.glob("*.vcd")), "what it was made of is gone"


def test_clocks_are_counted_over_the_tests_of_a_run_and_their_resets(traced):
    """The first test of two has few clocks: the window lies in the second."""
    folder = traced("60-70", BENCH, "(reset_offers_a_held_beat_again|a_full_sink_waits_and_loses_nothing)")
    (first, its), (second, other) = passages(folder)
    assert (first, second) == ("a_full_sink_waits_and_loses_nothing", "reset_offers_a_held_beat_again")
    assert its.begin == 0
    assert its.end == other.begin
    assert other.end > other.begin + 5
    assert len(rises(folder / "waves.fst")) == 10 + 2 * 2, "ten, and two of each reset in between"


def test_a_failure_leaves_the_clocks_that_led_to_it(traced, tmp_path):
    with pytest.raises(SimulationFailed, match=r"trace: look at it: gtkwave .*fail\.gtkw"):
        traced("fail", FAULTY, "breaks_the_designs_assertion", limit=7)
    folder = tmp_path / "run"
    seen = rises(folder / "fail.fst")
    assert len(seen) == 8
    assert marker(folder / "fail.gtkw") == seen[-1] - SHORTLY_PS
    assert "+{entry0} top.component.entry0[15:0]" in (folder / "fail.gtkw").read_text()
    assert "a beat equals the limit" in (folder / "simulation.log").read_text(), "the first run's log stays"
    assert Run.read(folder).failed == ["breaks_the_designs_assertion"]
    assert not list(folder.glob("trace-*"))


def test_a_failure_before_the_first_clock_has_no_trace(traced, tmp_path):
    with pytest.raises(SimulationFailed, match="no trace: not one clock had passed"):
        traced("fail", FAULTY, "finds_a_difference", limit=7)
    assert not (tmp_path / "run" / "fail.fst").exists()


def test_a_run_that_passes_leaves_no_trace_of_a_failure(traced):
    folder = traced("fail", BENCH, "a_full_sink_waits_and_loses_nothing")
    assert not list(folder.glob("*.fst"))


def test_a_window_that_a_run_never_reaches_is_said(traced, tmp_path, capsys):
    traced("1000000-1000010", BENCH, "a_full_sink_waits_and_loses_nothing")
    assert "no trace: clock 1000000 never came" in capsys.readouterr().out
    with pytest.raises(SimulationFailed, match="did not come to clock 1000000"):
        retrace(tmp_path / "run", Window(1_000_000, 1_000_010), 1_000_005)
    assert not list((tmp_path / "run").glob("trace-*"))


@pytest.mark.parametrize("text", ["yes", "5-5", "10-5", "-3", "1-2-3", "٣-٤", "7"])
def test_another_wish_is_refused(traced, text):
    with pytest.raises(BadInput, match=r"OCELLUS_WAVES: found .* allowed 0, 1, fail and BEGIN-END"):
        traced(text, BENCH, "a_full_sink_waits_and_loses_nothing")


def test_modules_and_registers_are_found_in_the_verilog():
    parts = parts_of(
        "module \\top.component.isp (i__ready, \\o__ready$32 , clk, rst);\n"
        "  assign a = b <= c;\n"
        "  always @(posedge clk)\n    \\level$1  <= \\$2 ;\n"
        "  always @(posedge clk)\n    if (rst) state[3:0] <= 4'h0;\n    else if (go) state[3:0] <= next;\nendmodule\n"
    )
    assert parts["top.component.isp"].ports == ["i__ready", "o__ready$32"]
    assert parts["top.component.isp"].registers == ["level$1", "state"]


@pytest.mark.parametrize(
    ("programs", "screen", "said"),
    [
        ((), ":1", "look at it: gtkwave fail.gtkw (neither gtkwave nor surfer is on the PATH here)"),
        (("gtkwave", "surfer"), "", "look at it: gtkwave fail.gtkw (there is no screen here"),
        (("surfer",), ":1", "opened: surfer fail.fst"),
        (("gtkwave",), ":1", "opened: gtkwave fail.gtkw"),
    ],
)
def test_the_viewer_that_is_there_is_opened(tmp_path, monkeypatch, programs, screen, said):
    for name in programs:
        (tmp_path / name).write_text('#!/bin/sh\necho "$@" > opened\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    monkeypatch.chdir(tmp_path)
    line = show(tmp_path / "fail.fst", start=True, variables={"PATH": str(tmp_path), "DISPLAY": screen})
    assert line.startswith(said)
