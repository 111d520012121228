"""`ocellus verify`: inputs, verdicts, figures, and what it says of a difference."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocellus import networks
from ocellus.cli import main
from ocellus.compiler.tflite_file import read_network
from ocellus.errors import BadInput
from ocellus_sim.golden import cnn
from ocellus_sim.verify.comparison import Comparison, compare_layers
from ocellus_sim.verify.inputs import random_input, read_input
from tb.oracle import random_network
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.onnx_random import random_onnx
from tb.oracle.onnx_runtime import is_the_measure
from tb.oracle.public import needs_data, tflite_path

from .test_reports import small_network


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(small_network())
    return path


def picture_network(kind: str = "INT8") -> bytes:
    """Three channels, which level 0 enters as -128 (int8) or 0 (uint8)."""
    model = ModelBuilder()
    if kind == "INT8":
        x = model.input((1, 4, 6, 3), Quantisation(1 / 255, -128))
    else:
        x = model.input((1, 4, 6, 3), Quantisation(1 / 255, 0), kind="UINT8")
        x = model.function("QUANTIZE", x, Quantisation(1 / 255, -128))
    return model.build(model.fully_connected(model.reshape(x, (1, 72)), np.ones((2, 72)), None, 0.1, Quantisation(1.0)))


def test_random_and_given_inputs_are_compared_in_every_tensor(net, tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((1, 6, 6, 4), np.int8))
    (tmp_path / "x.dat").write_bytes(bytes(144))
    files = [str(tmp_path / "x.npy"), str(tmp_path / "x.dat")]
    out = tmp_path / "out.json"
    command = ["verify", str(net), "--config", "tiny", "--json", str(out), "--frames", "3", "--input", *files]
    assert main(command) == 0
    found = json.loads(out.read_text())
    sizes = {"CONV_2D": 144, "ADD": 144, "DEPTHWISE_CONV_2D": 36, "MEAN": 4, "FULLY_CONNECTED": 3, "SOFTMAX": 3}
    assert {e["kinds"][0]: e["activations_compared"] for e in found["layers"]} == {k: 5 * n for k, n in sizes.items()}
    assert found["activations_compared"] == 5 * sum(sizes.values())
    assert found["mismatches"] == 0
    assert found["first_mismatch"] is None
    assert found["cycles"] is None
    assert found["predicted_cycles"] > 100
    assert found["macs"] == found["effective_macs"] == 36 * 4 * 36 + 9 * 4 * 9 + 12
    assert "0 mismatches in 1,670 activations" in capsys.readouterr().out


def test_a_wrong_result_is_named_with_its_place_and_ends_with_status_1(net, capsys, monkeypatch):
    right = cnn.run

    def wrong(network, x, arithmetic):
        found = right(network, x, arithmetic)
        name = next(n for n, o in ((o.output, o) for o in network.operators) if o.number == 2)
        found[name][0, 1, 2, 3] ^= 1
        return found

    monkeypatch.setattr(cnn, "run", wrong)
    assert main(["verify", str(net), "--seed", "7"]) == 1
    shown = capsys.readouterr().out
    assert (
        "1 mismatches in 334 activations; the first: input seed 7, layer 2, tensor 'op002_DEPTHWISE_CONV_2D'" in shown
    )
    assert "row 1, column 2, channel 3: expected " in shown


def test_a_layer_is_compared_where_it_lies_in_the_tensor():
    """A part of the rows and columns, in steps, of some channels: coordinates are those of the whole tensor."""
    network = read_network(Path(networks.__file__).with_name("line.tflite"))
    o = network.operators[0]
    rows, columns, channels = network.tensors[o.output].picture
    want = {o.output: np.arange(rows * columns * channels).astype(np.int8).reshape(1, rows, columns, channels)}
    told = {
        "tensor": o.output, "shape": [2, 3, 3], "origin": [1, 2, 0], "row_column_step": [2, 1],
        "kinds": [o.kind], "operators": [o.number],
    }  # fmt: skip
    host = {"layers": [told], "channels": {o.output: {"kept": [1, 2, 3], "arbitrary": [1]}}}
    got = np.zeros((2, 3, 8), np.int8)
    got[:, :, :3:2] = want[o.output][0, 1:5:2, 2:5, 1:4:2]
    found = Comparison()
    compare_layers(found, "x", network, host, {0: got}, {}, want)
    assert (found.total, found.wrong) == (12, 0)
    got[:, :, 1] += 1
    got[1, 2, 2] += 1
    compare_layers(found, "x", network, host, {0: got}, {}, want)
    assert (found.total, found.wrong) == (24, 1)
    assert found.first is not None
    assert [found.first[k] for k in ("row", "column", "channel")] == [3, 4, 3]
    assert found.first["got"] == found.first["expected"] + 1


@pytest.mark.parametrize("kind", ["conv", "uint8"])
def test_ends_of_other_types_are_given_to_the_oracle_as_it_wants_them(kind, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(picture_network("UINT8") if kind == "uint8" else random_network("conv", 1))
    assert main(["verify", str(path), "--config", "tiny"]) == 0


def test_single_rounding_is_compared_with_the_default_interpreter(tmp_path, capsys):
    path = tmp_path / "net.tflite"
    path.write_bytes(random_network("depthwise", 3))
    assert main(["verify", str(path), "--config", "tiny", "--arithmetic", "single"]) in (0, 1)
    assert "golden against LiteRT (XNNPACK), single rounding" in capsys.readouterr().out


@pytest.mark.skipif(not is_the_measure(), reason="ONNX Runtime has other kernels on this processor")
def test_onnx_networks_are_compared_with_onnx_runtime(tmp_path, capsys):
    path = tmp_path / "net.onnx"
    path.write_bytes(random_onnx("conv", 1, "qdq", False))
    assert main(["verify", str(path), "--config", "tiny"]) == 0
    assert "golden against ONNX Runtime, single rounding" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["INT8", "UINT8"])
def test_a_picture_is_scaled_and_quantised(kind, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(picture_network(kind))
    file = networks.load(path)
    levels = np.random.default_rng(1).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    Image.fromarray(levels.repeat(5, 0).repeat(5, 1)).save(tmp_path / "x.png")
    want = (levels.astype(np.int16) - 128).astype(np.int8)[np.newaxis]
    assert (read_input(tmp_path / "x.png", file, kind == "UINT8") == want).all()
    raw = levels if kind == "UINT8" else want
    (tmp_path / "x.bin").write_bytes(raw.tobytes())
    np.save(tmp_path / "x.npy", raw)
    np.save(tmp_path / "real.npy", levels.astype(np.float32) / 255)
    for name in ("x.bin", "x.npy", "real.npy"):
        assert (read_input(tmp_path / name, file, kind == "UINT8") == want).all(), name


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("none.npy", None, "found no file"),
        ("x.dat", bytes(7), "found 7 values, allowed 144 (1x6x6x4)"),
        ("x.npy", b"no array", "found no array"),
        ("x.npy", (1, 4, 6, 6), "found shape (1, 4, 6, 6), allowed 1x6x6x4"),
        ("x.npy", (144,), "found shape (144,), allowed 1x6x6x4"),
        ("x.png", b"no picture", "found a picture for an input of 4 channels, allowed 1 or 3"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused_in_one_sentence(net, tmp_path, capsys, name, content, text):
    if isinstance(content, tuple):
        np.save(tmp_path / name, np.zeros(content, np.int8))
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["verify", str(net), "--input", str(tmp_path / name)]) == 2
    shown = capsys.readouterr().err
    assert text in shown
    assert shown.count("\n") == 1


def test_arrays_of_onnx_networks_may_have_their_channels_first(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(random_onnx("conv", 1, "qdq", False))
    file = networks.load(path)
    want = random_input(file.network, 1)
    np.save(tmp_path / "x.npy", want.transpose(0, 3, 1, 2))
    assert (read_input(tmp_path / "x.npy", file, False) == want).all()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--frames", "0"], "--frames: found 0, allowed 1 and more, or 0 with --input"),
        (["--config", "huge"], "configuration: found 'huge', allowed tiny"),
    ],
)
def test_options_that_mean_nothing_are_refused(net, capsys, options, text):
    assert main(["verify", str(net), *options]) == 2
    assert text in capsys.readouterr().err


def test_arrays_of_another_type_are_refused(net, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(144, np.int32))
    with pytest.raises(BadInput, match="found int32, allowed int8 or finite real values"):
        read_input(tmp_path / "x.npy", networks.load(net), False)


def test_random_inputs_follow_from_their_seed_and_hold_every_value():
    network = networks.default().network
    x = random_input(network, 3)
    assert (x == random_input(network, 3)).all()
    assert not (x == random_input(network, 4)).all()
    assert len(np.unique(x)) == 256


@needs_data
def test_a_network_that_does_not_fit_is_still_verified_on_the_golden_model(capsys):
    assert main(["verify", str(tflite_path("pretrainedResnet_quant")), "--config", "tiny"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith("not for tiny: ")
    assert "weight words, allowed" in shown.err
    assert "0 mismatches in " in shown.out
