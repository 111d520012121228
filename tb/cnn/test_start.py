"""A network may be in the accelerator's memories from power-on."""

import dataclasses
from pathlib import Path

import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.image import Program
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import Configuration, configuration
from ocellus.errors import BadInput
from ocellus_hdl.cnn import Contents
from ocellus_sim.cosim import simulate
from tb.oracle import random_network


def network(c: Configuration, kind: str, *, tables: bool) -> Program:
    """The first random one of a kind that fits, with convolutions and, if asked, a table."""
    for seed in range(100):
        try:
            program = compile_network(parse_network(random_network(kind, seed), f"{kind} {seed}"), c)
        except BadInput:
            continue
        if len(program.weights) > 20 and len(program.layers) > 2 and (len(program.tables) > 0 or not tables):
            print(f"network: {kind} {seed}")
            return program
    raise AssertionError("no network suits")


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_a_network_of_the_start_runs_like_one_that_was_loaded(name: str, tmp_path: Path) -> None:
    c = configuration(name)
    images = []
    for n, program in enumerate((network(c, "mixture", tables=True), network(c, "chain", tables=False))):
        images.append(tmp_path / f"{n}.ocnn")
        images[n].write_bytes(program.to_bytes())
    simulate(
        "ocellus_hdl.cnn:Cnn",
        {"configuration": c, "contents": Contents.of_image(images[0].read_bytes(), c)},
        test_module="tb.cnn.start_bench",
        parameters={"images": [str(image) for image in images]},
    )


def test_an_image_that_a_load_would_refuse_is_refused() -> None:
    """Each by the sentence that `ocellus load` says."""
    c = configuration("tiny")
    program = network(c, "chain", tables=False)
    image = program.to_bytes()
    damaged = image[:400] + bytes([image[400] ^ 1]) + image[401:]
    words = len(program.weights)
    for content, sizes, reason in (
        (damaged, c, r"the accelerator's part: found CRC .* \(the image is damaged\)"),
        (image[:-4], c, "allowed .* by its header"),
        (image, configuration("ecp5"), "found an image for tiny, allowed one for ecp5"),
        (image, dataclasses.replace(c, parameter_lanes=2), "found an image for tiny, allowed one for tiny"),
        (image, dataclasses.replace(c, weight_words=words - 1), f"found {words} words of weights, allowed {words - 1}"),
    ):
        with pytest.raises(BadInput, match=reason):
            Contents.of_image(content, sizes)
    assert len(Contents.of_image(image, dataclasses.replace(c, weight_words=words)).weights) == words
