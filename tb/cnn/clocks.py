"""Runs a part in Amaranth's simulator and keeps what its ports show, clock by clock."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.sim import Simulator


def clocks(
    part: wiring.Component, drive: Callable[[Any], Any], samples: Sequence[Any], platform: object = None
) -> list[tuple[Any, ...]]:
    """The ``samples`` in every clock until ``drive`` has ended; entry n is what stood before the n-th edge.

    The part is elaborated for ``platform``: hardware where that is not None.
    """
    seen: list[tuple[Any, ...]] = []
    over = False

    async def play(ctx: Any) -> None:
        nonlocal over
        await drive(ctx)
        over = True

    async def watch(ctx: Any) -> None:
        while not over:
            _, _, *values = await ctx.tick().sample(*samples)
            seen.append(tuple(values))

    simulator = Simulator(Fragment.get(part, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.add_testbench(watch)
    simulator.run()
    return seen
