"""Networks through the accelerator's gateware."""

from pathlib import Path

import pytest

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.tflite_file import parse_network
from ocellus.engine import configuration
from ocellus.errors import BadInput
from ocellus_sim.cosim import simulate
from tb.oracle import KINDS, random_network
from tb.oracle.public import NETWORKS, needs_data, tflite_path

CNN = "ocellus_hdl.cnn:Cnn"


def run(name: str, images: list[Path]) -> None:
    """Every image, step by step."""
    log = simulate(
        CNN,
        {"configuration": configuration(name)},
        test_module="tb.engine.networks_bench",
        testcase="programs_run_as_the_executor_runs_them",
        parameters={"images": [str(image) for image in images]},
    )
    print((log / "simulation.log").read_text())


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_random_networks_run_as_the_page_says(name: str, tmp_path: Path) -> None:
    images = []
    for kind in KINDS:
        for seed in range(3):
            try:
                network = parse_network(random_network(kind, seed), f"{kind} {seed}")
                program = compile_network(network, configuration(name))
            except BadInput:
                continue
            images.append(tmp_path / f"{kind}-{seed}.ocnn")
            images[-1].write_bytes(program.to_bytes())
    run(name, images)


@needs_data
@pytest.mark.parametrize("name", ["ecp5"])
def test_public_networks_run_as_the_page_says(name: str, tmp_path: Path) -> None:
    images = []
    for network in NETWORKS:
        program = compile_network(parse_network(tflite_path(network).read_bytes(), network), configuration(name))
        images.append(tmp_path / f"{network}.ocnn")
        images[-1].write_bytes(program.to_bytes())
    run(name, images)
