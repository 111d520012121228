"""Whole runs on small frames: what they compare, what they leave, and that a difference is found and named."""

import io
import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ocellus import formats
from ocellus.decoder import decode
from ocellus.formats import Mode
from ocellus.settings import Window
from ocellus_sim.app import __main__ as app
from ocellus_sim.app import folders, simulation
from ocellus_sim.app.exposure import Exposure
from ocellus_sim.app.options import Options
from ocellus_sim.app.plan import control_words, prepare
from ocellus_sim.app.timeline_chart import chart
from ocellus_sim.app.timeline_frame import FrameTimes
from ocellus_sim.golden.sensor import Passage
from ocellus_sim.scenes import Scene
from tb.app import small
from tb.sensor.networks import vector_model
from tb.sensor.sizes import FRAME

KEYS = {
    "seed", "width", "height", "frames", "bit_exact", "first_difference", "detections", "ground_truth", "precision",
    "recall", "cycles", "cycles_per_stage", "sim_seconds", "wall_seconds", "wall_seconds_by_part", "versions", "commit",
    "megapixels_per_second", "split", "variables", "command",
}  # fmt: skip


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """A small run with a small network, its files in the test's own folder."""
    monkeypatch.setattr(folders, "RUNS", tmp_path / "sim")
    return small.options(tmp_path, 2)


def run(options: Options) -> tuple[int, str, dict, Path]:
    """Status, screen, result.json and folder."""
    text = io.StringIO()
    status = app.run(options, Console(file=text, width=120), time.perf_counter())
    folder = folders.RUNS / "latest"
    return status, text.getvalue(), json.loads((folder / "result.json").read_text()), folder.resolve()


