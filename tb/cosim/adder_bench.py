"""cocotb tests of the bench itself, on the queue that adds."""

import cocotb
import numpy as np
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time

from ocellus_sim.cosim import Bench, Stall


def words_of(rng: np.random.Generator, n: int, width: int) -> np.ndarray:
    """Random payloads as the bench takes them."""
    k = (width + 63) // 64
    words = rng.integers(0, 2**64, (n, k), np.uint64, endpoint=False)
    words[:, -1] &= np.uint64((1 << (width - 64 * (k - 1))) - 1)
    return words[:, 0] if k == 1 else words


def integers(words: np.ndarray) -> list[int]:
    """Payloads as Python's integers."""
    return [int.from_bytes(row.tobytes(), "little") for row in words]


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(stall_in=[0.0, 0.4, 0.9], stall_out=[0.0, 0.4, 0.9])
async def every_beat_arrives_once_in_order(dut, stall_in: float, stall_out: float) -> None:
    bench = Bench(dut)
    width = bench.arguments["width"]
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    words = words_of(rng, 500, width)
    addend = int(rng.integers(1, 255)) << (width - 8)
    bench.reset()
    bench.set("i_addend", addend)
    source = bench.source("i", words[:300], stall=Stall(stall_in, seed=1))
    sink = bench.sink("o", 600, stall=Stall(stall_out, seed=2), stamps=True)
    tap = bench.tap("o_tap", 600)
    source.send(words[300:])
    assert bench.run(20_000, until=sink.reaches(500)) == "reached"
    assert source.waiting == 0
    clocks = bench.cycle
    expected = [(w + addend) % 2**width for w in integers(words)]
    got = sink.take()
    assert integers(got) == expected
    assert integers(tap.take()) == expected
    stamps = sink.cycles()
    assert len(stamps) == 500
    assert np.all(np.diff(stamps.astype(np.int64)) > 0)
    assert stamps[-1] == clocks - 1
    if stall_in == stall_out == 0:
        assert stamps[0] == 1
        assert clocks == 501
    assert bench.run(20, until=sink.reaches(1)) == "cycles"
    assert len(sink) == 0
