"""The weight memory, and the store that runs ahead of the windows."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS, PIXELS
from ocellus_hdl.cnn.weights import Weights
from ocellus_hdl.cnn.windows import WindowStore
from ocellus_hdl.cnn.words import SETS, Section
from tb.cnn.clocks import clocks
from tb.cnn.weight_loads import weight_loads


@pytest.mark.parametrize("platform", [None, object()], ids=["simulation", "hardware"])
@pytest.mark.parametrize("start", [False, True], ids=["loaded", "from the start"])
@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288"])
def test_words_on_both_sides_of_every_block_are_read_back(name: str, start: bool, platform: object):
    c = CONFIGURATIONS[name]
    rng = random.Random(1)
    bounds = (0, *(1 << n for n in range(8, 15)), *range(1024, c.weight_words, 1024), 8192 + 4096, c.weight_words)
    edges = {e + d for e in bounds for d in (-1, 0, 1)}
    addresses = [a for a in edges if 0 <= a < c.weight_words]
    memory = {a: [rng.randrange(256) for _ in range(c.lanes)] for a in addresses}
    loads = list(weight_loads(c, memory))
    rows = [[0] * (c.lanes // 4) for _ in range(1 + max(address for address, _, _ in loads))]
    for row, n, value in loads:
        rows[row][n] = value
    part = Weights(c, rows if start else ())
    asked = [rng.choice([None, *addresses]) for _ in range(200)]

    async def drive(ctx: Any) -> None:
        for address, n, value in () if start else loads:
            ctx.set(part.i_load.valid, 1)
            load = {"section": Section.WEIGHTS, "address": address, "part": n, "data": value}
            ctx.set(part.i_load.payload, load)
            await ctx.tick()
            ctx.set(part.i_load.payload, load | {"section": Section.PARAMETERS, "data": 0})
            await ctx.tick()
        ctx.set(part.i_load.valid, 0)
        for address in asked:
            ctx.set(part.i_read.valid, address is not None)
            ctx.set(part.i_read.payload, address or 0)
            await ctx.tick()
        ctx.set(part.i_read.valid, 0)
        await ctx.tick().repeat(Weights.LATENCY)

    seen = clocks(part, drive, [part.o], platform)[-len(asked) - Weights.LATENCY :]
    last = None
    for clock, address in enumerate(asked):
        last = memory[address] if address is not None else last
        if last is not None:
            (word,) = seen[clock + Weights.LATENCY]
            assert [word[n] for n in range(c.lanes)] == last, f"read {clock}, address {address}"


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_no_set_is_lost_or_overwritten_while_it_is_in_use(name: str):
    c = CONFIGURATIONS[name]
    rng = random.Random(2)
    latency = 3
    part = WindowStore(c, latency)
    requests = [(100 * n, *rng.choice(((1, 1), (3, 1), (3, 3), (8, 4), (SETS, SETS)))) for n in range(12)]
    due = [address + n * c.window_words for address, sets, _ in requests for n in range(sets)]
    sets_of_groups = [each for _, sets, each in requests for _ in range(sets // each)]
    size = PIXELS * c.word

    def word(address: int) -> list[int]:
        return [(31 * address + 7 * n) % 256 for n in range(c.lanes)]

    reads: list[tuple[int, int]] = []
    freed = 0

    async def drive(ctx: Any) -> None:
        nonlocal freed
        on_way: list[int | None] = [None] * latency
        told = [0] * (latency - 2)
        queue = list(requests)
        there, clock = 0, 0
        while freed < len(due):
            assert clock < 20_000
            free = rng.random() < 0.6
            ctx.set(part.i_free, free)
            ctx.set(part.i_request.valid, bool(queue))
            if queue:
                ctx.set(part.i_request.payload, dict(zip(("address", "sets", "word_sets"), queue[0], strict=True)))
            arrived = on_way.pop(0)
            ctx.set(part.i_word, word(arrived) if arrived is not None else [0] * c.lanes)
            number = rng.randrange(max(1, there - freed))
            is_read = there > freed
            ctx.set(part.i_read.valid, is_read)
            ctx.set(part.i_read.payload, {"number": number, "maximum": 0})
            if is_read:
                reads.append((clock, due[freed + number]))
            count = rng.randrange(1, there - freed + 1) if is_read and rng.random() < 0.02 else 0
            ctx.set(part.i_release.valid, count > 0)
            ctx.set(part.i_release.payload, count)
            taken = ctx.get(part.i_request.ready) and queue
            on_way.append(ctx.get(part.o_read.payload) if ctx.get(part.o_read.valid) else None)
            assert free or on_way[-1] is None
            freed += count
            told.append(sets_of_groups.pop(0) if ctx.get(part.o_group) else 0)
            there += told.pop(0)
            await ctx.tick()
            if taken:
                queue.pop(0)
            clock += 1

    seen = clocks(part, drive, [part.o])
    for clock, address in reads[:-2]:
        want = [byte for n in range(c.window_words) for byte in word(address + n)][:size]
        got = seen[clock + 2][0]
        assert [got[t][g] & 255 for t in range(PIXELS) for g in range(c.word)] == want, f"clock {clock}"
