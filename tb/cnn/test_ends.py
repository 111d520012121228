"""Inlet and outlet: what they store and send, against whole arrays."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from ocellus.compiler.engine.layers import Plan, Unfolding
from ocellus.compiler.graph import Network
from ocellus.configurations import configuration
from ocellus.program_formats import IMAGE_HEADER
from ocellus_hdl.cnn.inlet import Inlet
from ocellus_hdl.cnn.outlet import Outlet

Header = dict[str, int]


PATIENCE = 40_000
"""Clocks after which a test gives up."""


def simulate(part: Any, drive: Any, *others: Any) -> None:
    """Run until ``drive`` has ended; beside it each of ``others`` again and again."""
    over = False

    async def main(ctx: Any) -> None:
        nonlocal over
        await drive(ctx)
        over = True

    def repeated(other: Any) -> Any:
        async def run(ctx: Any) -> None:
            while not over:
                await other(ctx)

        return run

    simulator = Simulator(part)
    simulator.add_clock(1e-6)
    simulator.add_testbench(main)
    for other in others:
        simulator.add_testbench(repeated(other))
    simulator.run_until(PATIENCE * 1e-6)
    assert over, "no end in sight"


def stored_pixels(x: np.ndarray, header: Header) -> np.ndarray:
    """(rows, stored columns, bytes): what the page says a stored pixel holds."""
    rows, columns, channels = x.shape
    u, stride, lead = header["unfold_columns"], header["unfold_stride"], header["unfold_lead"]
    if u == 1:
        return x
    wide = np.full((rows, lead + columns + u + stride * columns, channels), header["input_fill"], np.int8)
    wide[:, lead : lead + columns] = x
    return np.stack(
        [wide[:, n * stride : n * stride + u].reshape(rows, -1) for n in range(header["stored_columns"])], axis=1
    )


@pytest.mark.parametrize("name", ["tiny", "ecp5", "imx500"])
@pytest.mark.parametrize(
    ("shape", "unfold"),
    [
        ((5, 7, 3), (3, 2, 0)), ((4, 6, 3), (3, 1, 1)), ((6, 5, 1), (4, 2, 1)), ((3, 4, 3), (1, 1, 0)),
        ((3, 2, 20), (1, 1, 0)), ((1, 1, 70), (1, 1, 0)), ((3, 5, 1), (1, 1, 0)), ((3, 9, 3), (7, 2, 3)),
    ],
)  # fmt: skip
def test_rows_are_stored_as_the_page_says_and_wait_for_room(
    name: str, shape: tuple[int, int, int], unfold: tuple[int, int, int]
) -> None:
    c = configuration(name)
    rng = np.random.default_rng(3)
    rows, columns, channels = shape
    u, stride, lead = unfold
    words = -(-(u * channels if u > 1 else channels) // c.word)
    stored = columns if u == 1 else (columns + lead - 1) // stride + 1
    plane, ring = stored + 1, min(rows, 3)
    pitch = words * plane + 2
    base = 5 * c.banks + 4
    header: Header = {
        "input_rows": rows, "input_columns": columns, "input_channels": channels, "input_fill": -7,
        "unfold_columns": u, "unfold_stride": stride, "unfold_lead": lead, "stored_columns": stored,
        "unfold_bytes": u * channels if u > 1 else 0, "ring_rows": ring,
        "input_line": base // c.banks, "input_bank": base % c.banks,
        "input_row_line": pitch // c.banks, "input_row_bank": pitch % c.banks,
        "input_plane_line": plane // c.banks, "input_plane_bank": plane % c.banks,
    }  # fmt: skip
    tensors = [rng.integers(-128, 128, shape).astype(np.int8) for _ in range(2)]
    inlet = Inlet(c)
    written: list[tuple[int, bytes]] = []
    overrun: list[str] = []
    freed = [0]

    async def drive(ctx: Any) -> None:
        ctx.set(inlet.i_header.as_value(), IMAGE_HEADER.pack(header))
        ctx.set(inlet.i_open, 1)
        for x in tensors:
            flat = x.ravel()
            for n, value in enumerate(flat):
                while rng.random() < 0.2:
                    await ctx.tick()
                ctx.set(inlet.i.valid, 1)
                ctx.set(inlet.i.payload.value, int(value))
                ctx.set(inlet.i.payload.last, int(n == flat.size - 1))
                await ctx.tick().until(inlet.i.ready)
                ctx.set(inlet.i.valid, 0)
            while not (ctx.get(inlet.o_full) and ctx.get(inlet.o_rows) == rows):
                await ctx.tick()
            await ctx.tick().repeat(3)
            ctx.set(inlet.i_restart, 1)
            await ctx.tick()
            ctx.set(inlet.i_restart, 0)
            freed[0] = 0
            ctx.set(inlet.i_freed, 0)

    async def free(ctx: Any) -> None:
        await ctx.tick().repeat(40)
        arrived = ctx.get(inlet.o_rows)
        if arrived > freed[0] + ring:
            overrun.append(f"{arrived} rows with {freed[0]} freed")
        if freed[0] < arrived and arrived < rows:
            freed[0] += 1
            ctx.set(inlet.i_freed, freed[0])

    async def take(ctx: Any) -> None:
        ctx.set(inlet.o.ready, int(rng.random() < 0.7))
        _, _, valid, ready, payload = await ctx.tick().sample(inlet.o.valid, inlet.o.ready, inlet.o.payload)
        if valid and ready:
            word = bytes(payload.data[i] & 0xFF for i in range(c.word))
            written.append((payload.line * c.banks + payload.bank, word))

    simulate(inlet, drive, free, take)
    want = []
    for x in tensors:
        pixels = stored_pixels(x, header)
        for y in range(rows):
            for n in range(stored):
                for k in range(words):
                    piece = pixels[y, n, k * c.word : (k + 1) * c.word]
                    want.append((base + y % ring * pitch + k * plane + n, piece.tobytes()))
    assert [(place, data[: len(expected)]) for (place, data), (_, expected) in zip(written, want, strict=True)] == want
    assert not overrun


@pytest.mark.parametrize("name", ["tiny", "ecp5"])
@pytest.mark.parametrize("shape", [(3, 2, 5), (1, 1, 2), (2, 3, 16), (1, 1, 9), (4, 1, 1)])
def test_the_outlet_sends_rows_columns_channels(name: str, shape: tuple[int, int, int]) -> None:
    c = configuration(name)
    rng = np.random.default_rng(4)
    rows, columns, channels = shape
    words = -(-channels // c.word)
    plane, base = columns + 2, 3 * c.banks + 7
    pitch = words * plane + 3
    header = {
        "output_rows": rows, "output_columns": columns, "output_channels": channels,
        "output_line": base // c.banks, "output_bank": base % c.banks,
        "output_row_line": pitch // c.banks, "output_row_bank": pitch % c.banks,
        "output_plane_line": plane // c.banks, "output_plane_bank": plane % c.banks,
    }  # fmt: skip
    x = rng.integers(-128, 128, shape).astype(np.int8)
    memory: dict[int, list[int]] = {}
    for y in range(rows):
        for n in range(columns):
            for k in range(words):
                piece = x[y, n, k * c.word : (k + 1) * c.word].tolist()
                memory[base + y * pitch + k * plane + n] = piece + [99] * (c.word - len(piece))
    outlet = Outlet(c)
    got: list[tuple[int, int]] = []

    async def drive(ctx: Any) -> None:
        ctx.set(outlet.i_header.as_value(), IMAGE_HEADER.pack(header))
        await ctx.tick()
        for _ in range(2):
            ctx.set(outlet.i_start, 1)
            await ctx.tick()
            ctx.set(outlet.i_start, 0)
            await ctx.tick().until(outlet.o_done)

    asked: deque[int | None] = deque([None] * 4)

    async def look(ctx: Any) -> None:
        _, _, valid, payload = await ctx.tick().sample(outlet.o_look.valid, outlet.o_look.payload)
        asked.append(payload.line * c.banks + payload.base if valid else None)
        place = asked.popleft()
        ctx.set(outlet.i_seen.valid, place is not None)
        for n, value in enumerate(memory[place] if place is not None else ()):
            ctx.set(outlet.i_seen.payload[n], value)

    async def take(ctx: Any) -> None:
        ctx.set(outlet.o.ready, int(rng.random() < 0.7))
        _, _, valid, ready, payload = await ctx.tick().sample(outlet.o.valid, outlet.o.ready, outlet.o.payload)
        if valid and ready:
            got.append((payload.value, payload.last))

    simulate(outlet, drive, look, take)
    want = [(int(v), int(n == x.size - 1)) for n, v in enumerate(x.ravel())]
    assert got == want * 2


@pytest.mark.parametrize("unfold", [(1, 1, 0), (3, 2, 0), (3, 1, 1), (4, 2, 1), (4, 1, 1), (2, 2, 0)])
def test_a_row_is_there_as_soon_as_the_compiler_reckons(unfold: tuple[int, int, int]) -> None:
    """Between a plain row's last byte and its being there lie three clocks."""
    c, (rows, columns, channels) = configuration("ecp5"), (3, 8, 3)
    u, stride, lead = unfold
    stored, size = (columns + 2 * lead - u) // stride + 1 + (u == 3 and not lead), u * channels
    header: Header = {
        "input_rows": rows, "input_columns": columns, "input_channels": channels, "unfold_columns": u,
        "unfold_stride": stride, "unfold_lead": lead, "stored_columns": stored, "unfold_bytes": size if u > 1 else 0,
        "ring_rows": rows, "input_row_line": 1, "input_plane_bank": 1,
    }  # fmt: skip
    inlet, bytes_taken, clocks = Inlet(c), 0, 0

    async def drive(ctx: Any) -> None:
        nonlocal bytes_taken, clocks
        for port in (inlet.i_open, inlet.o.ready, inlet.i.valid):
            ctx.set(port, 1)
        for name, value in header.items():
            ctx.set(getattr(inlet.i_header, name), value)
        while not ctx.get(inlet.o_rows):
            clocks += bytes_taken == columns * channels
            bytes_taken += ctx.get(inlet.i.ready)
            await ctx.tick()

    simulate(inlet, drive)
    shapes = {"x": (rows, stored, size)}
    plan = Plan(
        Network("", "", 0, {}, (), "x", "x"),
        c,
        "x",
        (rows, columns, channels),
        shapes=shapes,
        unfolding=Unfolding(u, stride, lead),
    )
    assert clocks == 3 + plan.clocks_behind
