"""Situations that a test meets are those that the plan names, and are kept, counted once a test."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocellus.compiler.graph import Kind
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import Mode
from ocellus.program_formats import Epilogue, LayerOp
from ocellus.settings import UHD, FrameFormat
from ocellus_sim.app.options import name_of
from ocellus_sim.cosim import SimulationFailed, simulate
from ocellus_sim.coverage import functional
from ocellus_sim.coverage.functional import Notebook, UnknownPoint
from ocellus_sim.coverage.seen import of_bench, stage_of


def run(folder: Path, *situations: tuple[str, str]) -> Path:
    """A test that says that it met some situations."""
    return simulate(
        "tb.coverage.turnstile:Turnstile", {}, test_module="tb.coverage.turnstile_bench",
        parameters={"coins": [1], "situations": situations}, run_dir=folder,
    )  # fmt: skip


def test_a_bench_keeps_what_it_met_and_copies_it_for_the_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OCELLUS_COVERED", str(tmp_path / "all"))
    for n in range(2):
        run(tmp_path / f"run-{n}", ("stalls", "isp in"), ("stalls", "isp in"), ("frames", "isp shortest lines"))
    one, both = functional.gather(tmp_path / "run-0"), functional.gather(tmp_path / "all")
    assert (one["stalls"]["isp in"], one["frames"]["isp shortest lines"], one["stalls"]["isp out"]) == (1, 1, 0)
    assert (both["stalls"]["isp in"], both["frames"]["isp shortest lines"]) == (2, 2)
    assert functional.added([one, both])["stalls"]["isp in"] == 3
    assert set(one) == set(functional.groups())


def test_a_situation_that_the_plan_does_not_name_fails_the_test(tmp_path: Path):
    with pytest.raises(SimulationFailed, match="no point 'is on fire' of a group 'turnstile'"):
        run(tmp_path, ("turnstile", "is on fire"))
    with pytest.raises(UnknownPoint):
        Notebook(tmp_path).note([("stalls", "isp sideways")])
    with pytest.raises(UnknownPoint):
        functional.cover([("stalls", "isp sideways")])


def test_whatever_a_user_may_choose_for_a_run_has_a_point():
    for name in CONFIGURATIONS:
        functional.check(("sensor runs", f"configuration {name}"))
    for mode in Mode:
        functional.check(("sensor modes", name_of(mode)))
    for kind in Kind:
        functional.check(("cnn operators", kind.lower()))
    for op, epilogue in itertools.product(LayerOp, Epilogue):
        functional.check(("cnn layers", f"{op.name.lower()}, {epilogue.name.lower()}"))


def test_a_bench_sees_its_stalls_and_sizes_by_itself():
    def seen(stalls_in: bool, stalls_out: bool, frame: FrameFormat) -> list[tuple[str, str]]:
        return list(of_bench("isp", {"frame": frame}, stalls_in, stalls_out))

    assert seen(False, False, UHD) == [("stalls", "isp none"), ("frames", "isp 4K lines")]
    assert seen(True, False, FrameFormat(8, 4, 12, 4)) == [("stalls", "isp in"), ("frames", "isp shortest lines")]
    assert seen(False, True, FrameFormat(20, 4, 24, 4)) == [("stalls", "isp out"), ("frames", "isp odd words")]
    assert seen(True, True, FrameFormat(24, 2, 28, 2)) == [
        ("stalls", "isp both"),
        ("frames", "isp even words"),
        ("frames", "isp one pair of lines"),
    ]
    assert list(of_bench("", {"frame": SimpleNamespace()}, True, True)) == []
    assert [stage_of(name) for name in ("tb.isp.isp_bench", "tb.cosim.adder_bench", "ocellus_sim.app.frame_bench")] == [
        "isp", "", "sensor",
    ]  # fmt: skip
