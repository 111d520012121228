"""The block RAM alone, in every mode that a netlist could set, against a list of bits."""

import random

import pytest

from .instances import Cells, Instance

ROWS, HALF = 1024, 18
CLOCKS = {"DP16KD": ("CLKA", "CLKB")}
DEPTHS = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}
LENGTH = 1200
DICE = random.Random(5)
CONTENTS = [DICE.getrandbits(HALF) for _ in range(ROWS)]

PIN_WIDTHS = {"DI": 18, "AD": 14, "CE": 1, "OCE": 1, "WE": 1, "RST": 1, "CS": 3}

MODES = [
    *((w, w, "NORMAL", "NOREG", "SYNC", 0) for w in DEPTHS),
    *((a, b, "NORMAL", "NOREG", "SYNC", 0) for a, b in ((1, 18), (18, 1), (2, 4), (4, 9), (9, 2), (36, 18), (36, 4))),
    *((w, 18, mode, "NOREG", "ASYNC", 5) for w in (4, 18) for mode in ("WRITETHROUGH", "READBEFOREWRITE")),
    *((9, 18, "READBEFOREWRITE", "OUTREG", reset, 2) for reset in ("SYNC", "ASYNC")),
]
"""Widths of A and B, what a port shows when it writes, register, reset, chip select."""


def instance(mode: tuple[int, int, str, str, str, int]) -> Instance:
    """A block RAM with all its pins but the clocks as inputs."""
    a, b, write, register, reset, select = mode
    parameters = {
        "DATA_WIDTH_A": str(a), "DATA_WIDTH_B": str(b), "WRITEMODE_A": f'"{write}"', "WRITEMODE_B": f'"{write}"',
        "REGMODE_A": f'"{register}"', "REGMODE_B": f'"{register}"', "RESETMODE": f'"{reset}"',
        "CSDECODE_A": f'"0b{select:03b}"', "CSDECODE_B": f'"0b{select:03b}"',
    }  # fmt: skip
    for n in range(64):
        word = sum(value << 20 * k for k, value in enumerate(CONTENTS[16 * n : 16 * n + 16]))
        parameters[f"INITVAL_{n:02X}"] = f"320'h{word:x}"
    pins = [
        f"{pin[:-1]}{port}{pin[-1]}" if wide == 1 and pin[-1].isdigit() else name
        for port in "AB"
        for pin, wide in PIN_WIDTHS.items()
        for name in ([f"{pin}{port}{k}" for k in range(wide)] if wide > 1 else [f"{pin}{port}"])
    ]
    return Instance("DP16KD", parameters, pins, [f"DO{port}{k}" for port in "AB" for k in range(18)])


