"""The lanes serve sums and epilogues in turn, each with its own rounding and limits."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.requantise import Requantise
from tb.cnn.clocks import clocks
from tb.cnn.commands import clamped, rounded, wrapped

CLOCKS = 300


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("name", ["tiny", "ecp5-288"])
def test_epilogues_round_twice_whatever_sums_do(name: str, single: bool):
    c = CONFIGURATIONS[name]
    rng = random.Random(6)
    part = Requantise(c)
    # Halves everywhere, so that the two roundings differ often.
    second = {"multiplier_3": 1 << 30, "shift_3": -3, "zero_point_3": 5, "minimum_3": -100, "maximum_3": 90}
    beats: list[Any] = []
    asked: list[dict[str, int]] = []
    taken: list[tuple[int, list[int]]] = []

    def entry() -> dict[str, int]:
        return {"bias": rng.randrange(-99, 99), "multiplier": 1 << 30, "shift": rng.randrange(-4, 3)}

    async def drive(ctx: Any) -> None:
        ctx.set(part.i_single, single)
        ctx.set(part.i_terms, second)
        for clock in range(CLOCKS + Requantise.LATENCY + 2):
            valid, point = 0 < clock < CLOCKS and rng.random() < 0.6, rng.random() < 0.5
            values = [rng.randrange(-3000, 3000) for _ in range(c.lanes)]
            entries = [entry() for _ in range(len(part.i_entries))]
            beats.append((point, values, entries) if valid else None)
            ctx.set(part.i.valid, valid)
            ctx.set(part.i.payload.point, point)
            ctx.set(part.i_windows, [valid and not point] * 2)
            ctx.set(part.i_value, values)
            ctx.set(part.i_entries, entries)
            # The tag of the beat that was asked for a clock ago.
            asked.append({"zero_point": rng.randrange(-9, 9), "minimum": -110, "maximum": rng.randrange(60, 127)})
            ctx.set(part.i_tag, asked[-1])
            offers = clock < CLOCKS and rng.random() < 0.7
            elements = [(rng.randrange(-1500, 1500), rng.randrange(2)) for _ in range(c.combiners)]
            ctx.set(part.i_second.valid, offers)
            ctx.set(part.i_second.payload, [{"value": value, "carry": carry} for value, carry in elements])
            assert ctx.get(part.i_second.ready) == (not valid or point)
            if offers and (not valid or point):
                taken.append((clock, [value + carry for value, carry in elements]))
            await ctx.tick()

    seen = clocks(part, drive, [part.o.valid, part.o.payload, part.o_second.valid, part.o_second.payload])
    for clock in range(CLOCKS):
        valid, shown, *_ = seen[clock + Requantise.LATENCY]
        assert valid == (beats[clock] is not None)
        if not valid:
            continue
        point, values, entries = beats[clock]
        tag = asked[clock + Requantise.LATENCY - 3]
        assert {name: shown.tag[name] for name in tag} == tag
        for n in range(c.beat_pixels * c.outputs if point else c.lanes):
            e = entries[n % len(entries)]
            r = rounded(wrapped(values[n] + e["bias"]), e["multiplier"], e["shift"], single)
            want = clamped(tag["zero_point"] + r, tag["minimum"], tag["maximum"])
            assert shown.value[n] == want, f"clock {clock}, lane {n}"
    at = {clock + Requantise.LATENCY: values for clock, values in taken}
    for clock, (*_, valid, shown) in enumerate(seen):
        assert valid == (clock in at)
        for k in range(c.combiners if valid else 0):
            r = rounded(at[clock][k], second["multiplier_3"], second["shift_3"], False)
            want = clamped(second["zero_point_3"] + r, second["minimum_3"], second["maximum_3"])
            assert shown[k] == want, f"clock {clock}, element {k}"
