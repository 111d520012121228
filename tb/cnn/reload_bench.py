"""A network that is loaded while a tensor comes: the next tensor runs through it, whatever the moment was."""

from typing import Any

import cocotb
import numpy as np

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus_sim.cosim import Stall
from tb.cnn.rig import Rig, beats
from tb.sensor.networks import INPUT, heatmap_network

MOMENTS = range(1900, 2500, 17)
"""Clocks from a tensor's beginning on, in which its seventh row comes."""


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_network_loaded_amid_a_tensor_takes_the_next_one(dut: Any) -> None:
    """Every byte of the next tensor is taken, and its output comes."""
    hung = []
    for moment in MOMENTS:
        rig = Rig(dut, stall_in=Stall(0.75, seed=3))
        first, second = (
            compile_network(heatmap_network(seed), rig.configuration, goal=Goal.LATENCY) for seed in (6, 8)
        )
        rig.load(first.words())
        x = np.random.default_rng(moment).integers(-128, 128, INPUT).astype(np.int8)
        rig.input.send(beats(x))
        rig.bench.run(moment)
        assert 0 < rig.input.sent < x.size
        rig.load(second.words())
        rig.input.send(beats(x))
        reason = rig.bench.run(100_000, until=rig.output.reaches(second.output_bytes))
        if reason != "reached":
            hung.append(moment)
    assert not hung, f"no output after a load at clocks {hung} of a tensor"
