"""The adder equals its definition."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.adder import Adder
from tb.cnn.arithmetic import rdbpot, srdhm
from tb.cnn.bench import through


@pytest.mark.parametrize("seed", range(2))
def test_sums_of_two_scaled_operands_equal_the_definition(seed: int):
    print(f"seed {seed}")
    rng = random.Random(seed)
    c = CONFIGURATIONS["ecp5"]
    part = Adder(c)
    lanes = c.requantisers
    operands = [
        {
            "zero_point": rng.choice((-128, 127, rng.randrange(-128, 128))),
            "multiplier": rng.randrange(1 << 30, 1 << 31),
            "shift": shift,
        }
        for shift in (1, rng.randrange(0, 32))
    ]
    pairs = [
        [[rng.choice((-128, 127, rng.randrange(-128, 128))) for _ in range(lanes)] for _ in range(2)]
        for _ in range(400)
    ]

    def beat(pair: list[list[int]], which: int) -> Callable[[Any], None]:
        def put(ctx: Any) -> None:
            for n in range(2):
                ctx.set(part.i_operand[n], operands[n])
            ctx.set(part.i_step.payload.second, which)
            ctx.set(part.i_step.payload.count, 1 + len(pair[0]) % 3 if which else 0)
            for lane, x in enumerate(pair[which]):
                ctx.set(part.i_window[lane], x)

        return put

    spaces = random.Random(seed)
    got = through(
        part, [beat(pair, n) for pair in pairs for n in range(2)], lambda _: spaces.choice((1, 1, 3)), port="i_step"
    )
    assert len(got) == len(pairs)

    def scaled(x: int, zero_point: int, multiplier: int, shift: int) -> int:
        return rdbpot(srdhm((x - zero_point) << 20, multiplier), shift)

    for pair, sums in zip(pairs, got, strict=True):
        assert sums.count == 1 + lanes % 3
        for lane in range(lanes):
            want = sum(scaled(pair[n][lane], **operands[n]) for n in range(2))
            assert sums.value[lane] == want, f"{pair[0][lane]} and {pair[1][lane]} with {operands}"
