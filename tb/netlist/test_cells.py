"""Each cell but the block RAM alone, against integers, and against Yosys's own models where it has some."""

import itertools
import random
import re
from collections.abc import Iterator

import pytest

from scripts import tools

from . import netlist
from .instances import Cells, Instance, width

CLOCKS = {
    "TRELLIS_FF": ("CLK",), "TRELLIS_DPR16X4": ("WCK",), "MULT18X18D": ("CLK0",), "EHXPLLL": ("CLKI",),
    "GATED": ("CLK",),
}  # fmt: skip
GATED = """
module GATED (input CLK, CE, output [7:0] COUNT);
  wire gated;
  reg [7:0] count = 0;
  DCCA gate (.CLKI(CLK), .CE(CE), .CLKO(gated));
  always @(posedge gated) count <= count + 1;
  assign COUNT = count;
endmodule
"""
"""What counts the clocks that the gate lets pass."""
DICE = random.Random(1)
LENGTH = 500

TABLES = [0x0001, 0x8000, 0x96AA, *(DICE.getrandbits(16) for _ in range(4))]
SUMS = [
    (*inits, inject)
    for inits in ((0x96AA, 0x96AA), (0x5A5A, 0x6996), *((DICE.getrandbits(16), DICE.getrandbits(16)) for _ in range(3)))
    for inject in itertools.product(("NO", "YES"), repeat=2)
]
FLIPS = list(
    itertools.product(
        ("1", "0", "INV", "CE"), ("LSR", "INV"), ("LSR_OVER_CE", "ASYNC"), ("RESET", "SET"), ("CLK", "INV")
    )
)
WRITES = ["WRE", "INV", "1", "0"]
CONTENTS = DICE.getrandbits(64)
ROWS = list(itertools.product((False, True), repeat=4))
FOUR = ("A", "B", "C", "D")


def text(value: str) -> str:
    """A parameter that is a word."""
    return f'"{value}"'


def instances() -> dict[str, Instance]:
    """Every cell in every way that a netlist could set it."""
    found = {f"lut_{n}": Instance("LUT4", {"INIT": f"16'd{init}"}, FOUR, "Z") for n, init in enumerate(TABLES)}
    found["pair"] = Instance("PFUMX", {}, ("ALUT", "BLUT", "C0"), "Z")
    found["pairs"] = Instance("L6MUX21", {}, ("D1", "D0", "SD"), "Z")
    for n, (init_0, init_1, (inject_0, inject_1)) in enumerate(SUMS):
        parameters = {
            "INIT0": f"16'd{init_0}", "INIT1": f"16'd{init_1}",
            "INJECT1_0": text(inject_0), "INJECT1_1": text(inject_1),
        }  # fmt: skip
        pins = [f"{pin}{k}" for k in range(2) for pin in FOUR]
        found[f"sum_{n}"] = Instance("CCU2C", parameters, [*pins, "CIN"], ["S0", "S1", "COUT"])
    names = ("CEMUX", "LSRMUX", "SRMODE", "REGSET", "CLKMUX")
    for n, values in enumerate(FLIPS):
        parameters: dict[str, str] = {name: text(value) for name, value in zip(names, values, strict=True)}
        found[f"flip_{n}"] = Instance("TRELLIS_FF", parameters, ("DI", "CE", "LSR"), "Q")
    for n, writes in enumerate(WRITES):
        parameters = {"WREMUX": text(writes), "INITVAL": f"64'd{CONTENTS}"}
        pins = [("DI", 4), ("WAD", 4), ("RAD", 4), "WRE"]
        found[f"words_{n}"] = Instance("TRELLIS_DPR16X4", parameters, pins, [("DO", 4)])
    for n, rows in enumerate(ROWS):
        clocked = zip(("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"), rows, strict=True)
        parameters = {f"REG_{row}_CLK": text("CLK0") for row, there in clocked if there}
        pins = [f"{letter}{k}" for letter in "AB" for k in range(18)]
        found[f"product_{n}"] = Instance(
            "MULT18X18D", parameters, [*pins, "SIGNEDA", "SIGNEDB", "CE0", "RST0"], [f"P{k}" for k in range(36)]
        )
    found["pin_in"] = Instance("TRELLIS_IO_INPUT", {"DIR": text("INPUT")}, "B", "O")
    found["pin_out"] = Instance("TRELLIS_IO_OUTPUT", {"DIR": text("OUTPUT")}, "I", "B")
    found["gate"] = Instance("GATED", {}, ("CE",), (("COUNT", 8),))
    found["pll"] = Instance("EHXPLLL", {"CLKOS_ENABLE": text("ENABLED")}, (), ("LOCK", "CLKOS"))
    return found


