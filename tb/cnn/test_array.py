"""The array's sums equal integer sums, at a step a clock, in every operation."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS, PIXELS, SIDE, Configuration
from ocellus.program_formats import LayerOp
from ocellus_hdl.cnn.array import Array
from tb.cnn.clocks import clocks

TAPS = range(PIXELS)


def extreme(rng: random.Random, low: int) -> int:
    return rng.choice((low, 127, 0, rng.randrange(low, 128)))


def of_window(c: Configuration, step: dict[str, Any], before: list[list[int]], j: int) -> list[list[int]]:
    """The words of its nine taps; of a window that is not side by side with others at that spread, some."""
    first = 0 if c.windows == 1 else -1 if j == 0 else min(step["spread"] * (j - 1), c.columns - SIDE)
    rows = [[*before[u : u + 1], *step["slots"][c.columns * u : c.columns * (u + 1)]] for u in range(SIDE)]
    return [rows[t // SIDE][first + t % SIDE + 1] for t in range(PIXELS)]


@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288"])
def test_sums_of_back_to_back_groups_are_exact(name: str):
    c = CONFIGURATIONS[name]
    rng = random.Random(11)
    part = Array(c)
    steps: list[dict[str, Any] | None] = []
    since = 0
    for _ in range(14):
        op = rng.choice(list(LayerOp))
        count = rng.choice((1, 1, 2, 4))
        # A convolution's sums take `beats` clocks to leave.
        steps += [None] * max(0, since - count + 1)
        for n in range(count):
            is_maximum = op is LayerOp.MAXIMUM
            step = {
                "op": op, "first": n == 0, "last": n == count - 1,
                "spread": rng.randrange(1, 3 if op is LayerOp.POINT else 4), "sub": rng.randrange(c.word // c.inputs),
                "edge": rng.random() < 0.3, "inner": rng.random() < 0.5, "fill": extreme(rng, -128),
                "slots": [[extreme(rng, -128) for _ in range(c.word)] for _ in range(c.banks)],
                "weights": [extreme(rng, -127) for _ in range(c.lanes)],
                "taps": [[int(t == 0) if is_maximum else extreme(rng, -127) for _ in range(c.word)] for t in TAPS],
            }  # fmt: skip
            steps.append(step)
        since = c.beats - 1 if op is LayerOp.POINT else 0

    async def drive(ctx: Any) -> None:
        for clock in range(-1, len(steps) + Array.latency(c) + 4):
            step = steps[clock] if 0 <= clock < len(steps) else None
            coming = steps[clock + 1] if clock + 1 < len(steps) else None
            if coming:
                ctx.set(part.i_piece, {"far": coming["spread"] >> 1, "sub": coming["sub"]})
            looks = coming is not None and coming["op"] is not LayerOp.POINT
            ctx.set(part.i_view, {"looks": looks, "edge": coming["edge"] if coming else 0})
            ctx.set(part.i.valid, step is not None)
            if step:
                ctx.set(part.i.payload, {k: step[k] for k in ("op", "spread", "edge", "inner", "sub", "first", "last")})
                ctx.set(part.i_fill, step["fill"])
                ctx.set(part.i_soon, step["slots"])
            before = steps[clock - 1] if 0 < clock <= len(steps) else None
            if before:
                ctx.set(part.i_slots, before["slots"])
                ctx.set(part.i_weights, before["weights"])
                ctx.set(part.i_taps, before["taps"])
            await ctx.tick()

    seen = clocks(part, drive, [part.o.valid, part.o.payload.point, part.o_point, part.o_window])[1:]
    sums: list[int] = []
    held = [[0] * c.word] * SIDE
    taps: list[list[list[int]]] = []
    for clock, step in enumerate(steps):
        if step is None:
            assert not seen[clock + Array.latency(c)][0]
            continue
        point = step["op"] is LayerOp.POINT
        if step["first"]:
            sums = [-128 if step["op"] is LayerOp.MAXIMUM else 0] * (PIXELS * c.outputs if point else c.lanes)
        if not point:
            edge = [[step["fill"]] * c.word] * SIDE
            before = edge if step["edge"] else held
            held = step["slots"][2 if step["inner"] else c.columns - 2 :: c.columns]
            taps = [of_window(c, step, before, j) for j in range(c.windows)]
        for n in range(len(sums)):
            if point:
                i, o = divmod(n, c.outputs)
                x = step["slots"][step["spread"] * i % c.banks][step["sub"] * c.inputs :]
                sums[n] += sum(x[k] * step["weights"][o * c.inputs + k] for k in range(c.inputs))
                continue
            j, g = divmod(n, c.word)
            if step["op"] is LayerOp.MAXIMUM:
                sums[n] = max(sums[n], taps[j][0][g])
            else:
                sums[n] += sum(taps[j][t][g] * step["taps"][t][g] for t in range(PIXELS))
        valid, is_point, points, windows = seen[clock + Array.latency(c)]
        assert (valid, valid and is_point) == (step["last"], step["last"] and point)
        if not step["last"]:
            continue
        for late in range(c.beats if point else 1):
            *_, points, windows = seen[clock + Array.latency(c) + late]
            got = [x for row in (points if point else windows) for x in row]
            assert got == sums, f"step {clock}, {late} clocks later"