class Ram:
    """A block RAM as a list of bits: a word of ``w`` bits at its place, bytes of nine bits each with their own address.

    FPGA-TN-02204: words of 1, 2 and 4 bits leave the ninth bit of each byte out.
    """

    def __init__(self, mode: tuple[int, int, str, str, str, int]):
        self.widths = dict(zip("AB", mode[:2], strict=True))
        self.write, self.register, self.reset, self.select = mode[2:]
        self.bits = [value >> k & 1 for value in CONTENTS for k in range(HALF)]
        self.latch = {"A": 0, "B": 0}
        self.second = {"A": 0, "B": 0}

    def place(self, port: str, address: int) -> range:
        """The bits of the word that a port's address names."""
        width = self.widths[port]
        if width < 9:
            byte, within = address >> 3, address & 7
            first = 9 * byte + within // width * width
        else:
            first = address >> {9: 3, 18: 4, 36: 5}[width]
            first *= width
        return range(first, first + width)

    def written(self, port: str, pins: dict[str, int], wide: int) -> dict[int, int]:
        """The bits that a port writes, and what they become."""
        if not (pins["CE"] and pins["WE"] and pins["CS"] == self.select) or pins["RST"]:
            return {}
        width = self.widths[port]
        enables = pins["AD"] & (1 << width // 9) - 1 if width > 9 else 1
        place = self.place(port, pins["AD"])
        return {bit: wide >> k & 1 for k, bit in enumerate(place) if width <= 9 or enables >> k // 9 & 1}

    def clock(self, pins: dict[str, dict[str, int]]) -> int:
        """The outputs before the edge, and then the edge."""
        if self.reset == "ASYNC":
            for port in "AB":
                if pins[port]["RST"]:
                    self.latch[port] = self.second[port] = 0
        shown = {port: (self.second if self.register == "OUTREG" else self.latch)[port] for port in "AB"}
        halves = {"A": pins["A"]["DI"] | (pins["B"]["DI"] << 18 if self.widths["A"] == 36 else 0), "B": pins["B"]["DI"]}
        writes = {port: self.written(port, pins[port], halves[port]) for port in "AB"}
        for port, other in ("AB", "BA"):
            here = pins[port]
            before = self.latch[port]
            if here["RST"]:
                self.latch[port] = self.second[port] = 0
                continue
            on = here["CE"] and here["CS"] == self.select
            if on and not (self.write == "NORMAL" and here["WE"]):
                seen = [
                    self.bits[bit] ^ (bit in writes[other]) if self.write != "WRITETHROUGH" or bit not in writes[port]
                    else writes[port][bit]
                    for bit in self.place(port, here["AD"])
                ]  # fmt: skip
                self.latch[port] = sum(value << k for k, value in enumerate(seen))
            if here["OCE"]:
                self.second[port] = before
        for port in "AB":
            for bit, value in writes[port].items():
                self.bits[bit] = value
        if self.widths["B"] == 36:
            return shown["B"]
        if self.widths["A"] == 36:
            return shown["B"] & 0x3FFFF | shown["B"] << 18
        return shown["A"] | shown["B"] << 18


def traffic(mode: tuple[int, int, str, str, str, int]) -> list[dict[str, dict[str, int]]]:
    """Pins of each clock: few addresses, so that words meet; both ports never write the same bits."""
    ram, select = Ram(mode), mode[5]
    found = []
    for _ in range(LENGTH):
        pins = {}
        base = DICE.choice((0, 1023, 511, DICE.randrange(ROWS)))
        for port in "AB":
            pins[port] = {
                "DI": DICE.getrandbits(18), "AD": (base << 4 | DICE.getrandbits(4)) ^ DICE.choice((0, 0, 0, 16)),
                "CE": DICE.random() < 0.8, "OCE": DICE.random() < 0.7, "WE": DICE.random() < 0.5,
                "RST": DICE.random() < 0.03, "CS": select if DICE.random() < 0.9 else DICE.randrange(8),
            }  # fmt: skip
        if mode[0] == 36:
            pins["B"]["WE"] = False
        a, b = (ram.written(port, pins[port], 0) for port in "AB")
        if a.keys() & b.keys():
            pins["B"]["WE"] = False
        found.append(pins)
    return found


def word_of(pins: dict[str, dict[str, int]]) -> int:
    """The bench's inputs."""
    word = at = 0
    for port in "AB":
        for pin, wide in PIN_WIDTHS.items():
            word |= int(pins[port][pin]) << at
            at += wide
    return word


@pytest.fixture(scope="module")
def seen():
    """What was asked of each RAM, and what it gave."""
    with Cells({f"ram_{n}": instance(mode) for n, mode in enumerate(MODES)}, CLOCKS) as cells:
        asked = {f"ram_{n}": traffic(mode) for n, mode in enumerate(MODES)}
        given = cells.run({name: [word_of(pins) for pins in clocks] for name, clocks in asked.items()})
    return asked, given


@pytest.mark.parametrize("n", range(len(MODES)), ids=["-".join(map(str, mode)) for mode in MODES])
def test_a_block_ram_reads_writes_and_resets(seen, n: int):
    asked, given = seen
    ram = Ram(MODES[n])
    for clock, (pins, got) in enumerate(zip(asked[f"ram_{n}"], given[f"ram_{n}"], strict=True)):
        want = ram.clock(pins)
        if MODES[n][0] == 36 and MODES[n][1] < 36:
            # Of a RAM that is written 36 bits wide and read narrower, the pins of B alone say something.
            want, got = want >> 18, got >> 18
        assert got == want, f"clock {clock}: found {got:09x}, expected {want:09x}, pins {pins}"


def test_the_traffic_has_collisions_and_bytes_that_are_not_written(seen):
    asked, _ = seen
    collisions = partial = 0
    for n, mode in enumerate(MODES):
        ram = Ram(mode)
        for pins in asked[f"ram_{n}"]:
            writes = ram.written("A", pins["A"], 0)
            collisions += bool(writes.keys() & set(ram.place("B", int(pins["B"]["AD"]))))
            partial += mode[0] > 9 and 0 < len(writes) < mode[0]
    assert collisions > 1000
    assert partial > 1000
