"""Lines and branches are counted as they were taken, to the clock, by the lines of the source."""

import json
from pathlib import Path

import pytest

from ocellus_sim.cosim import SimulationFailed, simulate
from ocellus_sim.coverage import code, counts
from ocellus_sim.coverage.counts import Point

FILE = "tb/coverage/turnstile.py"
LINES = (Path(__file__).with_name("turnstile.py")).read_text().splitlines()


def at(text: str, branch: str = "") -> Point:
    """The point at the only line with this text."""
    (number,) = (n for n, line in enumerate(LINES, 1) if text in line)
    return Point(FILE, number, branch)


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OCELLUS_COVERAGE", "1")


def run(folder: Path, coins: list[int], **parameters: bool) -> Path:
    """Counts of a run of its own."""
    simulate(
        "tb.coverage.turnstile:Turnstile", {}, test_module="tb.coverage.turnstile_bench", testcase="coins_add_up",
        parameters={"coins": coins, **parameters}, run_dir=folder,
    )  # fmt: skip
    return folder / counts.RUN_FILE


def test_every_point_is_counted_at_every_clock(tmp_path: Path):
    found = counts.load(run(tmp_path, [1, 2, 7, 3]))
    clocks = found[at("ready.eq")]
    assert found[at("m.If(self.i.valid)", "taken")] == 4
    assert found[at("m.If(self.i.valid)", "not taken")] == clocks - 4
    assert found[at("self.o_paid + Mux")] == 4
    assert found[at("self.o_paid + Mux", "mux 1 is 1")] == 1
    assert found[at("self.o_paid + Mux", "mux 1 is 0")] == 3
    assert found[at("m.If(self.i.payload == 7)", "taken")] == 1
    assert found[at("m.If(self.i.payload == 7)", "not taken")] == 3
    assert found[at("refused.eq(1)")] == 1
    assert found[at('m.State("open")', "taken")] == clocks
    assert found[at('m.State("shut")', "taken")] == 0
    assert found[at("o_open.eq(1)")] == clocks
    assert found[at("m.If(refused", "taken")] == found[at('m.next = "shut"')] == 0
    assert found[at("o_shut.eq(1)")] == 0
    assert len(found) == 16


def test_a_missed_branch_is_reported_and_a_test_more_takes_it(tmp_path: Path):
    plain = run(tmp_path / "plain", [1, 2])
    summary = code.merge([plain], tmp_path, under="tb/coverage")
    (file,) = summary["files"]
    # Six statements are built, and one stands in the source that no design has.
    never = at("o_paid.eq(0)").line
    assert file["missed"] == [at("refused.eq(1)").line, at('m.next = "shut"').line, at("o_shut.eq").line, never]
    assert file["lines"] == 7
    assert [line for line, _ in file["missed_branches"]].count(at("self.o_paid + Mux").line) == 1
    more = run(tmp_path / "more", [7])
    both = code.merge(code.run_files(tmp_path), tmp_path, under="tb/coverage")
    assert {plain, more} == set(code.run_files(tmp_path))
    assert both["files"][0]["missed"] == file["missed"][1:]
    assert json.loads((tmp_path / "coverage.json").read_text()) == both
    info = (tmp_path / "coverage.info").read_text().splitlines()
    assert f"SF:{FILE}" in info
    assert f"DA:{at('o_shut.eq').line},0" in info
    assert "LF:7" in info
    assert "LH:4" in info


def test_a_failed_test_leaves_its_counts_too(tmp_path: Path):
    with pytest.raises(SimulationFailed):
        run(tmp_path, [7], fails=True)
    assert counts.load(tmp_path / counts.RUN_FILE)[at("refused.eq(1)")] == 1


def test_a_run_without_counts_leaves_none_of_an_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(tmp_path, [1])
    monkeypatch.setenv("OCELLUS_COVERAGE", "0")
    run(tmp_path, [1])
    assert code.run_files(tmp_path) == []
