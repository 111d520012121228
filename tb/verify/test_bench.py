"""`make bench-cnn`: what it chooses, keeps, colours and writes; the networks themselves take hours."""

import json
from typing import Any

import pytest
from rich.console import Console

from ocellus.compiler.engine.work import operator_macs
from ocellus.compiler.graph import Kind
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import CONFIGURATIONS
from scripts import bench_cnn
from scripts.bench_networks import BENCHES, Bench, mobilenet_v1_224

from .test_reports import small_network

SMALL = Bench("small", {"tiny": 400}, make=small_network)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """The bench on the small network alone, in a folder of its own; configurations stay what they were."""
    monkeypatch.setattr(bench_cnn, "BENCHES", (SMALL, Bench("absent", {"tiny": 1}, "no such network")))
    monkeypatch.setattr(bench_cnn, "OUT", tmp_path)
    monkeypatch.setattr(bench_cnn, "ROOT", tmp_path)
    monkeypatch.setattr(bench_cnn, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(bench_cnn, "CONFIGURATIONS", dict(CONFIGURATIONS))

    def main(*options: str) -> int:
        monkeypatch.setattr("sys.argv", ["bench_cnn", *options])
        return bench_cnn.main()

    return main


def test_a_network_is_run_once_and_its_figures_are_written_with_the_targets(bench, tmp_path, capsys, monkeypatch):
    assert bench() == 0
    (found,) = json.loads((tmp_path / "cnn.json").read_text())
    for name in ("network", "config", "cycles", "utilisation", "effective_utilisation", "depthwise_min_utilisation",
                 "prediction_error_max", "mismatches", "peak_activation_bytes"):  # fmt: skip
        assert found[name] is not None, name
    assert found["mismatches"] == 0
    assert found["depthwise_min_utilisation"] == found["layers"][1]["effective_utilisation"]
    errors = [abs(e["prediction_error"]) for e in found["layers"]]
    assert found["prediction_error_max"] == max(errors)
    shown = capsys.readouterr().out
    assert "400" in shown
    assert "absent on tiny: found no no such network.tflite in ../shared/data" in shown
    monkeypatch.setattr(bench_cnn, "ran", None)  # nothing is run again
    (tmp_path / "page.md").write_text(f"above\n{bench_cnn.MARK}former\n")
    assert bench("--page") == 0
    page = (tmp_path / "page.md").read_text()
    assert page.startswith(f"above\n{bench_cnn.MARK}| network | config |")
    assert "former" not in page
    assert f"| small | tiny | - | {found['cycles']:,} | 400 |" in page
    assert json.loads((tmp_path / "cnn.json").read_text()) == [found]
    assert found["activation_limit_bytes"] is None


def test_names_that_do_not_exist_are_refused(bench, capsys):
    assert bench("--networks", "nothing") == 2
    assert "NETWORKS: found 'nothing', allowed small, absent" in capsys.readouterr().out
    assert bench("--configs", "huge") == 2
    assert "CONFIGS: found 'huge', allowed tiny" in capsys.readouterr().out


def test_what_misses_its_target_is_red():
    found = {
        "cycles": 401, "utilisation": 0.5, "effective_utilisation": 0.4, "depthwise_min_utilisation": 0.9,
        "depthwise_min_busy": 0.95, "prediction_error_max": 0.02, "peak_activation_bytes": 1, "mismatches": 0,
    }  # fmt: skip
    console = Console(force_terminal=True, color_system="standard", width=160, record=True)
    console.print(bench_cnn.shown([(SMALL, "tiny", 1, found)]))
    text = console.export_text(styles=True)
    red, green = "\x1b[31m", "\x1b[32m"
    assert f"{red}401" in text
    assert f"{red}2.0%" in text
    assert f"{green}90.0%" in text
    assert f"{green}0.0 KiB" in text


def test_the_benches_are_those_of_the_page():
    assert {b.name for b in BENCHES} == {
        "vww-dense",
        "vww",
        "resnet-8",
        "ds-cnn",
        "mobilenet-v1-224",
        "mobilenet-v2-224",
    }
    network = parse_network(mobilenet_v1_224())
    weighted = [o for o in network.operators if o.kind in (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D, Kind.FULLY_CONNECTED)]
    assert len(weighted) == 28
    assert sum(operator_macs(network).values()) == 568_741_376
    assert network.input_tensor.picture == (224, 224, 3)
