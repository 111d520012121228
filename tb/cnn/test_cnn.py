"""The accelerator equals LiteRT's reference kernels in every layer."""

import pytest

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus_sim.cosim import simulate
from tb.cnn.arithmetic import ODD
from tb.oracle import KINDS

CNN = "ocellus_hdl.cnn:Cnn"
ALL = [*CONFIGURATIONS.values(), ODD]


@pytest.mark.parametrize("c", ALL, ids=lambda c: c.name)
def test_random_networks_of_every_operator_equal_litert(c: Configuration):
    networks = {kind: list(range(5)) for kind in KINDS}
    simulate(
        CNN,
        {"configuration": c},
        test_module="tb.cnn.networks_bench",
        testcase="random_networks_equal_litert",
        parameters={"networks": networks},
    )
