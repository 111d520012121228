"""The frame gate alone: what becomes of a frame's ticket when the accelerator forgets its tensor."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from ocellus_hdl.tensor.frame_gate import FrameGate

BYTES = 4
"""Of a tensor."""


def tickets_of(frames: int, gone: dict[int, set[int]], live: bool = True) -> list[tuple[int, int]]:
    """(frame, frames skipped) of the tickets that go on; a tensor's byte a clock, its network away in some of them.

    ``gone[frame]`` has the clocks, counted from the frame's first byte, in which there is no network.
    """
    gate, found = FrameGate(), []

    async def play(ctx: Any) -> None:
        ctx.set(gate.i_live, live)
        ctx.set(gate.o.ready, 1)
        ctx.set(gate.o_ticket.ready, 1)

        async def tick() -> None:
            if ctx.get(gate.o_ticket.valid):
                ticket = ctx.get(gate.o_ticket.payload)
                found.append((ticket.frame_counter, ticket.frames_skipped))
            await ctx.tick()

        for frame in range(frames):
            away = gone.get(frame, set())
            ctx.set(gate.i_free, 1)
            ctx.set(gate.i.valid, 1)
            ctx.set(gate.i.payload.last_in_frame, 1)
            ctx.set(gate.i_ticket.payload.frame_counter, frame)
            ctx.set(gate.i_ticket.valid, 1)
            await tick()  # decides
            await tick()  # passes
            ctx.set(gate.i.valid, 0)
            for clock in range(-2, BYTES + 6):
                ctx.set(gate.i_gone, clock in away)
                ctx.set(gate.i_taken, 0 <= clock < BYTES)
                ctx.set(gate.i_made, clock == BYTES - 1)
                taken = ctx.get(gate.i_ticket.ready)
                await tick()
                if taken:
                    ctx.set(gate.i_ticket.valid, 0)
            assert not ctx.get(gate.i_ticket.valid), "the ticket is not taken"

    simulator = Simulator(gate)
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.run()
    return found


def test_tickets_go_on_in_order():
    assert tickets_of(3, {}) == [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("clock", range(1, BYTES + 1))
def test_a_forgotten_tensors_ticket_is_dropped_and_counted(clock: int, live: bool):
    """From the clock behind its first byte to the one behind its last."""
    assert tickets_of(3, {1: {clock}}, live) == [(0, 0), (2, 1)]
    assert tickets_of(4, {1: set(range(clock, 12)), 2: {2}}, live) == [(0, 0), (3, 2)]


@pytest.mark.parametrize("clock", [-2, -1, 0, BYTES + 1, BYTES + 2])
def test_a_tensor_that_has_not_begun_or_is_whole_keeps_its_ticket(clock: int):
    """Nothing of it is forgotten: it waits for the next network, or its inference is over."""
    assert tickets_of(3, {1: {clock}}) == [(0, 0), (1, 0), (2, 0)]