@pytest.fixture(scope="module")
def seen() -> Iterator[tuple[dict[str, list[int]], dict[str, list[int]]]]:
    """Inputs and outputs of all cells, from power-on."""
    dice = random.Random(2)
    with Cells(instances(), CLOCKS, [GATED]) as cells:
        inputs = {
            name: [dice.getrandbits(width(one.inputs)) for _ in range(LENGTH)] for name, one in cells.instances.items()
        }
        for name, values in inputs.items():
            if name.startswith("product"):
                values[::5] = [dice.choice(CORNERS) | value >> 36 << 36 for value in values[::5]]
        yield inputs, cells.run(inputs)


CORNERS = [a | b << 18 for a in (0, 1, 1 << 17, (1 << 18) - 1, (1 << 17) - 1) for b in (0, 1 << 17, (1 << 18) - 1)]
"""Of a multiplier's operands."""


def bits(value: int, *widths: int) -> list[int]:
    """The fields of a word, lowest first."""
    found = []
    for wide in widths:
        found.append(value & (1 << wide) - 1)
        value >>= wide
    return found


def test_a_gate_is_its_table(seen):
    inputs, outputs = seen
    for n, init in enumerate(TABLES):
        assert outputs[f"lut_{n}"] == [init >> at & 1 for at in inputs[f"lut_{n}"]], f"{init:04x}"


def test_wide_multiplexers_choose_the_first_where_the_select_is_set(seen):
    inputs, outputs = seen
    for name in ("pair", "pairs"):
        assert outputs[name] == [word & 1 if word >> 2 else word >> 1 & 1 for word in inputs[name]]


def test_a_carry_cell_adds_what_its_gates_make(seen):
    """FPGA-DS-02012: S = gate XOR carry; the carry passes where the gate is 1, and is A and B's gate elsewhere."""
    inputs, outputs = seen
    for n, (init_0, init_1, inject) in enumerate(SUMS):
        for word, got in zip(inputs[f"sum_{n}"], outputs[f"sum_{n}"], strict=True):
            first, second, carry = bits(word, 4, 4, 1)
            want = 0
            for k, (init, at, injects) in enumerate(zip((init_0, init_1), (first, second), inject, strict=True)):
                gate, makes = init >> at & 1, init >> (at & 3) & 1
                want |= (gate ^ (carry if injects == "NO" else 0)) << k
                carry = carry if gate else makes if injects == "NO" else 0
            assert got == want | carry << 2, (n, word)


def test_a_carry_chain_adds():
    """Sixteen bits of a sum of eight cells, set as Yosys's arith_map_ccu2c.v sets them."""
    with Cells({"sum": Instance("sixteen", {}, [("a", 16), ("b", 16)], [("s", 17)])}, {}, [SIXTEEN]) as cells:
        dice = random.Random(3)
        ends = (0, 1, 0x5555, 0xAAAA, 0xFFFF)
        pairs = [
            *itertools.product(ends, repeat=2),
            *((dice.getrandbits(16), dice.getrandbits(16)) for _ in range(200)),
        ]
        got = cells.run({"sum": [a | b << 16 for a, b in pairs]})["sum"]
    assert got == [a + b for a, b in pairs]


SIXTEEN = """module sixteen(input [15:0] a, b, output [16:0] s);
  wire [8:0] carry;
  assign carry[0] = 0, s[16] = carry[8];
  for (genvar n = 0; n < 8; n = n + 1)
    CCU2C #(.INIT0(16'h96AA), .INIT1(16'h96AA), .INJECT1_0("NO"), .INJECT1_1("NO")) cell_ (
      .CIN(carry[n]), .A0(a[2*n]), .B0(b[2*n]), .C0(1'b0), .D0(1'b1),
      .A1(a[2*n+1]), .B1(b[2*n+1]), .C1(1'b0), .D1(1'b1), .S0(s[2*n]), .S1(s[2*n+1]), .COUT(carry[n+1]));
endmodule
"""


