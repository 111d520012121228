"""Words in, the same bytes out, one a clock."""

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench, Stall


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(stall_in=[0.0, 0.9], stall_out=[0.0, 0.4])
async def test_bytes_equal_the_words(dut, stall_in: float, stall_out: float):
    bench = Bench(dut)
    bench.reset()
    words = np.random.default_rng(1).integers(0, 1 << 63, (200, 2), dtype=np.uint64)
    words[:, 1] &= np.uint64(1)
    bench.source("i", words, stall=Stall(stall_in, seed=1))
    out = bench.sink("o", 2000, stall=Stall(stall_out, seed=2))
    assert bench.run(60_000, idle=300) == "idle"
    clocks = bench.cycle - 300
    assert out.take().astype(np.uint8).tobytes() == words[:, 0].astype("<u8").tobytes()
    if not stall_in and not stall_out:
        assert clocks <= 8 * len(words) + 4, f"{clocks} clocks for {8 * len(words)} bytes"
