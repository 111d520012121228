"""Which simulators a campaign compiles again before its jobs begin."""

from pathlib import Path

import pytest

from ocellus_sim.app import training
from ocellus_sim.campaign import models
from ocellus_sim.campaign.job import Job
from ocellus_sim.cosim import ToolError

SMALL = {"SIZE": "384x216"}


def trained(monkeypatch: pytest.MonkeyPatch, jobs: list[Job], folder: Path) -> tuple[list[str], list[str]]:
    """The builds that were handed on for training, and what was told; a size, a build."""
    asked: list[str] = []
    told: list[str] = []
    made = {job.name: models.Model(str(folder / job.variables.get("SIZE", "4K"))) for job in jobs}
    monkeypatch.setattr(models, "_make", lambda job, tell: made[job.name])

    def refuse(built, variables) -> None:
        asked.append(built.folder.name)
        raise ToolError("the disk is full\nand more")

    monkeypatch.setattr(training, "train", refuse)
    models.make(jobs, told.append)
    return asked, told


def test_simulators_with_enough_pixels_before_them_are_trained_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    many = [Job("a", "sensor", 1, models.WORTH - 1), Job("b", "sensor", 2), Job("c", "sensor", 3, 900, SMALL)]
    asked, told = trained(monkeypatch, many, tmp_path)
    assert asked == ["4K"]
    assert told[-1] == "simulator of a, not compiled again: the disk is full"
    assert trained(monkeypatch, [many[0], many[2]], tmp_path) == ([], [])
    (tmp_path / "4K").mkdir()
    (tmp_path / "4K" / "trained").touch()
    assert trained(monkeypatch, many, tmp_path) == ([], [])
