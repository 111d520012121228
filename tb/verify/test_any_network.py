"""Whatever a user brings is verified without a mismatch, or refused in one sentence."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from ocellus import networks
from ocellus.cli import main
from ocellus.compiler.onnx_file import read_onnx
from ocellus.configurations import CONFIGURATIONS
from ocellus.errors import BadInput
from tb.cnn.test_program import assert_program_equals_golden
from tb.oracle import random_network
from tb.oracle.onnx_random import random_input, random_onnx
from tb.oracle.onnx_runtime import is_the_measure
from tb.oracle.user_networks import user_network

NETWORKS = 5
"""Of users, a test: as many seeds."""

needs_runtime = pytest.mark.skipif(not is_the_measure(), reason="ONNX Runtime has other kernels on this processor")


def outcome(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> int:
    """The status of `ocellus verify`; a refusal is one sentence with what was found and what is allowed."""
    status = main(["verify", str(path), *options])
    shown = capsys.readouterr()
    assert status in (0, 2), shown.out + shown.err
    if status == 2:
        assert shown.err.startswith("ocellus: ")
        assert shown.err.count("\n") == 1
        assert " allowed " in shown.err
    else:
        assert "0 mismatches in " in shown.out
    return status


@needs_runtime
@pytest.mark.parametrize("first", range(0, 65, NETWORKS))
def test_converted_networks_are_exact_or_refused(first, tmp_path, capsys):
    """Among them layers that run several times, and an ADD in two parts (seed 63)."""
    for seed in range(first, first + NETWORKS):
        content = user_network(seed)
        if content is None:
            continue
        path = tmp_path / f"user{seed}.onnx"
        path.write_bytes(content)
        if outcome(path, capsys, "--frames", "2") == 0:
            network = read_onnx(path)
            x = random_input(network.input_tensor.shape, seed)
            assert_program_equals_golden(network, CONFIGURATIONS["imx500"], x)


@needs_runtime
def test_many_converted_networks_are_exact(tmp_path):
    """The campaign above would be worth little if it refused all of them."""
    exact = 0
    for seed in range(12):
        content = user_network(seed)
        try:
            if content is not None:
                networks.load(_kept(tmp_path, content)).check(CONFIGURATIONS["ecp5"])
                exact += 1
        except BadInput:
            continue
    assert exact >= 3


def _kept(folder: Path, content: bytes) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_damaged_files_are_verified_or_refused(kind, tmp_path, capsys):
    if kind == "onnx" and not is_the_measure():
        pytest.skip("ONNX Runtime has other kernels on this processor")
    content = random_network("chain", 3) if kind == "tflite" else random_onnx("chain", 3)
    random, path = np.random.default_rng(0), tmp_path / f"net.{kind}"
    for n in range(60):
        spoiled = bytearray(content[: len(content) * n // 20] if n < 20 else content)
        for _ in range(3 if n >= 20 else 0):
            spoiled[int(random.integers(len(spoiled)))] = int(random.integers(256))
        path.write_bytes(spoiled)
        outcome(path, capsys)


def one_node(kind: str, inputs: list[str], ends: list[tuple[str, int, list]], domain: str = "") -> bytes:
    infos = [helper.make_tensor_value_info(name, code, shape) for name, code, shape in ends]
    node = helper.make_node(kind, inputs, [ends[-1][0]], domain=domain)
    graph = helper.make_graph([node], "g", infos[:-1], infos[-1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


PICTURE = [1, 3, 4, 4]
ODD = {
    "text.tflite": b"hello world, this is text\n" * 9,
    "text.onnx": b"hello world, this is text\n" * 9,
    "empty.tflite": b"",
    "empty.onnx": b"",
    "other.pt": b"PK\x03\x04" + bytes(99),
    "float.onnx": one_node("Relu", ["x"], [("x", 1, PICTURE), ("y", 1, PICTURE)]),
    "dynamic.onnx": one_node("Relu", ["x"], [("x", 1, ["n", 3, "h", "w"]), ("y", 1, [])]),
    "several.onnx": one_node("Add", ["x", "z"], [("x", 1, PICTURE), ("z", 1, PICTURE), ("y", 1, PICTURE)]),
    "int16.onnx": one_node("Relu", ["x"], [("x", onnx.TensorProto.INT16, PICTURE), ("y", 1, PICTURE)]),
    "unknown.onnx": one_node("Foo", ["x"], [("x", 1, PICTURE), ("y", 1, PICTURE)], "mine"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("command", ["verify", "compile"])
def test_odd_files_are_refused_in_one_sentence(name, command, tmp_path, capsys):
    (tmp_path / name).write_bytes(ODD[name])
    assert main([command, str(tmp_path / name)]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"ocellus: {tmp_path / name}: ")
    assert shown.count("\n") == 1
    assert " allowed " in shown


def test_a_name_in_capitals_tells_the_format_too(tmp_path):
    (tmp_path / "NET.ONNX").write_bytes(random_onnx("conv", 1))
    assert networks.load(tmp_path / "NET.ONNX").network.runtime == "ONNX"


@needs_runtime
def test_what_has_no_exact_form_is_refused_whichever_engine(tmp_path, capsys):
    seed = next(n for n in range(40) if _is_inexact(tmp_path, random_onnx("average_pool", n)))
    (tmp_path / "net.onnx").write_bytes(random_onnx("average_pool", seed))
    for engine in ("golden", "rtl"):
        assert main(["verify", str(tmp_path / "net.onnx"), "--engine", engine]) == 2
        assert "AVERAGE_POOL_2D" in (said := capsys.readouterr().err)
        assert "by the order of the pixels" in said


def _is_inexact(folder: Path, content: bytes) -> bool:
    try:
        networks.load(_kept(folder, content)).check(CONFIGURATIONS["ecp5"])
    except BadInput:
        return True
    return False
