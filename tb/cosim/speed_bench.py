"""The burst's nanoseconds of processor time a clock on a Pipeline, left in the run's folder."""

import time

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench


@cocotb.test(timeout_time=10, timeout_unit="sec")
async def a_beat_in_and_a_beat_out_on_each_clock(dut) -> None:
    """The best of five rounds."""
    bench = Bench(dut)
    n = bench.parameters["clocks"]
    words = np.random.default_rng(cocotb.RANDOM_SEED).integers(0, 2**40, n, np.uint64)
    rounds = []
    for _ in range(5):
        bench = Bench(dut)
        bench.reset()
        bench.source("i", words)
        out = bench.sink("o", n)
        begin = time.process_time()
        assert bench.run(n + 10, until=out.reaches(n)) == "reached"
        rounds.append(time.process_time() - begin)
    (bench.folder / "ns.txt").write_text(f"{min(rounds) * 1e9 / n:.1f}")
