"""The wheel delivers a word of each bank from any bank on, while others are written."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.wheel import RADIX, Wheel
from tb.cnn.clocks import clocks

CLOCKS = 60


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
def test_slots_begin_at_the_base_and_read_the_fill_outside(name: str):
    c = CONFIGURATIONS[name]
    rng = random.Random(3)
    part = Wheel(c)
    lines = [0, 1, c.lines - 1]
    memory = {(b, n): [0] * c.word for b in range(c.banks) for n in lines}
    pieces = c.word // c.outputs
    reads: list[Any] = []
    history: list[dict[tuple[int, int], list[int]]] = []

    async def drive(ctx: Any) -> None:
        for clock in range(CLOCKS + 12):
            history.append({place: list(word) for place, word in memory.items()})
            read = {
                "base": rng.randrange(c.banks), "line": [rng.choice(lines) for _ in range(c.banks)],
                "inside": [rng.random() < 0.8 for _ in range(c.banks)], "fill": rng.randrange(-128, 128),
            }  # fmt: skip
            reads.append(read if clock < CLOCKS and rng.random() < 0.8 else None)
            ctx.set(part.i_read.valid, reads[-1] is not None)
            turns = [read["base"] // RADIX**n % RADIX for n in range(Wheel.address_latency(c))]
            ctx.set(part.i_read.payload, {"turns": turns, **{k: v for k, v in read.items() if k != "base"}})
            for b in range(c.banks):
                enable, line = rng.randrange(1 << pieces), rng.choice(lines)
                word = [rng.randrange(-128, 128) for _ in range(c.word)]
                for p in range(pieces):
                    piece = slice(p * c.outputs, (p + 1) * c.outputs)
                    if enable >> p & 1:
                        memory[b, line][piece] = word[piece]
                packed = [
                    sum((byte & 255) << 8 * n for n, byte in enumerate(word[p * c.outputs : (p + 1) * c.outputs]))
                    for p in range(pieces)
                ]
                ctx.set(part.i_write[b], {"enable": enable, "line": line, "data": packed})
            await ctx.tick()

    seen = clocks(part, drive, [part.o])
    checked = 0
    for clock, read in enumerate(reads):
        if read is None:
            continue
        # What was written before the clock in which the lines come to the banks.
        at = history[clock + Wheel.address_latency(c)]
        (slots,) = seen[clock + Wheel.latency(c)]
        for j in range(c.banks):
            want = at[(read["base"] + j) % c.banks, read["line"][j]] if read["inside"][j] else [read["fill"]] * c.word
            assert [slots[j][g] for g in range(c.word)] == want, f"clock {clock}, slot {j}"
            checked += 1
    assert checked > 20 * c.banks
