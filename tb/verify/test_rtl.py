"""`ocellus verify --engine rtl`: the gateware is compared and its clocks are counted; what lies about it is found."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ocellus.cli import main
from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.image import Program
from ocellus.compiler.engine.predict import ARRIVAL
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import configuration
from ocellus.networks import NetworkFile
from ocellus_sim.verify.tap import Tapped, expected_places, most_beats
from ocellus_sim.verify.waits import Shown, bytes_taken, sensor_waits
from tb.oracle import random_network

from .test_reports import small_network


def test_the_gateware_is_compared_layer_by_layer_and_its_clocks_add_up(tmp_path: Path, capsys: Any):
    (tmp_path / "net.tflite").write_bytes(small_network())
    out = tmp_path / "out.json"
    command = ["verify", str(tmp_path / "net.tflite"), "--config", "tiny", "--engine", "rtl", "--frames", "2"]
    assert main([*command, "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["mismatches"] == 0
    compared = {e["layer"]: e["activations_compared"] for e in found["layers"]}
    assert compared == {0: 2 * (144 + 144), 1: 2 * 36, 2: 2 * 4, 3: 2 * 3}  # the sum, and what it was fused behind
    for e in found["layers"]:
        spent = e["busy"] + e["weights"] + e["requantiser"] + e["input"]
        assert e["cycles"] == spent - e["input_wait_clocks"]
        assert e["busy"] <= e["cycles"]
        assert 0 <= e["input_wait_clocks"] <= e["input"]
        # A step is charged with its rows' arrival even where they came before it had to wait.
        charged = (0, ARRIVAL) if e["input_wait_clocks"] else (0,)
        assert e["predicted_cycles"] - e["cycles"] in charged, e["layer"]
    assert found["cycles"] == sum(e["cycles"] for e in found["layers"])
    assert 100 < found["input_wait_clocks"] < 200  # 144 bytes, and 36 words are stored
    assert found["utilisation"] == round(found["macs"] / found["cycles"] / 36, 4)
    assert "0 mismatches in 662 activations" in capsys.readouterr().out


def test_a_weight_that_is_another_is_found_in_its_layer(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch):
    right = NetworkFile.compile

    def wrong(*given: Any, **named: Any) -> Program:
        program = right(*given, **named)
        weights = program.weights.copy()
        weights[program.layers[1]["weight_base"]] += 1
        return replace(program, weights=weights)

    monkeypatch.setattr(NetworkFile, "compile", wrong)
    (tmp_path / "net.tflite").write_bytes(small_network())
    assert main(["verify", str(tmp_path / "net.tflite"), "--config", "tiny", "--engine", "rtl"]) == 1
    shown = capsys.readouterr().out
    assert "the first: input seed 1, layer 1, tensor 'op002_DEPTHWISE_CONV_2D'" in shown


def beats_of(program: Program) -> Any:
    """What the tap shows when all is written where it belongs, each pixel a beat of its own, in order."""
    c = program.configuration
    n = max(c.beat_pixels, c.windows)
    found = []
    for step in program.steps:
        layer = program.layers[step["layer"]]
        for place in expected_places(c, layer, step).ravel():
            word, byte = divmod(int(place), c.word)
            line, bank = divmod(word, c.banks)
            fields = [(step["layer"], 8), (layer["op"], 2), (0, 1), (0, 1), *[(i == 0, 1) for i in range(n)]]
            fields += [(line, 14), *[(0, 14)] * (n - 1), (bank, 8), *[(0, 8)] * (n - 1)]
            fields += [(byte // c.outputs if layer["op"] == 0 else 0, max(1, (c.word // c.outputs - 1).bit_length()))]
            fields += [(int(place) % 251, 8)] * c.lanes
            value = at = 0
            for content, bits in fields:
                value |= int(content) << at
                at += bits
            found.append([value >> 64 * k & (1 << 64) - 1 for k in range(-(-at // 64))])
    return np.array(found, np.uint64)


def test_the_tap_notices_what_is_missing_elsewhere_or_too_much():
    program = compile_network(parse_network(random_network("conv", 2)), configuration("tiny"))
    words = beats_of(program)
    c = program.configuration
    tiles = sum(-(-step["rows"] * program.layers[0]["out_columns"] // 9) for step in program.steps)
    assert not program.layers[0]["cut"]
    assert most_beats(program) == tiles * program.layers[0]["groups"] * c.beats
    sizes = [values.size for _, values, _ in Tapped(program.configuration, words).steps(program)]
    assert sum(sizes) == len(words) * program.configuration.outputs
    with pytest.raises(AssertionError, match=r"of \d+ pieces at the tap"):
        list(Tapped(program.configuration, words[:-1]).steps(program))
    with pytest.raises(AssertionError, match="1 pieces too many"):
        list(Tapped(program.configuration, np.concatenate([words, words[-1:]])).steps(program))
    words[3, 0] ^= np.uint64(1 << 16)
    with pytest.raises(AssertionError, match="step 0: written elsewhere"):
        list(Tapped(program.configuration, words).steps(program))


def test_a_tap_that_saw_nothing_misses_all():
    program = compile_network(parse_network(random_network("conv", 2)), configuration("tiny"))
    with pytest.raises(AssertionError, match=r"step 0: 0 of \d+ pieces at the tap"):
        list(Tapped(program.configuration, np.zeros(0, np.uint64)).steps(program))


def test_only_clocks_before_the_last_byte_of_a_row_are_waits_for_rows():
    """Two steps of a layer that reads rows of 10 bytes, then one of another layer that waits for results."""
    steps = [{"layer": 0, "wait_rows": 1}, {"layer": 0, "wait_rows": 2}, {"layer": 1, "wait_rows": 0}]
    header = {"input_columns": 5, "input_channels": 2}
    program: Any = SimpleNamespace(steps=steps, layers=[{}, {}], header=header)
    ready = Shown([(0, 0), (100, 1), (115, 0), (120, 1)])
    taken = bytes_taken(ready, 90, 200)[:20]
    assert taken.tolist() == [*range(100, 115), *range(120, 125)]
    walks = Shown([(0, 0), (112, 1), (116, 0), (130, 1), (140, 0), (170, 1), (175, 0)])
    layer = Shown([(0, 0), (145, 1)])
    waits = sensor_waits(program, walks, layer, taken, [135, 150, 190], 400)
    # From the counters' start at 102 to the byte of clock 109; from 116 to the byte of clock 124; none for results.
    assert waits.tolist() == [8 + 9, 0]
