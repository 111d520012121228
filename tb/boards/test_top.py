"""From pin to pin, with a wire in the PLL's place: the clock that waits, serial line, lights."""

from typing import Any

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Fragment, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from ocellus_hdl.boards import gate, top
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


class Dcca(Elaboratable):
    """The cell that holds a clock: what enables it is looked at while the clock is low."""

    def __init__(self, cell: str, **pins: Signal):
        assert cell == "DCCA"
        self._clock, self._enable, self._out = pins["i_CLKI"], pins["i_CE"], pins["o_CLKO"]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.domains.low = ClockDomain(reset_less=True, local=True, clk_edge="neg")
        passes = Signal()
        m.d.low += passes.eq(self._enable)
        m.d.comb += [ClockSignal("low").eq(self._clock), self._out.eq(self._clock & passes)]
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


AFTER = 3
"""Clocks from what enables the clock to what is enabled."""


@pytest.mark.parametrize("name", ["ulx3s-85f", "orangecrab-85f", "ecpix5-85f"])
def test_the_clock_waits_for_the_lock_and_stands_while_the_button_is_held(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(top, "Pll", Wire)
    monkeypatch.setattr(top, "Camera", Echo)
    monkeypatch.setattr(gate, "Instance", Dcca)
    one, pins = board(name), Pins()
    fragment = Fragment.get(top.Top(one), pins)
    ports = pins.ports
    crystal, button = ports[f"{one.crystal}0"].i, ports[f"{one.button.resource}0"].i
    rx, tx = ports["uart0rx"].i, ports["uart0tx"].o
    lights = {light: ports[f"{pin.resource}{pin.number}{pin.part}"].o for light, pin in one.lights.items()}

    async def play(ctx: Any) -> None:
        async def tick() -> int:
            """A clock, and what has been counted modulo 8 then."""
            for level in (1, 0):
                ctx.set(crystal, level)
                await ctx.delay(5e-9)
            return ctx.get(lights["frame"]) + 2 * ctx.get(lights["object"]) + 4 * ctx.get(lights["error"])

        async def ticks(count: int) -> list[int]:
            return [await tick() for _ in range(count)]

        assert await ticks(4) == [0, 0, 0, 0]
        ctx.set(pins.lock, 1)
        await ctx.delay(1e-9)
        if "lock" in lights:
            assert ctx.get(lights["lock"]) == 1
        assert await ticks(AFTER + 3) == [0] * (AFTER - 1) + [1, 2, 3, 4]
        for level in (1, 0, 1):
            ctx.set(rx, level)
            await tick()
            assert ctx.get(tx) == level
        for signal, held in ((button, 1), (pins.lock, 0)):
            counted = await tick()
            ctx.set(signal, held)
            assert await ticks(8) == [(counted + min(n, AFTER - 1)) % 8 for n in range(1, 9)]
            ctx.set(signal, 1 - held)
            stood = counted + AFTER - 1
            assert await ticks(8) == [(stood + max(0, n - AFTER + 1)) % 8 for n in range(1, 9)], (
                "as if nothing had been"
            )

    simulator = Simulator(fragment)
    simulator.add_testbench(play)
    simulator.run()
