"""The trace of a difference: its window run again, at once or later."""

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ocellus.errors import BadInput
from ocellus_sim.app import __main__ as app
from ocellus_sim.app import folders, waves
from ocellus_sim.app.exposure import Exposure
from ocellus_sim.app.options import Options
from ocellus_sim.cosim.runs import AFTER, BEFORE, CHECKOUT, Run
from ocellus_sim.cosim.traces import SHORTLY_PS
from ocellus_sim.golden.sensor import Passage
from ocellus_sim.scenes import Scene
from tb.app import small
from tb.cosim.test_traces import marker, rises


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """A run of two frames whose second differs in a pixel of isp: here it is the golden model that is wrong."""
    monkeypatch.setattr(folders, "RUNS", tmp_path / "sim")
    honest = Exposure._golden

    def wrong(self: Exposure, scene: Scene) -> Passage:
        passage = honest(self, scene)
        if scene.seed == small.SEED:
            return passage
        rgb = passage.rgb.copy()
        rgb[20, 30, 1] ^= 1
        return replace(passage, rgb=rgb)

    monkeypatch.setattr(Exposure, "_golden", wrong)
    return small.options(tmp_path, 2)


def test_the_clocks_around_a_difference_are_traced_and_traced_again(options, tmp_path, monkeypatch, capsys):
    text = io.StringIO()
    assert app.run(replace(options, trace_failure=True), Console(file=text, width=200), time.perf_counter()) == 1
    folder = (folders.RUNS / "latest").resolve()
    first = json.loads((folder / "result.json").read_text())["first_difference"]
    assert (first["stage"], first["at"], first["frame"]) == ("rgb", [20, 30, 1], 1)
    seen = rises(folder / "fail.fst")
    assert len(seen) == BEFORE + AFTER
    assert marker(folder / "fail.gtkw") == seen[BEFORE] - SHORTLY_PS, "the clock at which the pixel passed"
    groups = [line[1:] for line in (folder / "fail.gtkw").read_text().splitlines() if line.startswith("-")]
    for group in (
        "clock and reset",
        "ports",
        "taps",
        "readout",
        "isp",
        "isp: registers",
        "tensor",
        "cnn",
        "metadata",
        "link",
    ):
        assert group in groups
    assert "fail.gtkw" in text.getvalue()
    assert not (folder / "work").exists()

    # The same of the run as it lies there.
    (folder / "fail.fst").unlink()
    monkeypatch.setattr(waves, "choose", lambda variables: options)
    monkeypatch.setenv("RUN", folder.name)
    assert waves.main() == 0
    assert rises(folder / "fail.fst") == seen
    assert "fail.gtkw" in capsys.readouterr().out


def test_the_first_lines_and_the_networks_begin_are_traced(options):
    text = io.StringIO()
    run = replace(options, frames=1, waves=True)
    assert app.run(run, Console(file=text, width=200), time.perf_counter()) == 0
    folder = folders.RUNS / "latest"
    assert len(rises(folder / "waves-lines.fst")) == 8 * run.frame.clocks_per_line
    assert len(rises(folder / "waves-network.fst")) == 1000
    assert (folder / "waves-network.gtkw").exists()
    assert "waves-network.gtkw" in text.getvalue()


def test_without_a_run_that_failed_there_is_nothing_to_trace(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "RUNS", tmp_path / "sim")
    monkeypatch.setenv("OCELLUS_BUILD", str(tmp_path / "build"))
    with pytest.raises(BadInput, match="found no run that failed"):
        waves._found("")
    passed = tmp_path / "sim" / "seed-1-metadata"
    passed.mkdir(parents=True)
    (passed / "result.json").write_text(json.dumps({"first_difference": None}))
    with pytest.raises(BadInput, match="found no run that failed"):
        waves._found("")
    with pytest.raises(BadInput, match="where nothing failed"):
        waves._trace(waves._found("seed-1-metadata"))
    failed = tmp_path / "sim" / "seed-2-metadata"
    failed.mkdir()
    (failed / "result.json").write_text(json.dumps({"first_difference": {"stage": "rgb"}}))
    assert waves._found("") == failed
    with pytest.raises(BadInput, match=r"RUN: found 'seed-3-metadata', allowed seed-2-metadata$"):
        waves._found("seed-3-metadata")
    for n in range(11):
        other = failed.with_name(f"newer-{n}")
        other.mkdir()
        (other / "result.json").write_text((failed / "result.json").read_text())
        os.utime(other, (2e9 + n, 2e9 + n))
    with pytest.raises(BadInput, match=r"allowed newer-10, newer-9, .*, newer-1 and 2 more$"):
        waves._found("seed-3-metadata")


def test_the_run_of_a_test_is_told_before_it_runs_again_and_another_checkouts_is_left(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(folders, "RUNS", tmp_path / "sim")
    monkeypatch.setenv("OCELLUS_BUILD", str(tmp_path / "build"))
    monkeypatch.setattr(waves, "_trace", lambda folder: folder / "fail.fst")
    for name, checkout in (("mine", str(CHECKOUT)), ("yours", "/elsewhere")):
        folder = tmp_path / "build" / "runs" / name
        folder.mkdir(parents=True)
        run = Run("a:B", "tb.isp.isp_bench", None, 77, {}, 9.0, "one test failed", ["too_dark"], checkout)
        run.write(folder)
        os.utime(folder, (2e9, 2e9 + (name == "yours")))
    monkeypatch.delenv("RUN", raising=False)
    monkeypatch.setenv("GUI", "0")
    assert waves.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "tb.isp.isp_bench, too_dark, seed 77: one test failed"
    assert "runs/mine: running its window again" in told[1]
