"""Coins through the turnstile."""

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench


@cocotb.test()
async def coins_add_up(dut):
    """Some coins, as the test asks, and a clock in which none comes."""
    bench = Bench(dut)
    bench.reset()
    coins = bench.source("i", np.array(bench.parameters["coins"], np.uint64))
    bench.run(len(bench.parameters["coins"]) + 1)
    assert coins.waiting == 0
    bench.cover((group, point) for group, point in bench.parameters.get("situations", []))
    assert bench.get("o_paid") == sum(coin for coin in bench.parameters["coins"] if coin != 7)
    assert not bench.parameters.get("fails")
