"""The pool's divider equals its definition."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from ocellus_hdl.cnn.pool import Divider
from tb.cnn.arithmetic import ODD, mean
from tb.cnn.bench import through


def check(pairs: list[tuple[int, int]]) -> None:
    """Divide (sum, taps) one after the other at full speed, the mirrored sum beside it."""
    part = Divider(ODD)

    def beat(total: int, taps: int) -> Callable[[Any], None]:
        def put(ctx: Any) -> None:
            ctx.set(part.i.payload.value[0], total)
            ctx.set(part.i.payload.value[1], -total)
            ctx.set(part.i.payload.count, 1 + total % 2)
            ctx.set(part.i_taps, taps)

        return put

    got = through(part, [beat(*pair) for pair in pairs], lambda _: Divider.CLOCKS)
    assert len(got) == len(pairs)
    for (total, taps), means in zip(pairs, got, strict=True):
        want = [mean(total, taps), mean(-total, taps)]
        assert [means.value[0], means.value[1]] == want, f"+-{total} / {taps}: expected {want}"
        assert means.count == 1 + total % 2


def test_every_sum_of_few_taps():
    check([(total, taps) for taps in (1, 2, 3, 4) for total in range(-128 * taps, 128 * taps + 1, 1 + taps)])


@pytest.mark.parametrize("seed", range(2))
def test_sums_of_many_taps(seed: int):
    print(f"seed {seed}")
    rng = random.Random(seed)
    pairs = []
    for _ in range(200):
        taps = rng.choice((5, 9, 49, 255, 65025, rng.randrange(1, 65026)))
        ends = rng.choice((-128 * taps, 127 * taps, 0))
        near = rng.randrange(-127, 127) * taps + taps // 2 + rng.choice((-1, 0, 1))
        pairs += [(ends, taps), (near, taps), (rng.randrange(-128 * taps, 127 * taps), taps)]
    check(pairs)
