"""Two takers of one stream, each with its own stalls."""

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench, Stall


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(stall_in=[0.0, 0.5], stall_a=[0.0, 0.6], stall_b=[0.0, 0.6])
async def test_each_branch_gets_every_beat_once(dut, stall_in: float, stall_a: float, stall_b: float):
    """In order, and without a lost clock where nobody stalls."""
    bench = Bench(dut)
    bench.reset()
    words = np.random.default_rng(1).integers(0, 1 << 16, 500).astype(np.uint64)
    source = bench.source("i", words, stall=Stall(stall_in, seed=1))
    branches = [
        bench.sink(f"o_{n}", 1000, stall=Stall(p, seed=s)) for n, p, s in (("a", stall_a, 2), ("b", stall_b, 3))
    ]
    assert bench.run(20_000, until=source.empty) == "reached"
    clocks = bench.cycle
    bench.run(10)
    for branch in branches:
        assert branch.take().tolist() == words.tolist()
    if not stall_in + stall_a + stall_b:
        assert clocks == len(words)
