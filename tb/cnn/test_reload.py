"""A network loaded while a tensor comes."""

import pytest

from ocellus.configurations import configuration
from ocellus_sim.cosim import SimulationFailed, simulate


@pytest.mark.xfail(
    raises=SimulationFailed, strict=True,
    reason="a load at some moments of a tensor leaves the accelerator without an inference until the next load",
)  # fmt: skip
def test_a_network_loaded_amid_a_tensor_takes_the_next_one() -> None:
    simulate(
        "ocellus_hdl.cnn:Cnn", {"configuration": configuration("tiny")}, test_module="tb.cnn.reload_bench"
    )  # fmt: skip
