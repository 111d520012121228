"""The project's own network: it fits, it is exact, and it sees."""

import json
from pathlib import Path

import numpy as np
import pytest

from ocellus import networks
from ocellus.configurations import CONFIGURATIONS
from ocellus.records import parse_record
from ocellus.settings import UHD, Window
from ocellus_sim.golden import sensor
from ocellus_sim.scenes import CLASSES, Score, isp_settings, kind_of, render, score

FOLDER = Path(networks.__file__).parent
LINE = networks.default()


def test_the_file_is_small() -> None:
    assert (FOLDER / "line.tflite").stat().st_size < 200_000


def test_the_description_names_the_scenes_classes_in_their_order() -> None:
    content = json.loads((FOLDER / "line.json").read_text())
    assert content["head"] == "heatmap"
    assert [c["name"] for c in content["classes"]] == list(CLASSES)
    assert [c["kind"] for c in content["classes"]] == [kind_of(name) for name in CLASSES]


def test_a_level_enters_the_network_128_lower() -> None:
    """So the tensor stage's rounding is what training saw."""
    assert LINE.network.input_tensor.shape == (1, 108, 192, 3)
    assert LINE.network.input_tensor.scale == pytest.approx(1 / 255, rel=1e-6)
    assert LINE.network.input_tensor.zero_point == -128


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_network_fits_every_configuration(name: str) -> None:
    LINE.compile(CONFIGURATIONS[name])


def test_the_network_works_no_harder_than_its_page_says() -> None:
    work = 0
    for operator in LINE.network.operators:
        weights, output = (LINE.network.tensors[n] for n in (operator.inputs[1], operator.output))
        assert weights.data is not None
        rows, columns, channels = output.picture
        per_output = weights.data[0].size if operator.kind == "CONV_2D" else weights.data.size // channels
        work += rows * columns * channels * per_output
    assert work <= 15_000_000


def test_the_golden_answer_is_the_reference_interpreters_in_every_layer() -> None:
    oracle = pytest.importorskip("tb.oracle", reason="the oracle is not installed", exc_type=ImportError)
    model = (FOLDER / "line.tflite").read_bytes()
    x = oracle.random_input(model, 5)
    want, got = oracle.run(model, x), sensor.cnn.run(LINE.network, x[0])
    assert list(got) == list(want)
    for name, values in got.items():
        assert np.array_equal(values.reshape(want[name].shape), want[name]), name


def test_the_network_sees_what_lies_on_the_belt() -> None:
    """Six 4K scenes of unseen seeds, from RAW10 to the record; scripts/quality.py measures two hundred."""
    window = Window(0, 0, UHD.width, UHD.height)
    settings = sensor.SensorSettings(
        LINE.tensor_settings(window), LINE.metadata_settings(UHD, window), UHD, isp=isp_settings()
    )
    total = Score()
    for seed in range(2_000_000, 2_000_006):
        scene = render(seed)
        record = parse_record(sensor.run(scene.raw, settings, LINE.network).record)
        total += score(scene.objects, record.objects)
    assert total.of("part").found > 20
    for kind in ("part", "defect"):
        assert total.of(kind).recall >= 0.85, total
        assert total.of(kind).precision >= 0.85, total
