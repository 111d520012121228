"""The screen's tables: what was found beside what was there, and which stages only follow."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from ocellus.formats import Mode
from ocellus_sim.app import screen
from ocellus_sim.app.agreement import Check
from ocellus_sim.app.options import Options
from ocellus_sim.compare import Difference
from ocellus_sim.scenes import CLASSES, SceneObject
from tb.scenes.test_score import FLAW, PART, STAIN, WASHER, Found

FAR = Found(WASHER, 7, 900, 900, 60, 60)


def rows(options: Options, truth: list[SceneObject], found: list[Found], names: tuple[str, ...] = CLASSES) -> list[Any]:
    """The table's rows as text."""
    plan: Any = SimpleNamespace(options=options, file=SimpleNamespace(class_names=names))
    result: Any = SimpleNamespace(
        scene=SimpleNamespace(objects=truth), records=[SimpleNamespace(objects=found)] if found else []
    )
    return [(left.plain, right.plain) for left, right in screen._rows(plan, result, 24)]


def test_each_object_stands_beside_its_detection_and_what_has_none_below():
    there = Found(STAIN, 5, 102, 101, 100, 100)
    other = SceneObject("washer", 2000, 900, 1900, 800, 200, 200)
    assert rows(Options(), [other, FLAW, PART], [FAR, there]) == [
        ("stain    (150, 150)", "stain    (152, 151)  100x100  score 5"),
        ("washer   (200, 200)", "-"),
        ("washer   (2000, 900)", "-"),
        ("(not there)", "washer   (930, 930)  60x60  score 7"),
    ]


def test_where_nobody_knows_the_truth_no_detection_is_called_wrong():
    seen = "washer   (930, 930)  60x60  score 7"
    photograph = replace(Options(), photograph=Path("a.jpg"))
    assert rows(photograph, [], [FAR]) == [("a photograph: nobody says", ""), ("", seen)]
    assert rows(Options(), [PART], [FAR], ("cat",) * 9) == [
        ("the network has other classes", ""),
        ("", seen.replace("washer  ", "cat     ")),
    ]
    assert rows(Options(), [], []) == [("nothing", "nothing")]
    image = replace(Options(), mode=Mode.IMAGE)
    assert rows(image, [PART, FLAW], [])[0][1] == "no record leaves in this mode"


def agreement(mode: Mode, *frames: dict[str, str]) -> dict[str, str]:
    """The table's verdicts by stage, of frames whose stages say what is given."""
    plan: Any = SimpleNamespace(options=replace(Options(), mode=mode), program=SimpleNamespace(host={"layers": [1]}))
    stages = ("raw", "rgb", "tensor", "layer 0, add", "output", "record", "bytes", "image")
    results: Any = [
        SimpleNamespace(checks=[Check(s, 9, Difference(said[s]) if s in said else None) for s in stages])
        for said in frames
    ]
    console = Console(width=100)
    with console.capture() as text:
        console.print(screen._agreement(plan, results))
    lines = [line.strip("│ \n") for line in text.get().splitlines() if "│" in line][1:]
    return {line.split()[0]: line.rpartition("  ")[2] for line in lines}


def test_stages_behind_the_first_that_differs_follow():
    said = {"rgb": "rgb: wrong", "tensor": "tensor: wrong", "record": "record: wrong", "image": "image: wrong"}
    shown = agreement(Mode.IMAGE_AND_METADATA, said)
    assert [shown[stage] for stage in ("raw", "rgb", "tensor", "every", "record")] == [
        "equal", "rgb: wrong", "follows", "equal", "follows",
    ]  # fmt: skip
    assert shown["image"] == "image: wrong", "pixels do not pass through rgb"
    assert agreement(Mode.IMAGE, {"raw": "raw: wrong", "image": "image: wrong"})["image"] == "follows"
    shown = agreement(Mode.METADATA, {"rgb": "rgb: wrong", "output": "output: wrong"}, {"output": "output: too"})
    assert shown["output"] == "output: too", "in the second frame it is the first"


@pytest.mark.parametrize("parts", [[1.0, 1.0, 1.0], [0.005, 0.335, 0.66], [3.0, 0.0, 0.0], [2.5, 2.5, 95.0]])
def test_shares_add_up(parts):
    shares = screen.hundredths(parts)
    assert sum(shares) == 100
    assert all(abs(share - 100 * part / sum(parts)) < 1 for share, part in zip(shares, parts, strict=True))
