"""The burst's nanoseconds of processor time a clock on a stretch of clocks, left in the run's folder."""

import json
import time
from typing import Any

import cocotb
import numpy as np

from ocellus_sim.cosim import Bench


@cocotb.test()
async def a_stretch_of_clocks(dut: Any) -> None:
    """As often as asked, from the reset on; what leaves is taken."""
    given = Bench(dut).parameters
    rounds = []
    inputs = {stream: np.fromfile(path, np.uint64) for stream, path in given["inputs"].items()}
    bench = Bench(dut)
    for _ in range(given["rounds"]):
        bench = Bench(dut)  # without the ends of the round before
        bench.reset()
        for stream, words in inputs.items():
            bench.source(stream, words)
        bench.sink(given["output"], given["clocks"])
        begin = time.process_time()
        assert bench.run(given["clocks"]) == "cycles"
        rounds.append((time.process_time() - begin) * 1e9 / given["clocks"])
    (bench.folder / "ns.json").write_text(json.dumps({"ns": rounds}))
