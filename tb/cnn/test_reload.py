"""Networks loaded before, amid and behind tensors."""

from ocellus.configurations import configuration
from ocellus_sim.cosim import simulate


def test_networks_loaded_at_any_moment_take_the_next_tensor() -> None:
    folder = simulate(
        "ocellus_hdl.cnn:Cnn", {"configuration": configuration("tiny")}, test_module="tb.cnn.reload_bench"
    )
    print((folder / "simulation.log").read_text())
