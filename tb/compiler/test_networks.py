"""A network's description: what the sensor is told, and which descriptions are refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from ocellus import networks
from ocellus.cli import main
from ocellus.compiler.engine.image import Program
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from ocellus.formats import Head
from ocellus.settings import LUMA_MATRIX, UHD, UNITY_MATRIX, Window
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.public import needs_data, tflite_path

WINDOW = Window(0, 0, 3840, 2160)


def heatmap_network(channels: int = 3) -> bytes:
    """One layer from a picture of 18 rows, 32 columns to a grid of 9 by 16 with 3 classes and a box."""
    model = ModelBuilder()
    x = model.input((1, 18, 32, channels), Quantisation(1 / 255, -128))
    weights = np.ones((7, 3, 3, channels))
    out = Quantisation(0.05, 10)
    return model.build(model.convolution("CONV_2D", x, weights, np.zeros(7), 0.01, out, (2, 2)))


def vector_network(scale: float = 0.5, zero_point: int = 83) -> bytes:
    """Three classes from a picture of one channel, a SOFTMAX at the end."""
    model = ModelBuilder()
    x = model.input((1, 4, 6, 1), Quantisation(scale, zero_point))
    y = model.fully_connected(model.reshape(x, (1, 24)), np.ones((3, 24)), np.zeros(3), 0.1, Quantisation(0.3, 4))
    return model.build(model.softmax(y))


def write(folder: Path, content: bytes, description: object = None) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(content)
    if description is not None:
        (folder / "net.json").write_text(json.dumps(description))
    return path


def test_without_a_description_levels_enter_128_lower(tmp_path):
    network = networks.load(write(tmp_path, vector_network()))
    tensor = network.tensor_settings(Window(0, 0, 12, 8))
    for level in range(256):  # the window is one to one: docs/tensor.md
        p = (level * tensor.multiplier[0]) >> tensor.shift
        assert (p + tensor.offset[0] + 128) >> 8 == level - 128
    assert network.head is Head.VECTOR
    assert network.top_k == 3
    assert network.matrix == LUMA_MATRIX
    assert network.output.scale == float(np.float32(0.3))  # in front of the SOFTMAX
    assert network.metadata_settings(UHD, WINDOW).top_k == 3


def test_a_heat_map_is_described_beside_the_file(tmp_path):
    names = [{"name": "bolt", "kind": "part"}, {"name": "scratch", "kind": "defect"}, "gear"]
    description = {
        "name": "belt",
        "head": "heatmap",
        "classes": names,
        "threshold": 20,
        "mean": 0.0,
        "deviation": [1.0] * 3,
    }
    network = networks.load(write(tmp_path, heatmap_network(), description))
    assert network.class_names == ["bolt", "scratch", "gear"]
    assert network.classes[1].kind == "defect"
    assert network.matrix == UNITY_MATRIX
    found = network.metadata_settings(UHD, WINDOW)
    assert (found.head, found.grid_w, found.grid_h, found.classes, found.threshold) == (Head.HEATMAP, 16, 9, 3, 20)
    assert (found.zero_point, found.half_cell_x, found.step_x) == (10, 120 * 256, round(0.05 * 240 * 256))
    assert (network.tensor_settings(WINDOW).out_w, network.tensor_settings(WINDOW).out_h) == (32, 18)
    host = network.compile(CONFIGURATIONS["tiny"]).host
    assert host["head"] == "heatmap"
    assert host["classes"][0] == {"name": "bolt", "kind": "part"}
    assert host["layers"][0]["shape"] == [9, 16, 7]


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ([1], "found [1], allowed a JSON object"),
        ({"heads": 1}, "found the key 'heads', allowed name, head"),
        ({"head": "boxes"}, "head: found 'boxes', allowed vector, heatmap"),
        ({"head": ["vector"]}, "head: found ['vector'], allowed vector, heatmap"),
        ({"threshold": 200}, "threshold: found 200, allowed integers from -128 to 127"),
        ({"threshold": 0.5}, "threshold: found 0.5, allowed integers"),
        ({"top_k": 0}, "top_k: found 0, allowed integers from 1 to 16"),
        ({"mean": [1, 2]}, "mean: found [1, 2], allowed 1 or 3 numbers"),
        ({"mean": "black"}, "mean: found 'black', allowed 1 or 3 numbers"),
        ({"deviation": [1, 0, 1]}, "deviation: found [1, 0, 1], allowed numbers above 0"),
        ({"classes": "bolt"}, "classes: found None, allowed names"),
        ({"classes": [{"kind": "part"}]}, "classes: found {'kind': 'part'}, allowed names"),
        ({"head": "heatmap", "classes": ["a", "b"]}, "found 2 class names, allowed none or 3"),
        ({"name": 5}, "name: found 5, allowed text"),
    ],
)
def test_a_wrong_description_is_refused(tmp_path, description, text):
    with pytest.raises(BadInput, match=r"net\.json") as refused:
        networks.load(write(tmp_path, heatmap_network(), description))
    assert text in str(refused.value)


def test_a_description_that_is_no_json_is_refused(tmp_path):
    path = write(tmp_path, heatmap_network())
    (tmp_path / "net.json").write_bytes(b"\xff{")
    with pytest.raises(BadInput, match="found no readable JSON"):
        networks.load(path)


def test_a_vector_is_no_heat_map(tmp_path):
    with pytest.raises(BadInput, match=r"head heatmap: tensor .*: found shape \(1, 3\), allowed \(1, rows, columns"):
        networks.load(write(tmp_path, vector_network(), {"head": "heatmap"}))


def test_a_vector_input_is_no_picture(tmp_path):
    model = ModelBuilder()
    x = model.input((1, 24), Quantisation(0.5))
    y = model.fully_connected(x, np.ones((3, 24)), np.zeros(3), 0.1, Quantisation(0.3, 4))
    network = networks.load(write(tmp_path, model.build(y)))
    with pytest.raises(BadInput, match=r"found an input of shape \(1, 24\), allowed \(1, rows, columns, 1 or 3\)"):
        network.tensor_settings(WINDOW)


def test_the_command_writes_an_image_and_reports(tmp_path, capsys):
    path = write(tmp_path, vector_network())
    assert main(["compile", str(path), "--config", "tiny", "-o", str(tmp_path / "net.ocnn")]) == 0
    shown = capsys.readouterr().out
    assert "1 FULLY_CONNECTED" in shown
    assert "operator 2 (SOFTMAX) of the output is left to the host" in shown
    assert f"{len(Program.load(tmp_path / 'net.ocnn').words())} words to load" in shown
    program = Program.load(tmp_path / "net.ocnn")
    assert program.host["output"]["shape"] == [1, 3]
    assert program.host["head"] == "vector"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["none.tflite"], "none.tflite: cannot be read"),
        (["net.tflite", "--config", "huge"], "configuration: found 'huge', allowed tiny, ecp5"),
    ],
)
def test_the_command_refuses_in_one_line_with_status_2(tmp_path, monkeypatch, capsys, arguments, text):
    write(tmp_path, vector_network())
    monkeypatch.chdir(tmp_path)
    assert main(["compile", *arguments]) == 2
    shown = capsys.readouterr()
    assert text in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@needs_data
def test_the_command_refuses_a_network_that_is_too_large(capsys):
    assert main(["compile", str(tflite_path("vww_96_int8")), "--config", "tiny", "--keep-dead"]) == 2
    shown = capsys.readouterr().err
    assert "vww_96_int8.tflite: configuration 'tiny': found" in shown
    assert "weight words, allowed 16384" in shown
    assert "operator 26 (CONV_2D)" in shown


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_the_projects_own_network_fits(name):
    """It fits every named configuration, and its description and its file agree."""
    line = networks.default()
    program = line.compile(CONFIGURATIONS[name])
    assert Program.from_bytes(program.to_bytes()).host == program.host
    assert {c.kind for c in line.classes} == {"part", "defect"}
    settings = line.metadata_settings(UHD, WINDOW)
    assert settings.head is Head.HEATMAP
    assert settings.classes == len(line.classes) >= 6
    rows, columns, _ = line.network.input_tensor.picture
    assert columns * 9 == rows * 16
    assert line.tensor_settings(WINDOW).word() > 0
