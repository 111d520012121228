"""The walk's commands against the loops on the page, and what holds them back."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from ocellus.configurations import PIXELS, configuration
from ocellus.program_formats import LAYER, STEP, Epilogue, LayerOp
from ocellus_hdl.cnn.walk import Walk
from tb.cnn.plain_walk import point_commands, random_step, window_commands


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
                exists = [i for i in range(PIXELS) if payload.pixels[i]]
                assert {i: (payload.out_line[i], payload.out_bank[i]) for i in exists} == value, where
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
    layer |= dict.fromkeys(("kernel_rows", "kernel_columns"), 1) | {"cut": 0, "epilogue": Epilogue.PLAIN}
    layer["tile"] = PIXELS if op is LayerOp.POINT else 1
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