def test_a_frame_begins_behind_the_blanking_of_the_one_before(options: Options, monkeypatch: pytest.MonkeyPatch):
    """With a region of interest in the upper half all is done long before the blanking ends."""
    blanking = (FRAME.v_total - FRAME.height) * FRAME.clocks_per_line
    monkeypatch.setattr(simulation, "QUIET", blanking // 4)
    status, _, result, _ = run(replace(options, roi=Window(0, 0, FRAME.width, FRAME.height // 2)))
    assert status == 0
    assert (result["bit_exact"], result["frames"]) == (True, 2)


def test_a_run_is_bit_exact_and_leaves_its_files(options: Options):
    status, screen, result, folder = run(replace(options, mode=Mode.IMAGE_AND_METADATA))
    assert status == 0
    assert result["bit_exact"] is True
    assert result["first_difference"] is None
    assert set(result) >= KEYS
    assert (result["seed"], result["width"], result["height"], result["frames"]) == (5, FRAME.width, FRAME.height, 2)
    assert result["recall"] is None, "the classes are not those of the scenes"
    stages = [check["stage"].split(",")[0].split()[0] for check in result["checks"][0]]
    assert list(dict.fromkeys(stages)) == ["raw", "rgb", "tensor", "layer", "output", "record", "bytes", "image"]
    assert all(check["elements"] > 0 for checks in result["checks"] for check in checks)
    assert all(clocks > 0 for clocks in result["cycles_per_stage"].values())
    assert "bit exact" in screen
    assert set(result["split"]) == {"model", "harness", "python", "golden"}
    assert all(seconds > 0 for name, seconds in result["split"].items() if name != "harness")
    assert result["split"]["model"] + result["split"]["harness"] <= result["wall_seconds"]
    assert f"seed 5, commit {result['commit']}, verilator {result['versions']['verilator']}" in screen
    for name in ("scene", "overlay", "tensor", "heatmap", "image"):
        for end in ("", "-1"):
            with Image.open(folder / f"{name}{end}.png") as picture:
                picture.load()
    records, lines, decoder = decode((folder / "metadata.bin").read_bytes())
    assert (len(records), len(lines), decoder.damaged_packets) == (2, 0, 0)
    assert [r.frame_counter for r in records] == [0, 1]
    told = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    assert (
        [len(t["objects"]) for t in told] == [len(r.objects) for r in records] == [len(d) for d in result["detections"]]
    )
    with Image.open(folder / "image.png") as picture:
        shown = np.asarray(picture).astype(np.uint16) >> 6
    assert (shown == prepare(options).scene(0).raw).all()
    assert not (folder / "work").exists()


def test_the_timeline_shows_each_stage_and_layer_busy(options: Options):
    _, _, result, folder = run(replace(options, frames=1))
    text = (folder / "timeline.vcd").read_text()
    names = dict(re.findall(r"\$var \w+ \d+ (\S+) (\w+) ", text))
    rises = {names[code] for code in re.findall(r"^1(\S+)$", text, re.MULTILINE)}
    assert rises == {"readout", "isp", "tensor", "cnn", "metadata", "link"}
    for layer in result["cycles_per_layer"]:
        assert layer["cycles"] > 0
        assert f"s{layer['layer']}_{layer['op']} " in text
    saved = (folder / "timeline.gtkw").read_text()
    assert "timeline.vcd" in saved
    assert "sensor.readout" in saved
    times = FrameTimes.from_json(result["frame_times"])
    assert {stage: times.stage_clocks(stage) for stage in times.busy} == result["cycles_per_stage"]
    assert [layer.clocks for layer in times.layers] == [layer["cycles"] for layer in result["cycles_per_layer"]]
    assert times.record == times.clocks - 1, "in this mode the record is the last that leaves"
    assert (folder / "timeline.svg").read_text() == chart(times).svg(alone=True) + "\n"
    events = json.loads((folder / "timeline.perfetto.json").read_text())["traceEvents"]
    shown = {event["name"] for event in events if event["ph"] == "X"}
    assert shown >= {*times.busy, *(f"{layer.number} {layer.operator}" for layer in times.layers)}


def test_in_metadata_mode_no_picture_leaves_and_in_image_mode_no_record(options: Options):
    _, _, result, folder = run(replace(options, frames=1, mode=Mode.IMAGE))
    assert result["detections"] == [[]]
    assert (folder / "metadata.bin").read_bytes() == b""
    records, lines, _ = decode((folder / "link.bin").read_bytes())
    assert (len(records), len(lines)) == (0, FRAME.height)
    _, _, result, folder = run(replace(options, frames=1))
    assert not (folder / "link.bin").exists()
    assert not (folder / "image.png").exists()


def test_a_vector_is_reported_and_shown_too(options: Options, tmp_path: Path):
    model = tmp_path / "vector.tflite"
    model.write_bytes(vector_model(4))
    status, _, result, folder = run(replace(options, frames=1, model=model))
    assert status == 0
    assert len(result["detections"][0]) == 5
    assert (folder / "heatmap.png").exists()


@pytest.mark.parametrize(
    ("stage", "place"),
    [("raw", "row 3, column 7"), ("rgb", "row 3, column 7, channel 1"), ("tensor", "row 3, column 7")],
)
def test_a_difference_is_named_with_its_stage_its_place_and_the_command(
    options: Options, monkeypatch: pytest.MonkeyPatch, stage: str, place: str
):
    """Here it is the golden model that is wrong, in the second frame; what is compared does not know that."""
    honest = Exposure._golden

    def wrong(self: Exposure, scene: Scene) -> Passage:
        passage = honest(self, scene)
        if scene.seed != options.seed + 1:
            return passage
        changed = getattr(passage, stage).copy()
        changed[(3, 7, 1)[: changed.ndim]] ^= 1
        return replace(passage, **{stage: changed})

    monkeypatch.setattr(Exposure, "_golden", wrong)
    status, screen, result, folder = run(options)
    assert status == 1
    assert result["bit_exact"] is False
    first = result["first_difference"]
    assert (first["frame"], first["seed"], first["stage"]) == (1, 6, stage)
    assert place in first["message"]
    assert "want" in first["message"]
    assert first["command"] == "make sim SEED=5 FRAMES=2", "the frame may hang on the one before it"
    assert "NOT bit exact" in screen
    assert "make sim SEED=5 FRAMES=2" in screen
    assert tuple(first["at"]) == (3, 7, 1)[: len(first["at"])]
    assert first["want"] ^ first["got"] == 1
    assert first["clock"] > 0
    with Image.open(folder / first["crop"]) as picture:
        assert picture.width > 1000


def test_control_words_are_those_of_the_layout():
    writes = [(0, 1), (0x4FFC, 255), (formats.CNN_LOAD, 0xFFFF_FFFF)]
    want = [formats.CONTROL_REQUEST.pack({"address": a, "data": d, "write": 1}) for a, d in writes]
    assert control_words(writes).tolist() == want
