# amaranth: UnusedElaboratable=no
"""Both products of a pair are exact for all operands, in every form in which the pair is built."""

import itertools
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Fragment, Shape, signed, unsigned
from amaranth.sim import Simulator

import ocellus_hdl.cnn.multiplier
from ocellus_hdl.cnn.multiplier import Multiplier
from ocellus_hdl.cnn.pair import PairMultiplier
from ocellus_sim.cosim import builds, toolchain
from scripts.ecp5 import Chip
from tb.cnn.cells import Mult18x18d

HARDWARE = object()
"""A platform that is none with a cell of its own: the arithmetic of the hardware around plain multipliers."""
CORNERS = (-128, -127, -65, -64, -63, -33, -32, -31, -2, -1, 0, 1, 2, 31, 32, 63, 64, 65, 126, 127)


def driven(
    part: Any,
    names: tuple[str, ...],
    operands: Iterable[tuple[int, ...]],
    results: tuple[str, ...],
    platform: object,
    later: int = 0,
) -> list[tuple[int, ...]]:
    """What leaves exactly LATENCY clocks, and ``later``, after each set of operands, put in without a gap."""
    operands = list(operands)
    latency = part.LATENCY + later
    got: list[tuple[int, ...]] = []

    async def drive(ctx: Any) -> None:
        for k in range(len(operands) + latency):
            for name, value in zip(names, operands[min(k, len(operands) - 1)], strict=True):
                ctx.set(getattr(part, name), value)
            if k >= latency:
                got.append(tuple(ctx.get(getattr(part, name)) for name in results))
            await ctx.tick()

    simulator = Simulator(Fragment.get(part, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return got


def check_pair(packed: bool, platform: object) -> None:
    rng = random.Random(1)
    operands = list(itertools.product(CORNERS, CORNERS, (-128, -127, -1, 0, 1, 127)))
    operands += [tuple(rng.randrange(-128, 128) for _ in range(3)) for _ in range(1000)]
    got = driven(PairMultiplier(packed), ("i_0", "i_1", "i_v"), operands, ("o_0", "o_1"), platform)
    for (u0, u1, v), products in zip(operands, got, strict=True):
        assert products == (v * u0, v * u1), f"factors {u0} and {u1}, times {v}: expected {v * u0, v * u1}"


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instances of the cell become its description."""
    monkeypatch.setattr(ocellus_hdl.cnn.multiplier, "Instance", Mult18x18d)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("platform", [None, HARDWARE])
def test_both_products_are_exact_after_the_latency(packed: bool, platform: object):
    check_pair(packed, platform)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.usefixtures("cells")
def test_both_products_are_exact_with_the_chip_s_own_cell(packed: bool):
    check_pair(packed, Chip())


def test_one_multiplier_is_all_that_a_packed_pair_takes(monkeypatch: pytest.MonkeyPatch):
    taken: list[str] = []

    def count(kind: str, *arguments: Any) -> Mult18x18d:
        taken.append(kind)
        return Mult18x18d(kind, *arguments)

    monkeypatch.setattr(ocellus_hdl.cnn.multiplier, "Instance", count)
    Fragment.get(PairMultiplier(), Chip()).prepare()
    assert taken == ["MULT18X18D"]


def test_all_operands_of_a_packed_pair_in_verilator(tmp_path: Path):
    text = verilog.convert(PairMultiplier(), name="top", platform=HARDWARE, emit_src=False)
    (tmp_path / "top.v").write_text(text.replace("always @*", "always_comb"))
    env, log = toolchain.environment(), tmp_path / "build.log"
    flags = [flag for flag in builds.VERILATOR_FLAGS if flag != "--vpi"]
    source = str(Path(__file__).with_name("every_pair.cpp"))
    toolchain.run(["verilator", *flags, "-CFLAGS", builds.CPP_FLAGS, "top.v", source], tmp_path, env, log)
    make = ["make", "-f", "Vtop.mk", f"PYTHON3={sys.executable}", *builds.MAKE_VARIABLES]
    toolchain.run(make, tmp_path, env, log)
    run = subprocess.run(
        [tmp_path / "simulator", str(PairMultiplier.LATENCY)], capture_output=True, text=True, timeout=120
    )
    assert (run.returncode, run.stdout.strip()) == (0, str(1 << 24)), run.stdout + run.stderr


@pytest.mark.parametrize("platform", [None, Chip()])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    "shapes",
    [
        (signed(18), signed(18)),
        (unsigned(18), unsigned(18)),
        (signed(14), unsigned(18)),
        (unsigned(13), signed(14)),
        (signed(8), signed(8)),
    ],
    ids=str,
)
@pytest.mark.usefixtures("cells")
def test_a_multiplier_is_exact_whatever_its_operands_signs(shapes: tuple[Shape, Shape], late: bool, platform: object):
    rng = random.Random(2)
    limits = [
        (-(1 << (s.width - 1)), (1 << (s.width - 1)) - 1) if s.signed else (0, (1 << s.width) - 1) for s in shapes
    ]
    corners = [(low, low + 1, 0, 1, high - 1, high) for low, high in limits]
    operands = [*itertools.product(*corners), *(tuple(rng.randint(*limit) for limit in limits) for _ in range(300))]
    got = driven(Multiplier(*shapes, late), ("i_a", "i_b"), operands, ("o",), platform, late)
    for (a, b), (product,) in zip(operands, got, strict=True):
        assert product % (1 << 36) == a * b % (1 << 36), f"{a} times {b}"


def test_an_operand_that_is_too_wide_is_refused():
    with pytest.raises(ValueError, match=r"^multiplier: operand b has 19 bits; at most 18 are allowed$"):
        Multiplier(signed(18), unsigned(19))
