"""What `ocellus compile` and `ocellus inspect` say of a network, and what they refuse."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from ocellus.cli import main
from ocellus.compiler.engine import command
from ocellus.compiler.engine.image import Program
from ocellus.compiler.engine.summary import layer_macs, total_macs
from ocellus.compiler.engine.work import operator_macs
from ocellus.compiler.tflite_file import parse_network
from ocellus.errors import BadInput
from tb.oracle.builder import ModelBuilder, Quantisation
from tb.oracle.public import needs_data, tflite_path


def small_network(mean: bool = True) -> bytes:
    """A convolution with a sum fused behind it, a depthwise one, a mean if wanted, and a SOFTMAX for the host."""
    model = ModelBuilder()
    q = Quantisation(0.05, 3)
    x = model.input((1, 6, 6, 4), q)
    y = model.convolution("CONV_2D", x, np.ones((4, 3, 3, 4)), np.zeros(4), 0.01, q)
    y = model.add(y, x, q)
    y = model.convolution("DEPTHWISE_CONV_2D", y, np.ones((1, 3, 3, 4)), np.zeros(4), 0.01, q, (2, 2))
    y = model.mean(y, (1, 2), q, keep=False) if mean else model.reshape(y, (1, 36))
    y = model.fully_connected(y, np.ones((3, y.shape[1])), np.zeros(3), 0.1, Quantisation(0.3, 4))
    return model.build(model.softmax(y))


def compile_to(folder: Path, *options: str, mean: bool = True) -> Path:
    (folder / "net.tflite").write_bytes(small_network(mean))
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    image = folder / "net.ocnn"
    given = ["compile", str(folder / "net.tflite"), "--config", "tiny", "-o", str(image), *options]
    parsed = parser.parse_args(given)
    assert parsed.run(parsed) == 0
    return image


def test_the_image_tells_what_the_compiler_told(tmp_path, capsys):
    image = compile_to(tmp_path)
    told = capsys.readouterr().out
    assert main(["inspect", str(image)]) == 0
    assert told == capsys.readouterr().out + told.splitlines(keepends=True)[-1]
    assert told.splitlines()[-1].startswith(f"wrote {image}, ")
    assert "0 CONV_2D + 1 ADD" in told
    assert "is fused into" in told
    assert "operator 5 (SOFTMAX) of the output is left to the host" in told
    assert "double rounding" in told
    for what in ("activations", "weights", "parameters", "program", "tables"):
        assert f"\n{what} " in told


def test_work_is_that_of_operators_with_weights(tmp_path):
    network = parse_network(small_network())
    want = {"0": 6 * 6 * 4 * 36, "2": 3 * 3 * 4 * 9, "4": 3 * 4}
    assert operator_macs(network) == want
    program = Program.load(compile_to(tmp_path))
    assert total_macs(program.host) == (sum(want.values()), sum(want.values()))
    pairs = {e["operators"][0]: p for e, p in zip(program.host["layers"], layer_macs(program.host), strict=True)}
    assert pairs[3] == (0, 0)
    assert pairs[0] == (want["0"], want["0"])


def test_a_transposed_convolution_multiplies_every_pixel_with_every_tap():
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3), Quantisation(0.05))
    y = model.transpose_convolution(x, np.ones((2, 3, 3, 3)), None, 0.1, Quantisation(0.1), (8, 10), (2, 2))
    assert operator_macs(parse_network(model.build(y))) == {"0": 4 * 5 * 3 * 9 * 2}


def test_rounding_once_is_asked_for_by_name(tmp_path, capsys):
    compile_to(tmp_path, "--arithmetic", "single", mean=False)
    assert "single rounding" in capsys.readouterr().out


def test_a_damaged_image_is_refused(tmp_path, capsys):
    image = compile_to(tmp_path)
    content = bytearray(image.read_bytes())
    content[200] ^= 1
    image.write_bytes(content)
    capsys.readouterr()
    assert main(["inspect", str(image)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "the image is damaged" in shown.err


def test_an_onnx_network_rounds_once():
    class File:
        class network:  # noqa: N801 - stands for a NetworkFile
            file, runtime = "net.onnx", command.Runtime.ONNX

    assert command.arithmetic_of(File, None) is command.Arithmetic.SINGLE  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"net.onnx: found arithmetic double, allowed single"):
        command.arithmetic_of(File, "double")  # type: ignore[arg-type]


@needs_data
def test_activations_stay_below_what_is_asked_for(capsys):
    command = ["compile", str(tflite_path("vww_96_int8")), "--config", "ecp5", "--activations"]
    assert main([*command, "32"]) == 0
    shown = capsys.readouterr().out
    assert int(shown.split("\nactivations ")[1].split()[0].replace(",", "")) <= 32 * 1024
    assert main([*command, "4"]) == 2
    assert "bytes of activations, allowed 4096" in capsys.readouterr().err
    assert main([*command, "9999"]) == 2
    assert "--activations: found 9999, allowed above 0 and up to " in capsys.readouterr().err
