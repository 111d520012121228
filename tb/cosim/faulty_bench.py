"""cocotb tests that must fail, each in its own way; test_cosim.py expects them to."""

import os
import time

import cocotb
import numpy as np
from cocotb.triggers import Timer

from ocellus_sim.cosim import Bench


@cocotb.test
async def finds_a_difference(dut) -> None:
    """An ordinary failure."""
    bench = Bench(dut)
    bench.reset()
    assert bench.get("o_level") == 1, "the level is not one"


@cocotb.test(timeout_time=1, timeout_unit="us")
async def takes_too_long(dut) -> None:
    """Bursts beyond the simulated timeout end at the next await."""
    bench = Bench(dut)
    for _ in range(100):
        bench.run(1000)
        await Timer(1, "ps")


@cocotb.test(timeout_time=1, timeout_unit="us")
async def never_returns(dut) -> None:
    """Only the wall clock ends this."""
    time.sleep(1000)


@cocotb.test
async def dies(dut) -> None:
    """The process is gone before it can report."""
    os.abort()


@cocotb.test
async def breaks_the_designs_assertion(dut) -> None:
    """Beat 7 is forbidden."""
    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(10))
    bench.sink("o", 10)
    bench.run(100)


@cocotb.test
async def writes_through_cocotb(dut) -> None:
    """Ports are visible to be read; a write must not vanish in silence."""
    bench = Bench(dut)
    bench.reset()
    assert not hasattr(dut, "no_such_port")
    assert int(dut.i_addend.value) == 0
    dut.i_addend.value = 5
    await Timer(1, "ns")
