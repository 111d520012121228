"""The activation memory reads and writes at any byte address."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus_hdl.cnn.activations import Activations
from tb.cnn.arithmetic import ODD
from tb.cnn.bench import simulated


@pytest.mark.parametrize("c", [CONFIGURATIONS["ecp5"], CONFIGURATIONS["tiny"], ODD], ids=lambda c: c.name)
def test_unaligned_reads_see_unaligned_writes_and_the_fill(c: Configuration):
    seed = 7
    rng = random.Random(seed)
    part = Activations(c)
    size = 6 * c.lanes
    base = c.activation_bytes - size  # the end of the memory, where the upper address bits are set
    want = [0] * size
    asked: list[list[int]] = []
    got: list[list[int]] = []

    async def drive(ctx: Any) -> None:
        for _ in range(200):
            at = rng.randrange(size - c.requantisers + 1)
            ctx.set(part.i_write.valid, 1)
            ctx.set(part.i_write.payload.address, base + at)
            mask = rng.randrange(1 << c.requantisers)
            ctx.set(part.i_write.payload.mask, mask)
            for n in range(c.requantisers):
                byte = rng.randrange(256)
                ctx.set(part.i_write.payload.data[n], byte)
                if mask >> n & 1:
                    want[at + n] = byte - 256 * (byte > 127)
            await ctx.tick()
            ctx.set(part.i_write.valid, 0)
            await ctx.tick().repeat(Activations.WRITE_LATENCY - 1)
            for _ in range(rng.randrange(4)):
                at, first, end = (
                    rng.randrange(size - c.lanes + 1),
                    rng.randrange(c.lanes + 1),
                    rng.randrange(c.lanes + 1),
                )
                fill = -77
                ctx.set(part.i_fill, fill)
                ctx.set(part.i_read.payload, {"address": base + at, "first": first, "end": end})
                ctx.set(part.i_read.valid, 1)
                asked.append([want[at + n] if first <= n < end else fill for n in range(c.lanes)])
                await ctx.tick()
            ctx.set(part.i_read.valid, 0)
        await ctx.tick().repeat(5)

    due: list[int] = []

    def watch(valid: int, window: Any) -> None:
        if len(due) == Activations.READ_LATENCY and due.pop(0):
            got.append([window[n] for n in range(c.lanes)])
        due.append(valid)

    simulated(part, drive, (part.i_read.valid, part.o), watch)
    assert len(asked) > 100
    assert got == asked
