"""The skid buffer: nothing is lost, no clock is lost, and no stall passes it within a clock."""

import random
from typing import Any

import pytest
from amaranth.sim import Simulator

from ocellus_hdl.skid_buffer import SkidBuffer

ITEMS = 300


def play(comes: float, leaves: float) -> int:
    """Put items through, offered and taken with these probabilities; returns the clocks."""
    dut, dice, clocks = SkidBuffer(16), random.Random(1), 0

    async def through(ctx: Any) -> None:
        nonlocal clocks
        given, taken, offered = 0, [], False
        while len(taken) < ITEMS:
            offered = given < ITEMS and (offered or dice.random() < comes)
            ctx.set(dut.i.valid, offered)
            ctx.set(dut.i.payload, given + 1)
            ready = ctx.get(dut.i.ready)
            ctx.set(dut.o.ready, dice.random() < leaves)
            assert ctx.get(dut.i.ready) == ready == (given - len(taken) < 2)
            assert ctx.get(dut.o.valid) == (given > len(taken))
            if ctx.get(dut.o.valid):
                assert ctx.get(dut.o.payload) == len(taken) + 1
                if ctx.get(dut.o.ready):
                    taken.append(ctx.get(dut.o.payload))
            given += offered and ready
            clocks += 1
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(through)
    simulator.run()
    return clocks


@pytest.mark.parametrize("comes", [0.5, 1])
@pytest.mark.parametrize("leaves", [0.4, 0.8, 1])
def test_a_skid_buffer_holds_two_and_loses_none(comes: float, leaves: float):
    """In order, and without a lost clock where nobody stalls."""
    clocks = play(comes, leaves)
    if comes == leaves == 1:
        assert clocks == ITEMS + 1
