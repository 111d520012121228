"""What is built of an ECP5's cells computes what the plain logic does."""

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Elaboratable, Fragment, Module, Signal, Value
from amaranth.sim import Simulator

import ocellus_hdl.cnn.cells
from ocellus_hdl.cnn.cells import choice_of_four, kept_plus
from scripts.ecp5 import Chip


class Cell(Elaboratable):
    """LUT4, PFUMX and CCU2C after Yosys's ``cells_sim_ecp5.v`` and ``ccu2c_sim.vh``; takes what ``Instance`` takes."""

    def __init__(self, kind: str, *arguments: tuple[str, str, Any]):
        self.kind = kind
        self.at = {name: value for _, name, value in arguments}
        assert len(self.at) == len(arguments)

    def _gate(self, init: Any, inputs: list[Any]) -> Value:
        result: Value = init[0]
        for n in range(1 << len(inputs)):
            here = Value.cast(1)
            for k, pin in enumerate(inputs):
                here = here & (pin if n >> k & 1 else ~pin)
            result = init[n] & here if n == 0 else result | (init[n] & here)
        return result

    def elaborate(self, platform: object) -> Module:
        m = Module()
        at = self.at
        if self.kind == "LUT4":
            m.d.comb += at["Z"].eq(self._gate(at["INIT"], [at[pin] for pin in "ABCD"])[0])
        elif self.kind == "PFUMX":
            m.d.comb += at["Z"].eq((at["C0"] & at["ALUT"]) | (~at["C0"] & at["BLUT"]))
        else:
            assert self.kind == "CCU2C"
            carry = at["CIN"]
            for k in "01":
                assert at[f"INJECT1_{k}"] == "NO"
                pins = [at[f"{pin}{k}"] for pin in "ABCD"]
                propagates, generates = Signal(), Signal()
                m.d.comb += propagates.eq(self._gate(at[f"INIT{k}"], pins)[0])
                m.d.comb += generates.eq(self._gate(at[f"INIT{k}"], pins[:2])[0])
                m.d.comb += at[f"S{k}"].eq(propagates ^ carry)
                carry = (~propagates & generates) | (propagates & carry)
            m.d.comb += at["COUT"].eq(carry)
        return m


def results(build: Callable[[Module], Value], inputs: list[Signal], values: list[tuple[int, ...]]) -> list[int]:
    m = Module()
    built = build(m)
    o = Signal(built.shape())
    m.d.comb += o.eq(built)
    got = []

    async def drive(ctx: Any) -> None:
        for row in values:
            for signal, value in zip(inputs, row, strict=True):
                ctx.set(signal, value)
            await ctx.delay(1e-9)
            got.append(ctx.get(o))

    simulator = Simulator(Fragment.get(m, None))
    simulator.add_testbench(drive)
    simulator.run()
    return got


@pytest.mark.parametrize("platform", [None, Chip()], ids=["plain", "cells"])
def test_a_choice_of_four_takes_the_item(platform: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ocellus_hdl.cnn.cells, "Instance", Cell)
    items, choice = [Signal(2, name=f"item_{n}") for n in range(4)], Signal(2)
    values = list(itertools.product(range(4), repeat=5))
    got = results(lambda m: choice_of_four(m, platform, items, choice, "o"), [*items, choice], values)
    assert got == [row[row[4]] for row in values]


@pytest.mark.parametrize("platform", [None, Chip()], ids=["plain", "cells"])
def test_a_kept_sum_is_exact_and_a_new_one_forgets(platform: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ocellus_hdl.cnn.cells, "Instance", Cell)
    rng = random.Random(1)
    total, keeps, addend = Signal(32), Signal(), Signal(20)
    values = [
        (
            rng.choice((0, 0xFFFFFFFF, rng.getrandbits(32))),
            rng.randrange(2),
            rng.choice((0, 0xFFFFF, rng.getrandbits(20))),
        )
        for _ in range(300)
    ]
    got = results(
        lambda m: kept_plus(m, platform, total, keeps, addend.as_signed(), "o"), [total, keeps, addend], values
    )
    want = [(t * k + (a ^ 1 << 19) - (1 << 19)) % (1 << 32) for t, k, a in values]
    assert got == want
