"""From pin to pin, with a wire in the PLL's place: reset, serial line, lights."""

from typing import Any

import pytest
from amaranth.hdl import Fragment, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ocellus_hdl.boards import top
from ocellus_hdl.boards.found import board

from .echo import Echo


class Wire(wiring.Component):
    """The crystal's clock as it is, and a lock that the test has in hand."""

    i: In(1)
    o: Out(1)
    o_lock: Out(1)

    def __init__(self, dividers: object):
        super().__init__()
        self.lock = Signal()

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += [self.o.eq(self.i), self.o_lock.eq(platform.lock)]
        return m


class Pins:
    """The platform: ports for the simulation, each asked for once."""

    def __init__(self):
        self.lock = Signal()
        self.ports: dict[str, Any] = {}

    def request(self, name: str, number: int = 0, *, dir: str) -> Any:
        assert dir == "-"
        assert f"{name}{number}" not in self.ports, "asked for twice"
        if name == "uart":
            parts = {"rx": "i", "tx": "o"}
        elif name == "rgb_led":
            parts = {"r": "o", "g": "o", "b": "o"}
        else:
            self.ports[f"{name}{number}"] = port = io.SimulationPort("o" if name == "led" else "i", 1)
            return port
        made = {part: io.SimulationPort(way, 1) for part, way in parts.items()}
        self.ports |= {f"{name}{number}{part}": port for part, port in made.items()} | {f"{name}{number}": None}
        return type("Group", (), made)


@pytest.mark.parametrize("name", ["ulx3s-85f", "orangecrab-85f", "ecpix5-85f"])
def test_reset_comes_with_the_next_clock_and_goes_some_clocks_later(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(top, "Pll", Wire)
    monkeypatch.setattr(top, "Camera", Echo)
    one, pins = board(name), Pins()
    fragment = Fragment.get(top.Top(one), pins)
    ports = pins.ports
    crystal, button = ports[f"{one.crystal}0"].i, ports[f"{one.button.resource}0"].i
    rx, tx = ports["uart0rx"].i, ports["uart0tx"].o
    lights = {light: ports[f"{pin.resource}{pin.number}{pin.part}"].o for light, pin in one.lights.items()}

    async def play(ctx: Any) -> None:
        async def tick() -> None:
            for level in (1, 0):
                ctx.set(crystal, level)
                await ctx.delay(5e-9)

        def count() -> int:
            return ctx.get(lights["frame"]) + 2 * ctx.get(lights["object"]) + 4 * ctx.get(lights["error"])

        async def counts_again() -> None:
            seen = []
            for _ in range(6):
                await tick()
                seen.append(count())
            begins = seen.index(1)
            assert 1 <= begins <= 3, "it goes with a clock, not at once"
            assert seen == [0] * begins + [*range(1, 7 - begins)]

        for _ in range(4):
            await tick()
            assert count() == 0
        ctx.set(pins.lock, 1)
        await ctx.delay(1e-9)
        if "lock" in lights:
            assert ctx.get(lights["lock"]) == 1
        await counts_again()
        for level in (1, 0, 1):
            ctx.set(rx, level)
            await tick()
            assert ctx.get(tx) == level
        for signal, held in ((button, 1), (pins.lock, 0)):
            ctx.set(signal, held)
            for _ in range(2):
                await tick()
                assert count() == 0, "from the first clock on"
            ctx.set(signal, 1 - held)
            await ctx.delay(1e-9)
            await counts_again()

    simulator = Simulator(fragment)
    simulator.add_testbench(play)
    simulator.run()
