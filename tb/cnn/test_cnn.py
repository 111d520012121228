"""The accelerator equals LiteRT's reference kernels in every layer."""

import pytest

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus_sim.cosim import simulate
from tb.cnn.arithmetic import ODD
from tb.oracle import KINDS
from tb.oracle.public import NETWORKS, needs_data, tflite_path

CNN = "ocellus_hdl.cnn:Cnn"
ALL = [*CONFIGURATIONS.values(), ODD]


@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_random_networks_of_every_operator_equal_litert(c: Configuration):
    networks = {kind: list(range(8)) for kind in KINDS}
    simulate(
        CNN,
        {"configuration": c},
        test_module="tb.cnn.networks_bench",
        testcase="random_networks_equal_litert",
        parameters={"networks": networks},
    )


@needs_data
def test_public_networks_equal_litert_in_every_layer():
    run = simulate(
        CNN,
        {"configuration": CONFIGURATIONS["ecp5"]},
        test_module="tb.cnn.networks_bench",
        testcase="public_networks_equal_litert",
        parameters={"networks": [str(tflite_path(name)) for name in NETWORKS]},
    )
    print((run / "simulation.log").read_text())


@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_tensors_networks_and_damaged_images_follow_each_other(c: Configuration):
    simulate(CNN, {"configuration": c}, test_module="tb.cnn.flow_bench")
