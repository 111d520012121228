"""A simulator compiled again by what a run has shown does the same, and is kept."""

from pathlib import Path

import pytest

from ocellus_sim.cosim import ToolError, build, simulate, training

FACTORY, ARGUMENTS = "tb.cosim.adder:QueuedAdder", {"width": 16}
BENCH, TEST = "tb.cosim.adder_bench", "stalls_follow_their_published_sequence"


def run(folder: Path) -> None:
    simulate(FACTORY, ARGUMENTS, test_module=BENCH, testcase=TEST, run_dir=folder, seed=1)


def test_a_trained_simulator_does_the_same_and_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCELLUS_BUILD", str(tmp_path / "build"))
    built = build(FACTORY, ARGUMENTS)
    before = built.simulator.read_bytes()
    with pytest.raises(ToolError, match="allowed a run to its end"):
        training.train(built, lambda folder: None)
    assert built.simulator.read_bytes() == before
    assert not training.is_trained(built)
    shown = []

    def show(folder: Path) -> None:
        shown.append(folder)
        with monkeypatch.context() as patch:
            patch.setenv("OCELLUS_SIMULATOR", str(folder))
            run(tmp_path / "shown")

    training.train(built, show)
    training.train(built, show)
    assert len(shown) == 1
    assert training.is_trained(built)
    assert built.simulator.read_bytes() != before
    assert build(FACTORY, ARGUMENTS).folder == built.folder
    run(tmp_path / "run")
    assert not list(built.folder.parent.glob("tmp-*"))
