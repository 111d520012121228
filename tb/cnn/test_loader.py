"""The loader takes images apart, refuses damaged ones by name, and goes on."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ocellus.formats import IMAGE_HEADER, IMAGE_MAGIC, IMAGE_VERSION, LAYER, LoadError
from ocellus_hdl.cnn.loader import Loader, Section
from tb.cnn.arithmetic import ODD
from tb.cnn.bench import simulated

C = ODD
LAYER_WORDS = -(-LAYER.bits // 32)
PARTS = {Section.LAYERS: LAYER_WORDS, Section.PARAMETERS: 3 * C.requantisers, Section.WEIGHTS: C.macs // 4}
PLAIN = {
    "magic": IMAGE_MAGIC,
    "version": IMAGE_VERSION,
    "lanes": C.lanes,
    "columns": C.columns,
    "requantisers": C.requantisers,
    "layers": 2,
    "network_id": 0x1234,
    "parameter_words": 3,
    "weight_words": 4,
    "input_bytes": 10,
    "output_address": C.activation_bytes - 7,
    "output_bytes": 7,
}


def image(**changes: int) -> list[int]:
    """The 32-bit words of an image with random sections and a true checksum."""
    header = {**PLAIN, **changes}
    rng = np.random.default_rng(header["network_id"])
    counts = (header["layers"], header["parameter_words"], header["weight_words"])
    body = sum(min(count, 50) * parts for count, parts in zip(counts, PARTS.values(), strict=True))
    words = IMAGE_HEADER.words(header) + rng.integers(0, 1 << 32, body).tolist()
    return [*words, zlib.crc32(np.array(words, "<u4").tobytes())]


class Bench:
    """A loader that is fed images one after the other; what it writes is kept."""

    def __init__(self) -> None:
        self.part = Loader(C)
        self.writes: list[tuple[Section, int, int, int]] = []

    async def send(self, ctx: Any, words: Sequence[int], gaps: int = 0) -> None:
        """Hand over words with so many idle clocks after each."""
        for word in words:
            ctx.set(self.part.i.payload, word)
            ctx.set(self.part.i.valid, 1)
            await ctx.tick().until(self.part.i.ready)
            ctx.set(self.part.i.valid, 0)
            for _ in range(gaps):
                await ctx.tick()
        for _ in range(4):
            await ctx.tick()

    async def forget(self, ctx: Any) -> None:
        """One clock of reset."""
        ctx.set(self.part.i_reset, 1)
        await ctx.tick()
        ctx.set(self.part.i_reset, 0)

    def status(self, ctx: Any) -> tuple[int, int, int, int]:
        """Loaded, loading, error, network id."""
        status = ctx.get(self.part.o_status)
        return status.loaded, status.loading, status.error, status.network_id

    def keep(self, valid: int, word: Any) -> None:
        """Keep a write."""
        if valid:
            self.writes.append((word.section, word.address, word.part, word.data))

    def run(self, testbench: Any) -> None:
        """Run with an idle engine."""

        async def whole(ctx: Any) -> None:
            ctx.set(self.part.i_idle, 1)
            await testbench(ctx)

        simulated(self.part, whole, (self.part.o.valid, self.part.o.payload), self.keep)


def expected_writes(words: list[int], counts: Sequence[int]) -> list[tuple[Section, int, int, int]]:
    """Where each word of the sections belongs."""
    places = [
        (section, entry, part)
        for (section, parts), count in zip(PARTS.items(), counts, strict=True)
        for entry in range(count)
        for part in range(parts)
    ]
    return [(*place, word) for place, word in zip(places, words[12:-1], strict=True)]


@pytest.mark.parametrize("gaps", [0, 2])
@pytest.mark.parametrize("counts", [(2, 3, 4), (1, 0, 0), (3, 2, 0), (1, 0, 5)])
def test_every_word_arrives_at_its_place(gaps: int, counts: tuple[int, int, int]):
    bench = Bench()
    words = image(layers=counts[0], parameter_words=counts[1], weight_words=counts[2])

    async def load(ctx: Any) -> None:
        await bench.send(ctx, words, gaps)
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234)

    bench.run(load)
    assert bench.writes == expected_writes(words, counts)


DAMAGES = {
    "magic": ({"magic": IMAGE_MAGIC ^ 1}, LoadError.MAGIC),
    "version": ({"version": IMAGE_VERSION + 1}, LoadError.VERSION),
    "arithmetic": ({"arithmetic": 1}, LoadError.VERSION),
    "lanes": ({"lanes": C.lanes * 2}, LoadError.CONFIGURATION),
    "columns": ({"columns": C.columns + 1}, LoadError.CONFIGURATION),
    "requantisers": ({"requantisers": 1}, LoadError.CONFIGURATION),
    "no layers": ({"layers": 0}, LoadError.TOO_LARGE),
    "layers": ({"layers": C.layers + 1}, LoadError.TOO_LARGE),
    "parameters": ({"parameter_words": C.parameter_words + 1}, LoadError.TOO_LARGE),
    "weights": ({"weight_words": C.weight_words + (1 << 16)}, LoadError.TOO_LARGE),
    "input": ({"input_address": C.activation_bytes - 9}, LoadError.TOO_LARGE),
    "output": ({"output_bytes": (1 << 32) - 1}, LoadError.TOO_LARGE),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_header_that_does_not_fit_is_refused_by_name(name: str):
    changes, reason = DAMAGES[name]
    bench = Bench()

    async def load(ctx: Any) -> None:
        await bench.send(ctx, image(network_id=1))
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 1)
        kept = len(bench.writes)
        await bench.send(ctx, image(**changes)[:200])
        assert bench.status(ctx) == (0, 0, reason, 0)
        assert len(bench.writes) == kept
        await bench.send(ctx, image())  # swallowed until the reset
        assert bench.status(ctx) == (0, 0, reason, 0)
        await bench.forget(ctx)
        assert bench.status(ctx) == (0, 0, reason, 0)
        await bench.send(ctx, image())
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234)

    bench.run(load)


@pytest.mark.parametrize("at", [12, 60, -2, -1])
def test_a_damaged_word_is_refused_by_the_checksum(at: int):
    bench = Bench()

    async def load(ctx: Any) -> None:
        words = image()
        words[at] ^= 1 << 17
        await bench.send(ctx, words)
        assert bench.status(ctx) == (0, 0, LoadError.CHECKSUM, 0)
        await bench.forget(ctx)
        await bench.send(ctx, image())
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234)

    bench.run(load)


@pytest.mark.parametrize("length", [1, 11, 12, 13, 40, 70, 80])
def test_a_truncated_image_is_forgotten_by_a_reset(length: int):
    bench = Bench()

    async def load(ctx: Any) -> None:
        words = image()
        assert length < len(words)
        await bench.send(ctx, words[:length])
        assert bench.status(ctx) == (0, 1, LoadError.NONE, 0)
        await bench.forget(ctx)
        await ctx.tick()
        assert bench.status(ctx) == (0, 0, LoadError.NONE, 0)
        await bench.send(ctx, words)
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234)
        await bench.forget(ctx)
        await ctx.tick()
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234), "a reset forgets a whole network"

    bench.run(load)


def test_loading_waits_for_the_inference_and_then_the_old_network_is_gone():
    bench = Bench()

    async def load(ctx: Any) -> None:
        await bench.send(ctx, image())
        ctx.set(bench.part.i_idle, 0)
        words = image(network_id=7)
        ctx.set(bench.part.i.payload, words[0])
        ctx.set(bench.part.i.valid, 1)
        for _ in range(20):
            await ctx.tick()
            assert not ctx.get(bench.part.i.ready)
            assert bench.status(ctx) == (1, 0, LoadError.NONE, 0x1234)
        ctx.set(bench.part.i_idle, 1)
        await bench.send(ctx, words[:1])
        assert bench.status(ctx) == (0, 1, LoadError.NONE, 0)
        ctx.set(bench.part.i_idle, 0)
        await bench.send(ctx, words[1:])
        assert bench.status(ctx) == (1, 0, LoadError.NONE, 7)

    bench.run(load)
