"""Sets of parameters are there when a group takes them, at the closest distances."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.parameters import Parameters, fetch_words
from ocellus_hdl.cnn.words import Section
from tb.cnn.clocks import clocks


@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288", "imx500"])
def test_a_set_stays_until_the_next_group_takes_its_own(name: str):
    c = CONFIGURATIONS[name]
    rng = random.Random(5)
    part = Parameters(c)
    words = 40
    entries = [
        {
            "bias": rng.randrange(-1 << 31, 1 << 31),
            "multiplier": rng.randrange(1 << 31),
            "shift": rng.randrange(-31, 32),
        }
        for _ in range(words * c.parameter_lanes)
    ]
    long = fetch_words(c, point=False)
    latency = Parameters.latency(c)

    # (clock of the fetch, of the take, word, point): each taken when it can be at the earliest, and before the next.
    plan: list[tuple[int, int, int, bool]] = []
    at = 0
    for _ in range(40):
        point = rng.random() < 0.5
        plan.append((at, at + latency, rng.randrange(words - long), point))
        at += (fetch_words(c, point=True) if point else long) + rng.choice((0, 0, 3))
        if point:
            at = max(at, plan[-1][0] + long)  # the next may be a long one

    async def drive(ctx: Any) -> None:
        ctx.set(part.i_load.valid, 1)
        for n, entry in enumerate(entries):
            address, lane = divmod(n, c.parameter_lanes)
            for member, value in enumerate(entry.values()):
                load = {"section": Section.PARAMETERS, "address": address, "part": 3 * lane + member}
                ctx.set(part.i_load.payload, load | {"data": value & 0xFFFFFFFF})
                await ctx.tick()
        ctx.set(part.i_load.valid, 0)
        for clock in range(at + latency + 3):
            fetch = next((p for p in plan if p[0] == clock), None)
            ctx.set(part.i_fetch.valid, fetch is not None)
            ctx.set(part.i_fetch.payload, {"address": fetch[2], "point": fetch[3]} if fetch else {})
            ctx.set(part.i_take, any(p[1] == clock for p in plan))
            await ctx.tick()

    seen = clocks(part, drive, [part.o])[-(at + latency + 3) :]
    for n, (_, take, word, point) in enumerate(plan):
        until = plan[n + 1][1] if n + 1 < len(plan) else take + 1
        size = c.outputs if point else c.word
        for clock in range(take + 1, until + 1):
            (got,) = seen[clock]
            for e in range(len(got)):
                want = entries[word * c.parameter_lanes + e % size]
                assert {name: got[e][name] for name in want} == want, f"set {n}, clock {clock}, entry {e}"
