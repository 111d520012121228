"""`make cov` refuses what it does not know, and a second one beside it, in a sentence."""

import fcntl
from pathlib import Path

import pytest

from ocellus_sim.coverage.__main__ import ERRANDS, main
from ocellus_sim.coverage.code import ROOT


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["isp", "retina"]) == 2
    assert capsys.readouterr().err.startswith("ocellus: stage: found 'retina', allowed cnn, control, isp, ")


def test_a_second_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("OCELLUS_BUILD", str(tmp_path))
    with (tmp_path / "cov.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["control"]) == 2
    assert "found another `make cov` at work, allowed one at a time" in capsys.readouterr().err


def test_every_stage_of_the_gateware_is_in_it():
    # Boards are no gateware of their own; the serial line is simulated by Amaranth alone, where nothing is counted.
    uncounted = {"boards", "serial", "__pycache__"}
    stages = {path.name for path in (ROOT / "hdl" / "ocellus_hdl").iterdir() if path.is_dir()} - uncounted
    assert stages | {"sensor"} == {errand.stage for errand in ERRANDS}
    paths = [word for errand in ERRANDS for word in errand.command if word.startswith("tb/")]
    assert all((ROOT / path).exists() for path in paths)
