"""The counters of a layer."""

from typing import Any

import numpy as np

from ocellus.configurations import configuration
from ocellus_hdl.cnn.counters import WAYS, Counters
from tb.cnn.test_ends import simulate


def test_every_clock_is_counted_for_its_layer() -> None:
    c = configuration("tiny")
    rng = np.random.default_rng(5)
    counters = Counters(c)
    want = np.zeros((c.layers, WAYS), np.int64)
    got = np.zeros_like(want)

    async def drive(ctx: Any) -> None:
        for _ in range(3):
            ctx.set(counters.i_runs, 1)
            for _ in range(25):
                layer = int(rng.integers(5))
                ctx.set(counters.i_layer, layer)
                way = 0
                for _ in range(int(rng.integers(13, 30))):
                    way = int(rng.integers(WAYS))
                    ctx.set(counters.i_spent, 1 << way)
                    want[layer, way] += 1
                    await ctx.tick()
            ctx.set(counters.i_runs, 0)
            await ctx.tick().repeat(15)
        for n in range(got.size):
            ctx.set(counters.i_address, n)
            await ctx.tick().repeat(2)
            got.flat[n] = ctx.get(counters.o)

    simulate(counters, drive)
    assert (got == want).all()
