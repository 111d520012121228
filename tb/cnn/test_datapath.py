"""The datapath does what commands say, at full speed, and when it says it does."""

import random
from typing import Any

import pytest
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.program_formats import Epilogue, LayerOp
from ocellus_hdl.cnn.datapath import Datapath
from ocellus_hdl.cnn.words import Section
from tb.cnn.commands import LINES, READ_LINES, Beat, Meaning, Work, work
from tb.cnn.weight_loads import weight_loads

TIMEOUT = 20_000
"""Clocks."""


class Driver:
    """Plays a :class:`Work` and keeps what comes out."""

    def __init__(self, w: Work, single: bool, rng: random.Random):
        self.w, self.single, self.rng = w, single, rng
        self.part = Datapath(w.c)
        self.clock = 0
        self.beats: list[Beat] = []
        self.first_passes: list[Beat] = []
        self.lasts: list[tuple[int, LayerOp, Epilogue, bool, bool]] = []
        self.dones: list[int] = []
        self.sets = 0
        self.looked: list[list[int]] = []
        self.loaded = self.over = False
        # Words of the input that arrive while the commands run, in lines of their own.
        self.input = [
            (b, n, [rng.randrange(-128, 128) for _ in range(w.c.word)])
            for b in range(w.c.banks)
            for n in (LINES, LINES + 1)
        ]

    def run(self, platform: object) -> None:
        simulator = Simulator(Fragment.get(self.part, platform))
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._watch)
        simulator.add_testbench(self._requests)
        simulator.add_testbench(self._arrivals)
        simulator.add_testbench(self._drive)
        simulator.run()

    async def _watch(self, ctx: Any) -> None:
        c, tap = self.w.c, self.part.o_tap
        ports = (tap.valid, tap.payload, self.part.o_done, self.part.o_group)
        look = self.part.o_look
        while not self.over:
            _, _, valid, shown, done, came, seen, word = await ctx.tick().sample(*ports, look.valid, look.payload)
            assert self.clock < TIMEOUT
            if valid:
                point = shown.op == LayerOp.POINT
                each = c.outputs if point else c.word
                pixels = [j for j in range(len(shown.pixels)) if shown.pixels[j]]
                if not point:
                    pixels = [j for j in pixels if j < c.windows]
                beat = Beat(
                    shown.layer, bool(shown.epilogue), bool(shown.second), shown.sub if point else 0,
                    {j: (shown.bank[j], shown.line[j]) for j in pixels},
                    {j * each + n: shown.value[j * each + n] for j in pixels for n in range(each)},
                )  # fmt: skip
                (self.first_passes if beat.epilogue and not beat.second else self.beats).append(beat)
            if done:
                self.dones.append(self.clock)
            if seen:
                self.looked.append([word[n] for n in range(c.word)])
            self.sets += came
            self.clock += 1

    async def _requests(self, ctx: Any) -> None:
        request = self.part.i_windows
        while not self.loaded:
            await ctx.tick()
        for address, sets in self.w.requests:
            ctx.set(request.payload, {"address": address, "sets": sets, "word_sets": 1})
            ctx.set(request.valid, 1)
            while not (await ctx.tick().sample(request.ready))[2]:
                pass
            ctx.set(request.valid, 0)

    async def _arrivals(self, ctx: Any) -> None:
        port = self.part.i_input
        memory = [(*place, word) for place, word in sorted(self.w.memory.items()) if place[1] < READ_LINES]
        for b, n, word in memory + self.input:
            if n >= LINES:
                await ctx.tick().repeat(self.rng.randrange(1, 4))
            ctx.set(port.payload, {"bank": b, "line": n, "data": word})
            ctx.set(port.valid, 1)
            while not (await ctx.tick().sample(port.ready))[2]:
                pass
            ctx.set(port.valid, 0)

    async def _load(self, ctx: Any) -> None:
        c, port = self.w.c, self.part.i_load
        words = []
        loads = weight_loads(c, dict(enumerate(self.w.weights)))
        words += [(Section.WEIGHTS, *load) for load in loads]
        for n, entry in enumerate(self.w.parameters):
            for member, value in enumerate(entry):
                address, lane = divmod(n, c.parameter_lanes)
                words.append((Section.PARAMETERS, address, 3 * lane + member, value & 0xFFFFFFFF))
        flat = [byte & 255 for table in self.w.tables for byte in table]
        for address in range(len(flat) // 4):
            value = int.from_bytes(bytes(flat[4 * address : 4 * address + 4]), "little")
            words.append((Section.TABLES, address, 0, value))
        ctx.set(port.valid, 1)
        for section, address, part, value in words:
            ctx.set(port.payload, {"section": section, "address": address, "part": part, "data": value})
            await ctx.tick()
        ctx.set(port.valid, 0)

    async def _drive(self, ctx: Any) -> None:
        c, part = self.w.c, self.part
        ctx.set(part.i_arithmetic, self.single)
        await self._load(ctx)
        self.loaded = True
        await ctx.tick().repeat(c.banks * READ_LINES)
        ready_at = fetch_at = 0
        used_sets = 0
        before = Epilogue.PLAIN
        for group in self.w.groups:
            if group.fresh and before is not Epilogue.PLAIN:
                await ctx.tick()
                while ctx.get(part.o_combining):
                    await ctx.tick()
            if group.epilogue is not Epilogue.PLAIN:
                ctx.set(part.i_second, group.second)
            alone = group.fresh
            before = group.epilogue
            if group.sets:
                used_sets += group.sets
                while self.sets < used_sets:
                    await ctx.tick()
            point = group.op is LayerOp.POINT
            for command in group.commands:
                held = max(ready_at if command.get("last") else 0, fetch_at if command.get("fetch") else 0)
                while self.clock < held:
                    await ctx.tick()
                ctx.set(part.i.payload, command)
                ctx.set(part.i.valid, 1)
                if command.get("last"):
                    elements = c.beats * c.beat_pixels * c.outputs if point else c.lanes + c.combiners
                    ready_at = self.clock + (c.beats if point else 1)
                    if group.epilogue is not Epilogue.PLAIN:
                        ready_at = max(ready_at, self.clock + elements // c.combiners)
                    self.lasts.append((self.clock, group.op, group.epilogue, alone, command["ends"]))
                if command.get("fetch"):
                    long = -(-c.word // c.parameter_lanes)
                    fetch_at = self.clock + long
                await ctx.tick()
                ctx.set(part.i.valid, 0)
            if self.rng.random() < 0.1:
                await ctx.tick().repeat(self.rng.randrange(1, 20))
        await ctx.tick().repeat(4 + max(Datapath.latency(c, op, epilogue) for op in LayerOp for epilogue in Epilogue))
        ctx.set(part.i_look.valid, 1)
        for b, n in sorted(self.w.memory):
            ctx.set(part.i_look.payload, {"base": b, "line": n})
            await ctx.tick()
        for b, n, _ in self.input:
            ctx.set(part.i_look.payload, {"base": b, "line": n})
            await ctx.tick()
        ctx.set(part.i_look.valid, 0)
        await ctx.tick().repeat(20)
        self.over = True


def check(c: Configuration, seed: int, runs: int, single: bool, platform: object = None) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    w = work(c, rng, runs)
    meaning = Meaning(w, single)
    driver = Driver(w, single, rng)
    driver.run(platform)
    for name in ("first_passes", "beats"):
        for n, (got, want) in enumerate(zip(getattr(driver, name), getattr(meaning, name), strict=False)):
            assert got == want, f"{name}[{n}] of layer {want.layer}"
        assert len(getattr(driver, name)) == len(getattr(meaning, name)), name
    for n, (place, want) in enumerate(sorted(w.memory.items())):
        assert driver.looked[n] == want, place
    assert driver.looked[len(w.memory) :] == [word for *_, word in driver.input]
    ends = [last for last in driver.lasts if last[-1]]
    assert len(ends) == len(driver.dones)
    for (clock, op, epilogue, alone, _), done in zip(ends, driver.dones, strict=True):
        if epilogue is Epilogue.PLAIN or alone:
            # The next group's beat may hold back an element of windows.
            late = {0, 1} if epilogue is not Epilogue.PLAIN and op is not LayerOp.POINT else {0}
            assert done - clock - Datapath.latency(c, op, epilogue) in late, (op, epilogue)


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_random_commands_mean_what_the_page_says(single: bool):
    check(CONFIGURATIONS["tiny"], seed=1, runs=40, single=single)


def test_the_small_chip_computes_the_same():
    check(CONFIGURATIONS["ecp5"], seed=2, runs=6, single=False)


def test_hardware_whose_registers_run_freely_computes_the_same():
    check(CONFIGURATIONS["tiny"], seed=3, runs=30, single=False, platform=object())
