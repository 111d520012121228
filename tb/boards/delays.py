"""A routed netlist as nextpnr writes its delays, so small that every path is worked by hand."""

from collections.abc import Sequence


def triple(ps: int) -> str:
    """The least and the typical are less."""
    return f"({ps - 20}:{ps - 10}:{ps})"


def wire(start: str, end: str, ps: int) -> str:
    return f"        (INTERCONNECT {start} {end} {triple(ps)} {triple(ps)})"


def cell(
    kind: str, name: str, ways: Sequence[tuple[str, str, int]], setups: Sequence[tuple[str, str, int]] = ()
) -> str:
    """A cell's delays from pin to pin, and what its inputs need before the clock."""
    text = f'  (CELL\n    (CELLTYPE "{kind}")\n    (INSTANCE {name})\n    (DELAY\n      (ABSOLUTE\n'
    text += "".join(f"        (IOPATH {start} {end} {triple(ps)} {triple(ps)})\n" for start, end, ps in ways)
    text += "      )\n    )\n    (TIMINGCHECK\n"
    for pin, clock, ps in setups:
        for edge in ("posedge", "negedge"):
            text += f"      (SETUPHOLD ({edge} {pin}) (posedge {clock}) {triple(ps)} (0:900:900))\n"
    return text + "    )\n    )"


def flip_flop(name: str) -> str:
    """Half a nanosecond from the clock, none to it but for the enable."""
    return cell("TRELLIS_FF", name, [("CLK", "Q", 500)], [("DI", "CLK", 0), ("M", "CLK", 0), ("CE", "CLK", 70)])


def lut(name: str) -> str:
    return cell("TRELLIS_COMB", name, [(pin, "F", 240) for pin in "ABCD"])


ROOT = r"\$gbuf\$camera.clk/CLKO"
FREE = "pll.cell/CLKOP"
CLOCKS = {
    "$glbnet$camera.clk": "camera.total_TRELLIS_FF_Q_1",
    "gate.free_clk": "gate.stage0_TRELLIS_FF_Q",
}
"""Net -> a register that it clocks."""

_WIRES = [
    # The clocks: through the PLL, and a root.
    ("crystal.buf.buf0/O", "pll.cell/CLKI", 4000),
    (FREE, r"\$gbuf\$camera.clk/CLKI", 900),
    *((ROOT, f"{pin}", 0) for pin in (
        "camera.total_TRELLIS_FF_Q_1/CLK", "camera.total_TRELLIS_FF_Q/CLK", "camera.far_TRELLIS_FF_Q/CLK",
        "camera.store.0.0/CLKA", "camera.store.0.0/CLKB", "camera.product_MULT18X18D_P0/CLK0",
        r"camera.few.0.1\$DPRAM_COMB0/WCK",
    )),
    (FREE, "gate.stage0_TRELLIS_FF_Q/CLK", 0),
    (FREE, "gate.stage1_TRELLIS_FF_Q/CLK", 0),
    # 500 + 1000 + 240 + 2000 + 240 + 100 + 0 = 4080 into `total`; its other bit is 300 faster.
    ("camera.far_TRELLIS_FF_Q/Q", "camera.total_LUT4_A/B", 1000),
    ("camera.total_LUT4_A/F", "camera.total_TRELLIS_FF_Q_DI_LUT4_Z/D", 2000),
    ("camera.total_LUT4_A/F", "camera.total_TRELLIS_FF_Q_1_DI_LUT4_Z/C", 1700),
    ("camera.total_TRELLIS_FF_Q_DI_LUT4_Z/F", "camera.total_TRELLIS_FF_Q/DI", 100),
    ("camera.total_TRELLIS_FF_Q_1_DI_LUT4_Z/F", "camera.total_TRELLIS_FF_Q_1/DI", 100),
    # 5800 + 3000 + 200 = 9000 into the block RAM's address, from itself; nothing leads to its byte enable.
    ("camera.store.0.0/DOB3", "camera.store.0.0/ADA5", 3000),
    # 2800 + 1500 + 70 = 4370 into `far`, by its enable.
    ("camera.product_MULT18X18D_P0/P0", "camera.far_TRELLIS_FF_Q/CE", 1500),
    # 500 + 600 + 0 + 0 + 400 = 1500 into gates that are a memory, by way of what leads its write data.
    ("camera.total_TRELLIS_FF_Q/Q", r"camera.few.0.1\$RAMW_SLICE/A1", 600),
    (r"camera.few.0.1\$RAMW_SLICE/WDO1", r"camera.few.0.1\$DPRAM_COMB0/WD", 0),
    # What begins at no register, or at one of the other clock, is no path of this one.
    (r"\$PACKER_VCC/F", "camera.total_LUT4_A/A", 90_000),
    ("rx.buf.buf0/O", "camera.total_TRELLIS_FF_Q/M", 90_000),
    ("pll.cell/LOCK", "gate.stage0_TRELLIS_FF_Q/M", 90_000),
    ("gate.stage1_TRELLIS_FF_Q/Q", "camera.far_TRELLIS_FF_Q/DI", 90_000),
    ("camera.far_TRELLIS_FF_Q/Q", "led.buf.buf0/I", 90_000),
    # 500 + 300 = 800 of the other clock.
    ("gate.stage0_TRELLIS_FF_Q/Q", "gate.stage1_TRELLIS_FF_Q/M", 300),
    # Two gates in a circle.
    ("loop_a/F", "loop_b/A", 1),
    ("loop_b/F", "loop_a/A", 1),
]  # fmt: skip

_CELLS = [
    cell("TRELLIS_IO", "crystal.buf.buf0", []),
    cell("EHXPLLL", "pll.cell", []),
    cell("DCCA", r"\$gbuf\$camera.clk", [("CLKI", "CLKO", 0)]),
    cell("TRELLIS_COMB", r"\$PACKER_VCC", []),
    *(flip_flop(f"camera.{name}_TRELLIS_FF_Q") for name in ("total", "far")),
    flip_flop("camera.total_TRELLIS_FF_Q_1"),
    flip_flop("gate.stage0_TRELLIS_FF_Q"),
    flip_flop("gate.stage1_TRELLIS_FF_Q"),
    *(lut(f"camera.total_{name}") for name in ("LUT4_A", "TRELLIS_FF_Q_DI_LUT4_Z", "TRELLIS_FF_Q_1_DI_LUT4_Z")),
    cell("DP16KD", "camera.store.0.0", [("CLKB", "DOB3", 5800), ("CLKA", "DOA0", 5600)],
         [("ADA5", "CLKA", 200), ("BEA", "CLKA", 5000)]),
    cell("MULT18X18D", "camera.product_MULT18X18D_P0", [("CLK0", "P0", 2800)]),
    cell("TRELLIS_RAMW", r"camera.few.0.1\$RAMW_SLICE", [("A1", "WDO1", 0)]),
    cell("TRELLIS_COMB", r"camera.few.0.1\$DPRAM_COMB0", [("A", "F", 240)], [("WD", "WCK", 400)]),
    lut("loop_a"), lut("loop_b"),
]  # fmt: skip

SDF = "\n".join(
    [
        '(DELAYFILE\n  (SDFVERSION "3.0")\n  (DESIGN "top")\n  (DIVIDER /)\n  (TIMESCALE 1ps)',
        '  (CELL\n    (CELLTYPE "top")\n    (INSTANCE )\n    (DELAY\n      (ABSOLUTE',
        *(wire(*each) for each in _WIRES),
        "      )\n    )\n    )",
        *_CELLS,
        ")\n",
    ]
)
