"""The accelerator runs programs as the page says, and survives what comes between them."""

from pathlib import Path

import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import configuration
from ocellus_sim.cosim import simulate
from tb.cnn.corners import written
from tb.oracle.public import NETWORKS, needs_data, tflite_path

CNN = "ocellus_hdl.cnn:Cnn"


def run(name: str, images: list[Path]) -> None:
    """Every image, step by step."""
    folder = simulate(
        CNN,
        {"configuration": configuration(name)},
        test_module="tb.cnn.networks_bench",
        testcase="programs_run_as_the_executor_runs_them",
        parameters={"images": [str(image) for image in images]},
    )
    print((folder / "simulation.log").read_text())


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_random_networks_of_every_operator_run_as_the_page_says(name: str, tmp_path: Path) -> None:
    run(name, written(configuration(name), tmp_path))


@needs_data
def test_public_networks_run_as_the_page_says(tmp_path: Path) -> None:
    images = []
    for network in NETWORKS:
        program = compile_network(parse_network(tflite_path(network).read_bytes(), network), configuration("ecp5"))
        images.append(tmp_path / f"{network}.ocnn")
        images[-1].write_bytes(program.to_bytes())
    run("ecp5", images)


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_tensors_networks_and_damaged_images_follow_each_other(name: str) -> None:
    simulate(CNN, {"configuration": configuration(name)}, test_module="tb.cnn.flow_bench")
