"""A component in Amaranth's own simulator, for tests of a single part."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from amaranth.lib import wiring
from amaranth.sim import Simulator

TAIL = 40
"""Clocks after the last beat: longer than any part's latency."""


def simulated(
    part: wiring.Component, testbench: Callable[[Any], Any], samples: Sequence[Any], on_clock: Callable[..., None]
) -> None:
    """Run the testbench, and show ``on_clock`` the ``samples`` of every clock until it has ended."""
    over = False

    async def drive(ctx: Any) -> None:
        nonlocal over
        await testbench(ctx)
        over = True

    async def watch(ctx: Any) -> None:
        while not over:
            _, _, *values = await ctx.tick().sample(*samples)
            on_clock(*values)

    simulator = Simulator(part)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.add_testbench(watch)
    simulator.run()


def through(
    part: Any,
    beats: Iterable[Callable[[Any], Any]],
    spacing: Callable[[int], int] = lambda _: 1,
    port: str = "i",
) -> list[Any]:
    """Everything that leaves ``part.o`` for the beats put into ``port``; both are flows.

    Parameters
    ----------
    beats
        Each sets the inputs of one beat, given the simulator's context; ``valid`` is set here.
    spacing
        Clocks from beat n to the next.
    """
    got: list[Any] = []
    entry = getattr(part, port)

    async def drive(ctx: Any) -> None:
        for n, beat in enumerate(beats):
            beat(ctx)
            ctx.set(entry.valid, 1)
            await ctx.tick()
            ctx.set(entry.valid, 0)
            for _ in range(spacing(n) - 1):
                await ctx.tick()
        await ctx.tick().repeat(TAIL)

    def keep(valid: int, payload: Any) -> None:
        if valid:
            got.append(payload)

    simulated(part, drive, (part.o.valid, part.o.payload), keep)
    return got
