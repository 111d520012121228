"""An addition's operands are scaled as their definition has it, ties included."""

import random
from typing import Any

import pytest

from ocellus_hdl.cnn.scale import Scale
from tb.cnn.clocks import clocks
from tb.cnn.commands import rounded


@pytest.mark.parametrize("shift", range(32))
def test_every_shift_equals_the_definition(shift: int):
    rng = random.Random(shift)
    part = Scale()
    for multiplier in (1 << 30, (1 << 31) - 1, rng.randrange(1 << 30, 1 << 31), 0):
        values = [-256, -255, -1, 0, 1, 254, 255, *(rng.randrange(-256, 256) for _ in range(20))]

        async def drive(ctx: Any, multiplier: int = multiplier, values: list[int] = values) -> None:
            ctx.set(part.i_multiplier, multiplier)
            ctx.set(part.i_shift, shift)
            for value in values + [0] * Scale.LATENCY:
                ctx.set(part.i, value)
                await ctx.tick()

        seen = clocks(part, drive, [part.o, part.o_carry])[Scale.LATENCY :]
        for value, (low, carry) in zip(values, seen, strict=True):
            assert low + carry == rounded(value << 20, multiplier, -shift, False), f"{value} by {multiplier}"


def test_products_are_exact():
    rng = random.Random(1)
    part = Scale()
    pairs = [(a, b) for a in (-256, -1, 0, 255) for b in (-256, -255, 1, 255)]
    pairs += [(rng.randrange(-256, 256), rng.randrange(-256, 256)) for _ in range(50)]

    async def drive(ctx: Any) -> None:
        ctx.set(part.i_multiplies, 1)
        ctx.set(part.i_multiplier, 0x7FFFFFFF)
        for a, b in pairs + [(0, 0)] * Scale.PRODUCT_LATENCY:
            ctx.set(part.i, a)
            ctx.set(part.i_factor, b)
            await ctx.tick()

    seen = clocks(part, drive, [part.o_product])[Scale.PRODUCT_LATENCY :]
    assert [product for (product,) in seen] == [a * b for a, b in pairs]
