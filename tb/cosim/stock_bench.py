"""A test as cocotb's own documentation writes it: one write of an input a clock; its nanoseconds a clock in a file."""

import json
import os
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge


@cocotb.test()
async def one_write_a_clock(dut: Any) -> None:
    """A word after the other on the payload of the stream, whose valid stays high."""
    given = json.loads(Path(os.environ["OCELLUS_STOCK"]).read_text())
    words = np.fromfile(given["words"], np.uint64)[: given["clocks"]].tolist()
    Clock(dut.clk, 10_000, unit="ps").start()
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    for word in given["control"]:
        dut.i_control__payload.value, dut.i_control__valid.value = word, 1
        await RisingEdge(dut.clk)
        while not int(dut.i_control__ready.value):
            await RisingEdge(dut.clk)
    if given["control"]:
        dut.i_control__valid.value = 0
    getattr(dut, f"{given['stream']}__valid").value = 1
    getattr(dut, f"{given['output']}__ready").value = 1
    payload, clk = getattr(dut, f"{given['stream']}__payload"), dut.clk
    begin = time.process_time()
    for word in words:
        payload.value = word
        await RisingEdge(clk)
    Path(given["result"]).write_text(str((time.process_time() - begin) * 1e9 / len(words)))
