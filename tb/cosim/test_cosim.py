"""The co-simulation itself: streams, ports, time, failures and the cache."""

import pytest

from ocellus_sim.cosim import simulate

ADDER = "tb.cosim.adder:QueuedAdder"
BENCH = "tb.cosim.adder_bench"


@pytest.mark.parametrize("width", [9, 16, 17, 33, 64, 65, 161])
def test_every_beat_arrives_once_in_order(width):
    simulate(ADDER, {"width": width}, test_module=BENCH, testcase="every_beat_arrives_once_in_order")
