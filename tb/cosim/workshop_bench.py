"""What a workshop gives, clock by clock, left in a file; and how long its parts rested."""

import json
from typing import Any

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench, Stall


@cocotb.test()
async def gives_its_sums(dut: Any) -> None:
    """Jobs in three bursts with long silence between them, a reset and another mask in between."""
    bench = Bench(dut)
    jobs = np.random.default_rng(7).integers(0, 200, 60).astype(np.uint64)
    given = []
    bench.reset()
    source = bench.source("i", stall=Stall(bench.parameters["stall"], 3))
    out = bench.sink("o", 64, stall=Stall(bench.parameters["stall"], 4), stamps=True)
    for round_, mask in enumerate((255, 15, 255)):
        bench.set("i_mask", mask)
        source.send(jobs[20 * round_ :][:20])
        bench.run(30_000, until=out.reaches(20))
        bench.run(12_345)
        assert bench.run(1) == "cycles"
        payloads = out.take().tolist()
        given.append([payloads, out.cycles().tolist(), bench.get("o_time"), bench.get("o_ticks"), bench.cycle])
        if round_ == 1:
            bench.reset()
    rested = bench.rested
    (bench.folder / "given.json").write_text(json.dumps({"given": given, "rested": rested, "clocks": bench.cycle}))
