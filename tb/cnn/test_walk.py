"""The walk's commands against the loops on the page, written down plainly."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from ocellus.configurations import PIXELS, Configuration, configuration
from ocellus.program_formats import LAYER, STEP, Epilogue, LayerOp
from ocellus_hdl.cnn.walk import Walk

Values = dict[str, int]


@dataclass
class Read:
    """A command: where each used slot reads, and the flags beside it."""

    slots: dict[int, tuple[int, bool]]
    flags: dict[str, Any]


def place(c: Configuration, words: int) -> tuple[int, int]:
    return words // c.banks % c.lines, words % c.banks


def point_commands(c: Configuration, layer: Values, step: Values, geometry: Values) -> Iterator[Read]:
    """POINT as the page has it; ``geometry`` holds distances in words."""
    pixels = [(oy, ox) for oy in range(step["rows"]) for ox in range(layer["out_columns"])]
    tiles: list[list[tuple[int, int]]] = [[]]
    for oy, ox in pixels:
        full = len(tiles[-1]) == layer["tile"]
        row_over = layer["cut"] and ox == 0
        if tiles[-1] and (full or row_over):
            tiles.append([])
        tiles[-1].append((oy, ox))
    words_a_group = -(-c.outputs // c.parameter_lanes)
    for n, tile in enumerate(tiles):
        weight = 0
        for g in range(layer["groups"]):
            taps = [
                (ky, kx, chunk)
                for ky in range(layer["kernel_rows"])
                for kx in range(layer["kernel_columns"])
                for chunk in range(layer["chunks"])
            ]
            outs = []
            for oy, ox in tile:
                out = geometry["out"] + oy * geometry["out_row"] + ox * geometry["out_pixel"]
                out += g * c.outputs // c.word * geometry["out_plane"]
                line, bank = place(c, out)
                line -= layer["out_ring_lines"] if oy >= step["out_wrap"] else 0
                outs.append((line % c.lines, bank))
            tag = {
                "outs": outs, "out_sub": g * c.outputs % c.word // c.outputs,
                "ends": n == len(tiles) - 1 and g == layer["groups"] - 1, "pop": True,
            }  # fmt: skip
            for i, (ky, kx, chunk) in enumerate(taps):
                word, sub = divmod(chunk * c.inputs, c.word)
                slots: dict[int, tuple[int, bool]] = {}
                base = 0
                for lane, (oy, ox) in enumerate(tile):
                    row = step["first_row"] + oy * layer["stride_rows"] + ky * layer["tap_rows"]
                    column = -layer["lead"] + ox * layer["stride_columns"] + kx * layer["tap_columns"]
                    at = geometry["in"] + oy * geometry["in_row"] + ox * geometry["in_pixel"]
                    at += word * geometry["in_plane"]
                    at += ky * geometry["in_tap_row"] + kx * geometry["in_tap"]
                    line = place(c, at)[0] - (layer["in_ring_lines"] if row >= step["in_wrap"] else 0)
                    inside = 0 <= row < layer["in_rows"] and 0 <= column < layer["in_columns"]
                    slots[layer["spread"] * lane % c.banks] = (line % c.lines, inside)
                    if lane == 0:
                        base = at % c.banks
                last = i == len(taps) - 1
                flags = {
                    "operand": 0, "base": base, "sub": sub // c.inputs, "weight": layer["weight_base"] + weight,
                    "first": i == 0, "last": last, "fetch": i == 0,
                }  # fmt: skip
                if i == 0:
                    flags["parameter"] = layer["parameter_base"] + g * words_a_group
                yield Read(slots, flags | (tag if last else {}))
                weight += 1
            if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
                slots = {
                    layer["out_spread"] * lane % c.banks: ((line + layer["operand_lines"]) % c.lines, True)
                    for lane, (line, _) in enumerate(outs)
                }
                yield Read(slots, {"operand": 1, "base": outs[0][1], "sub": tag["out_sub"], "last": 0})


def window_commands(c: Configuration, layer: Values, step: Values, geometry: Values) -> Iterator[Read]:
    """WINDOW and MAXIMUM as the page has them."""
    width = c.windows if layer["tile"] == PIXELS else 1
    passes = [(py, px) for py in range(layer["kernel_rows"]) for px in range(layer["kernel_columns"])]
    words_a_group = -(-c.word // c.parameter_lanes)
    for k in range(layer["groups"]):
        for oy in range(step["rows"]):
            for ox in range(0, layer["out_columns"], width):
                outs = []
                for j in range(min(width, layer["out_columns"] - ox)):
                    out = geometry["out"] + oy * geometry["out_row"] + (ox + j) * geometry["out_pixel"]
                    line, bank = place(c, out + k * geometry["out_plane"])
                    line -= layer["out_ring_lines"] if oy >= step["out_wrap"] else 0
                    outs.append((line % c.lines, bank))
                over = oy == step["rows"] - 1 and ox + width >= layer["out_columns"]
                for i, (py, px) in enumerate(passes):
                    row = step["first_row"] + oy * layer["stride_rows"] + py * layer["tap_rows"]
                    column = -layer["lead"] + ox * layer["stride_columns"] + px * layer["tap_columns"]
                    at = geometry["in"] + oy * geometry["in_row"] + ox * layer["stride_columns"]
                    at += k * geometry["in_plane"]
                    at += py * geometry["in_tap_row"] + px * geometry["in_tap"]
                    slots = {}
                    for u in range(3):
                        r = (0, 2, 1)[u] if layer["swapped"] else u
                        for t in range(c.columns):
                            line = place(c, at + r * geometry["pitch"] + t)[0]
                            line -= layer["in_ring_lines"] if row + r >= step["in_wrap"] else 0
                            inside = 0 <= row + r < layer["in_rows"] and 0 <= column + t < layer["in_columns"]
                            slots[c.columns * u + t] = (line % c.lines, inside)
                    begins, last = not (oy or ox or i), i == len(passes) - 1
                    flags = {
                        "operand": 0, "base": at % c.banks, "weight": 0 if layer["shared"] else i,
                        "first": i == 0, "last": last, "fetch": begins,
                    }  # fmt: skip
                    if begins:
                        flags["parameter"] = layer["parameter_base"] + k * words_a_group
                    if last:
                        flags |= {
                            "outs": outs, "ends": over and k == layer["groups"] - 1, "pop": over,
                            "release": over and layer["op"] == LayerOp.WINDOW,
                            "release_count": layer["word_sets"],
                        }  # fmt: skip
                    yield Read(slots, flags)
                if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
                    slots = {
                        layer["out_spread"] * j: ((line + layer["operand_lines"]) % c.lines, True)
                        for j, (line, _) in enumerate(outs)
                    }
                    yield Read(slots, {"operand": 1, "base": outs[0][1], "last": 0})


def random_step(c: Configuration, rng: np.random.Generator, op: LayerOp) -> tuple[Values, Values, Values]:
    """A layer whose reads meet the rules of the page, some rows of it, and its distances in words."""
    rows, columns = int(rng.integers(1, 9)), int(rng.integers(1, 14))
    stride = int(rng.integers(1, 3))
    kernel = int(rng.integers(1, 4))
    point = op is LayerOp.POINT
    out_columns = max(1, columns // stride)
    if point:
        # across row ends the tile's pixels go on `spread` words apart
        pitch = 4 * c.banks + (out_columns if stride == 1 else out_columns % c.banks)
    else:
        pitch = 4 * c.banks + c.columns * int(rng.integers(1, 3))
    swapped = int(not point and pitch % c.banks == 2 * c.columns)
    geometry = {
        "in": int(rng.integers(0, 900)), "out": int(rng.integers(0, 900)), "pitch": pitch,
        "in_row": stride * pitch, "in_pixel": stride if point or c.windows == 1 else stride * c.windows,
        "in_plane": int(rng.integers(40, 90)), "in_tap": 1, "in_tap_row": pitch,
        "out_row": int(rng.integers(60, 160)),
        "out_pixel": int(rng.choice([1, 2, 2 * c.banks + 5])), "out_plane": int(rng.integers(20, 60)),
    }  # fmt: skip
    out_rows = int(rng.integers(1, rows + 1))
    layer: Values = {
        "op": op, "epilogue": int(rng.choice([Epilogue.PLAIN, Epilogue.ADD])), "swapped": swapped,
        "cut": int(point and rng.integers(2)), "tile": int(rng.choice([9, 9, 1])) if point else 9,
        "spread": stride, "out_spread": 1, "shared": 0, "groups": int(rng.integers(1, 5)),
        "chunks": int(rng.integers(1, 5)), "in_rows": rows, "in_columns": columns, "pace": int(rng.integers(1, 6)),
        "out_columns": out_columns, "tap_rows": 1, "tap_columns": 1, "stride_rows": stride, "stride_columns": stride,
        "kernel_rows": kernel, "kernel_columns": int(rng.integers(1, 4)), "lead": int(rng.integers(0, 3)),
        "weight_base": int(rng.integers(1000)), "parameter_base": int(rng.integers(1000)),
        "in_ring_lines": int(rng.integers(1, 30)), "out_ring_lines": int(rng.integers(1, 30)),
        "operand_lines": int(rng.integers(0, c.lines)),
    }  # fmt: skip
    layer["word_sets"] = 0 if point else layer["kernel_rows"] * layer["kernel_columns"]
    step: Values = {
        "rows": out_rows, "first_row": int(rng.integers(-2, 3)),
        "in_wrap": int(rng.choice([32767, int(rng.integers(0, 6))])),
        "out_wrap": int(rng.choice([65535, int(rng.integers(1, 6))])),
    }  # fmt: skip
    cut, tile = layer["cut"], layer["tile"]
    step["tiles"] = out_rows * -(-out_columns // tile) if cut else -(-out_rows * out_columns // tile)
    distances = {
        "in_plane": "in_plane", "in_tap": "in_tap", "in_tap_row": "in_tap_row", "in_pixel": "in_pixel",
        "in_row": "in_row", "in_pitch": "pitch", "out_plane": "out_plane",
        "out_pixel": "out_pixel", "out_row": "out_row",
    }  # fmt: skip
    for field, name in distances.items():
        layer[f"{field}_line"], layer[f"{field}_bank"] = place(c, geometry[name])
    layer["in_pitch_2_line"], layer["in_pitch_2_bank"] = place(c, 2 * pitch)
    for field in ("in", "out"):
        step[f"{field}_line"], step[f"{field}_bank"] = place(c, geometry[field])
    return layer, step, geometry


@pytest.mark.parametrize("name", ["tiny", "ecp5", "ecp5-288", "imx500"])
@pytest.mark.parametrize("op", [LayerOp.POINT, LayerOp.WINDOW])
def test_commands_follow_the_loops_of_the_page(name: str, op: LayerOp) -> None:
    c = configuration(name)
    rng = np.random.default_rng(7)
    steps = [random_step(c, rng, op) for _ in range(40 if c.banks < 40 else 4)]
    walk = Walk(c)
    got: list[Any] = []
    want = [
        read
        for layer, step, geometry in steps
        for read in (point_commands if op is LayerOp.POINT else window_commands)(c, layer, step, geometry)
    ]

    async def drive(ctx: Any) -> None:
        ctx.set(walk.i_go, 1)
        ctx.set(walk.i_group, 1)
        for layer, step, _ in steps:
            ctx.set(walk.i_next_layer.as_value(), LAYER.pack(layer))
            ctx.set(walk.i_next_step.as_value(), STEP.pack(step))
            ctx.set(walk.i_prepared, 1)
            await ctx.tick().until(walk.o_takes)
            ctx.set(walk.i_prepared, 0)
        await ctx.tick().repeat(6)
        while ctx.get(walk.o_walks) or ctx.get(walk.o_full):
            await ctx.tick()
        await ctx.tick().repeat(6)

    over = False

    async def drive_all(ctx: Any) -> None:
        nonlocal over
        await drive(ctx)
        over = True

    async def watch(ctx: Any) -> None:
        while not over:
            _, _, valid, payload = await ctx.tick().sample(walk.o.valid, walk.o.payload)
            if valid:
                got.append(payload)

    simulator = Simulator(walk)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive_all)
    simulator.add_testbench(watch)
    simulator.run()

    for n, (expected, payload) in enumerate(zip(want, got, strict=False)):
        where = f"{name} {op.name}, command {n}"
        for key, value in expected.flags.items():
            if key == "outs":
                found = [(payload.out_line[i], payload.out_bank[i]) for i in range(len(value))]
                assert found == value, where
                exists = [payload.pixels[i] for i in range(PIXELS)]
                assert exists == [int(i < len(value)) for i in range(PIXELS)], where
            else:
                assert payload[key] == value, f"{where}: {key}"
        for slot, (line, inside) in expected.slots.items():
            assert payload.inside[slot] == inside, f"{where}: slot {slot} inside"
            if inside:
                assert payload.line[slot] == line, f"{where}: slot {slot} line"
    assert len(got) == len(want)


@pytest.mark.parametrize("op", [LayerOp.POINT, LayerOp.WINDOW])
@pytest.mark.parametrize("epilogue", [Epilogue.TABLE, Epilogue.ADD])
def test_no_other_layer_begins_while_a_step_of_one_group_still_combines(op: LayerOp, epilogue: Epilogue) -> None:
    """Such a step is over before the datapath has counted its group, and the next has long been prepared."""
    c, through = configuration("tiny"), 20
    walk = Walk(c)
    layer, step, _ = random_step(c, np.random.default_rng(1), op)
    layer |= dict.fromkeys(("groups", "out_columns", "tile"), 1) | {"epilogue": epilogue}
    layer |= {"kernel_rows": 4, "kernel_columns": 4, "word_sets": 16 * (op is LayerOp.WINDOW)}
    step |= {"rows": 1, "tiles": 1}
    begun: list[int] = []
    combining: list[int] = []
    over = False

    async def drive(ctx: Any) -> None:
        nonlocal over
        ctx.set(walk.i_go, 1)
        ctx.set(walk.i_group, 1)
        for number in range(4):
            ctx.set(walk.i_next_layer.as_value(), LAYER.pack(layer))
            ctx.set(walk.i_next_step.as_value(), STEP.pack(step | {"layer": number}))
            await ctx.tick().repeat(7)
            ctx.set(walk.i_prepared, 1)
            await ctx.tick().until(walk.o_takes)
            ctx.set(walk.i_prepared, 0)
        over = True

    async def watch(ctx: Any) -> None:
        clock, until = 0, 0
        while not over:
            _, _, valid, last, takes = await ctx.tick().sample(walk.o.valid, walk.o.payload.last, walk.o_takes)
            clock += 1
            until = clock + through if valid and last else until
            ctx.set(walk.i_combining, clock < until)
            combining.append(until)
            if takes:
                begun.append(clock)

    simulator = Simulator(walk)
    simulator.add_clock(1e-6)
    simulator.add_testbench(watch)
    simulator.add_testbench(drive)
    simulator.run()
    assert len(begun) == 4
    ends = sorted(set(combining) - {0})
    for before, (end, clock) in enumerate(zip(ends, begun[1:], strict=False)):
        assert clock >= end, f"step {before + 1} began in clock {clock}, the one before combines until {end}"
    assert len(ends) == 3


@pytest.mark.parametrize(
    ("op", "chunks", "pace", "clocks"),
    [
        (LayerOp.POINT, 3, 3, 3 * 8), (LayerOp.POINT, 12, 3, 12 * 8), (LayerOp.POINT, 1, 5, 5 * 8),
        (LayerOp.WINDOW, 1, 1, 12 * 6 * 2), (LayerOp.WINDOW, 1, 4, 4 * 12 * 6 * 2),
    ],
)  # fmt: skip
def test_nothing_but_its_pace_holds_back_a_command(op: LayerOp, chunks: int, pace: int, clocks: int) -> None:
    """Steps that are there in time follow each other without a free clock, and so do tiles of three clocks."""
    c, steps = configuration("tiny"), 3
    walk = Walk(c)
    layer, step, _ = random_step(c, np.random.default_rng(5), op)
    layer |= dict.fromkeys(("kernel_rows", "kernel_columns"), 1) | {"cut": 0, "tile": 9, "epilogue": Epilogue.PLAIN}
    layer |= {"groups": 1 if op is LayerOp.POINT else 2, "chunks": chunks, "pace": pace, "out_columns": 12}
    layer |= {"word_sets": int(op is LayerOp.WINDOW)}
    step |= {"rows": 6, "tiles": 8}
    lasts: list[tuple[int, int]] = []
    over = False

    async def drive(ctx: Any) -> None:
        nonlocal over
        ctx.set(walk.i_go, 1)
        ctx.set(walk.i_group, 1)
        ctx.set(walk.i_next_layer.as_value(), LAYER.pack(layer))
        ctx.set(walk.i_next_step.as_value(), STEP.pack(step))
        for _ in range(steps):
            ctx.set(walk.i_prepared, 1)
            await ctx.tick().until(walk.o_takes)
            ctx.set(walk.i_prepared, 0)
            await ctx.tick().repeat(6)
        while ctx.get(walk.o_walks) or ctx.get(walk.o_full):
            await ctx.tick()
        await ctx.tick().repeat(6)
        over = True

    async def watch(ctx: Any) -> None:
        clock = 0
        while not over:
            _, _, valid, last, ends = await ctx.tick().sample(walk.o.valid, walk.o.payload.last, walk.o.payload.ends)
            clock += 1
            if valid and last:
                assert not lasts or clock - lasts[-1][0] >= pace
                lasts.append((clock, ends))

    simulator = Simulator(walk)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(watch)
    simulator.run()
    ends = [clock for clock, ends in lasts if ends]
    assert len(ends) == steps
    begun = lasts[0][0] - chunks
    assert ends[0] - begun == clocks - (pace - chunks if pace > chunks else 0)
    cut = 4 if chunks == 3 else 0  # a step's first tile comes seven clocks behind the last of the step before
    assert [after - before for before, after in pairwise(ends)] == [clocks + cut] * (steps - 1)


def test_a_group_of_windows_waits_for_its_weights_and_for_no_others() -> None:
    c = configuration("tiny")
    walk = Walk(c)
    layer, step, _ = random_step(c, np.random.default_rng(6), LayerOp.WINDOW)
    layer |= {"kernel_rows": 1, "kernel_columns": 2, "word_sets": 2, "groups": 5, "out_columns": 3, "pace": 1}
    layer |= {"epilogue": Epilogue.PLAIN}
    come = [40, 70, 71, 72, 130]
    begun: list[int] = []

    async def drive(ctx: Any) -> None:
        ctx.set(walk.i_go, 1)
        ctx.set(walk.i_next_layer.as_value(), LAYER.pack(layer))
        ctx.set(walk.i_next_step.as_value(), STEP.pack(step | {"rows": 1}))
        ctx.set(walk.i_prepared, 1)
        for clock in range(160):
            ctx.set(walk.i_group, clock in come)
            _, _, takes, valid, fetch = await ctx.tick().sample(walk.o_takes, walk.o.valid, walk.o.payload.fetch)
            if takes:
                ctx.set(walk.i_prepared, 0)
            if valid and fetch:
                begun.append(clock)

    simulator = Simulator(walk)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    late = 1 + Walk.LATENCY - 1  # a clock until it is known, and the stages
    places = 3  # of two clocks
    assert begun == [40 + late, 70 + late, 70 + late + 2 * places, 70 + late + 4 * places, 130 + late]