def test_a_flip_flop_takes_holds_and_resets(seen):
    """With the rising edge; those of the falling one, which comes with the inputs, are held against Yosys's below."""
    inputs, outputs = seen
    for n, (takes, resets, mode, begins, edge) in enumerate(FLIPS):
        name, start = f"flip_{n}", int(begins == "SET")
        if edge == "INV":
            continue
        q, want = start, []
        for word in inputs[name]:
            di, ce, lsr = bits(word, 1, 1, 1)
            reset = lsr ^ (resets == "INV")
            if mode == "ASYNC" and reset:
                q = start
            want.append(q)
            if reset:
                q = start
            elif {"1": 1, "0": 0, "INV": 1 - ce, "CE": ce}[takes]:
                q = di
        assert outputs[name] == want, FLIPS[n]


def test_gates_used_as_memory_are_written_with_the_clock_and_read_at_once(seen):
    inputs, outputs = seen
    for n, mode in enumerate(WRITES):
        words, want = [CONTENTS >> 4 * k & 15 for k in range(16)], []
        for word in inputs[f"words_{n}"]:
            di, wad, rad, wre = bits(word, 4, 4, 4, 1)
            want.append(words[rad])
            if {"1": 1, "0": 0, "INV": 1 - wre, "WRE": wre}[mode]:
                words[wad] = di
        assert outputs[f"words_{n}"] == want, mode


def test_a_multiplier_multiplies_with_and_without_signs_behind_each_row_of_registers(seen):
    inputs, outputs = seen
    for n, rows in enumerate(ROWS):
        kept, want = [0, 0, 0, 0], []
        for word in inputs[f"product_{n}"]:
            a, b, signed_a, signed_b, enable, reset = bits(word, 18, 18, 1, 1, 1, 1)
            operands = [x - (x >> 17 << 18) * s for x, s in ((a, signed_a), (b, signed_b))]
            left, right = (kept[k] if rows[k] else operands[k] for k in range(2))
            product = left * right % (1 << 36)
            middle = kept[2] if rows[2] else product
            want.append(kept[3] if rows[3] else middle)
            if reset:
                kept = [0, 0, 0, 0]
            elif enable:
                kept = [*operands, product, middle]
        assert outputs[f"product_{n}"] == want, rows


def test_the_gate_lets_those_clocks_pass_that_are_enabled(seen):
    inputs, outputs = seen
    enabled = [0, *inputs["gate"][1:]]  # before the first clock there is no falling edge
    assert outputs["gate"] == [sum(enabled[:n]) % 256 for n in range(LENGTH)]


def test_pins_pass_and_the_pll_locks_some_clocks_after_the_clock_began(seen):
    inputs, outputs = seen
    assert outputs["pin_in"] == inputs["pin_in"]
    assert outputs["pin_out"] == inputs["pin_out"]
    locks = [word & 1 for word in outputs["pll"]]
    assert locks == sorted(locks)
    assert 0 < sum(locks) < LENGTH


@pytest.mark.skipif(not (netlist.WHOLE or (tools.TOOLS / "ready").exists()), reason=netlist.TOOLS_ABSENT)
def test_cells_are_those_of_yosys():
    """Of the cells that it has models of; its names get another beginning here."""
    share = netlist.models()
    theirs = "".join((share / name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    theirs = re.sub(r"^\s*(\(\*.*?\*\)|specify\b.*?\bendspecify\b|`\w+.*?$)", "", theirs, flags=re.M | re.S)
    cells = ("LUT2", "LUT4", "PFUMX", "L6MUX21", "CCU2C", "TRELLIS_FF", "TRELLIS_DPR16X4")
    modules = {name: body for body, name in re.findall(r"(^module (\w+)\b.*?^endmodule)", theirs, re.M | re.S)}
    source = "\n".join(modules[name] for name in cells)
    source = re.sub(rf"\b({'|'.join(cells)})\b", r"yosys_\1", source)
    ours = {name: one for name, one in instances().items() if one.cell in cells}
    both = ours | {
        f"{name}_": Instance(f"yosys_{i.cell}", i.parameters, i.inputs, i.outputs) for name, i in ours.items()
    }
    clocks = CLOCKS | {f"yosys_{cell}": pins for cell, pins in CLOCKS.items()}
    dice = random.Random(4)
    with Cells(both, clocks, [source]) as pair:
        inputs = {name: [dice.getrandbits(width(one.inputs)) for _ in range(LENGTH)] for name, one in ours.items()}
        outputs = pair.run(inputs | {f"{name}_": values for name, values in inputs.items()})
    assert [name for name in ours if outputs[name] != outputs[f"{name}_"]] == []
