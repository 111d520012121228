"""Finished bytes and words of the input reach their banks, none of them twice and none too late."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.cnn.words import beat_pixels
from ocellus_hdl.cnn.writer import Writer
from tb.cnn.clocks import clocks


@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288"])
def test_every_byte_is_written_once_and_input_waits_a_clock_and_for_its_bank(name: str):
    c = CONFIGURATIONS[name]
    rng = random.Random(4)
    part = Writer(c)
    pieces = c.word // c.outputs
    n = beat_pixels(c)
    want: list[dict[tuple[int, int, int], list[int]]] = []
    dones: list[bool] = []

    async def drive(ctx: Any) -> None:
        # The beat of the clock before goes with the word that comes in this one.
        written: dict[tuple[int, int, int], list[int]] = {}
        taken: set[int] = set()
        waits, ready, came, data = False, False, {"bank": 0, "line": 0}, [0] * c.word
        for clock in range(200):
            valid, point = clock < 190 and rng.random() < 0.8, rng.random() < 0.5
            pixels, size = (c.beat_pixels, c.outputs) if point else (c.windows, c.word)
            first = rng.randrange(c.banks)
            tag = {
                "pixels": [j < pixels and rng.random() < 0.8 for j in range(n)],
                "line": [rng.randrange(c.lines) for _ in range(n)],
                "bank": [(first + j) % c.banks for j in range(n)], "point": point, "out_sub": rng.randrange(pieces),
                "last": rng.randrange(2), "ends": rng.randrange(2),
            }  # fmt: skip
            value = [rng.randrange(-128, 128) for _ in range(c.lanes)]
            ctx.set(part.i.valid, valid)
            ctx.set(part.i.payload, {"value": value, "tag": tag})
            ready = waits and not ready and came["bank"] not in taken
            if not waits:
                came = {"bank": rng.randrange(c.banks), "line": rng.randrange(c.lines)}
                data = [rng.randrange(-128, 128) for _ in range(c.word)]
            arrives = waits or (clock < 190 and rng.random() < 0.7)
            ctx.set(part.i_input.valid, arrives)
            ctx.set(part.i_input.payload, came | {"data": data})
            assert ctx.get(part.i_input.ready) == ready, f"clock {clock}"
            waits = arrives and not ready
            if ready:
                for p in range(pieces):
                    written[came["bank"], came["line"], p] = data[p * c.outputs : (p + 1) * c.outputs]
            want.append(written)
            written = {}
            taken = {tag["bank"][j] for j in range(n) if tag["pixels"][j]} if valid else set()
            for j in range(pixels if valid else 0):
                for p in range(size // c.outputs):
                    piece = tag["out_sub"] if point else p
                    at = j * size + p * c.outputs
                    if tag["pixels"][j]:
                        written[tag["bank"][j], tag["line"][j], piece] = value[at : at + c.outputs]
            dones.append(bool(valid and tag["last"] and tag["ends"]))
            await ctx.tick()

    seen = clocks(part, drive, [part.o_done, part.o])
    for clock in range(190):
        got = {}
        _, banks = seen[clock + Writer.LATENCY - 2]
        for b in range(c.banks):
            for p in range(pieces):
                if banks[b].enable >> p & 1:
                    word = banks[b].data[p]
                    signed = [(word >> 8 * k & 255) - ((word >> 8 * k & 128) << 1) for k in range(c.outputs)]
                    got[b, banks[b].line, p] = signed
        assert got == want[clock], f"clock {clock}"
        assert seen[clock + 2][0] == dones[clock]


@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288"])
def test_a_row_of_the_input_gets_through_while_a_convolution_sends_a_beat_every_clock(name: str):
    c = CONFIGURATIONS[name]
    part = Writer(c)
    n = beat_pixels(c)
    waited: list[int] = []

    async def drive(ctx: Any) -> None:
        word, since = 0, 0
        for clock in range(400):
            at = clock * c.beat_pixels
            tag = {
                "pixels": [j < c.beat_pixels for j in range(n)], "line": [(at + j) // c.banks for j in range(n)],
                "bank": [(at + j) % c.banks for j in range(n)], "point": 1, "out_sub": 0, "last": 0, "ends": 0,
            }  # fmt: skip
            ctx.set(part.i.valid, 1)
            ctx.set(part.i.payload, {"value": [0] * c.lanes, "tag": tag})
            ctx.set(part.i_input.valid, 1)
            ctx.set(part.i_input.payload, {"bank": word % c.banks, "line": word // c.banks, "data": [0] * c.word})
            since += 1
            if ctx.get(part.i_input.ready):
                waited.append(since)
                word, since = word + 1, 0
            await ctx.tick()

    clocks(part, drive, [part.o])
    # A clock to see the word, one to take it, and those in which the beat that comes takes its bank.
    taken = -(-c.banks // c.beat_pixels)
    assert len(waited) > 400 // (2 + taken)
    assert max(waited) <= 2 + taken
