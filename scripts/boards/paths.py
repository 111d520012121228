"""The slowest paths of each clock, from register to register, by the delays that nextpnr writes beside its report.

Its report has one path for each two clocks. The delays (``--sdf``, IEEE 1497) are those of every wire and gate after
routing, 100 MB for a full chip, so that the longest way to each register's input can be found here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Any

from ..ecp5 import named

PATHS = 3
"""So many of the slowest of each clock."""
CLOCK_PIN = re.compile(r"(?:CLK[AB0-3]?|WCK)").fullmatch
"""Of flip-flops, block RAMs, multipliers and gates used as memory; not what leads into a PLL or a clock's root."""
_PS = r"\(-?[\d.]+:-?[\d.]+:(-?[\d.]+)\)"
"""Of (least:typical:most) the most, as nextpnr's own analysis takes it."""
_INTERCONNECT = re.compile(rf"\(INTERCONNECT (\S+) (\S+) {_PS}").match
_IOPATH = re.compile(rf"\(IOPATH (?:\(\w+ (\S+)\)|(\S+)) (\S+) {_PS}").match
_SETUP = re.compile(rf"\(SETUPHOLD (?:\(\w+ (\S+)\)|(\S+)) \(\w+ (\S+)\) {_PS}").match


@dataclass
class Delays:
    """Of a routed netlist. Pins are ``cell/pin``, times picoseconds.

    Attributes
    ----------
    wires, gates : dict
        Pin -> (pin behind it, time): from a cell's output to inputs, from a cell's input to its outputs.
    launches : dict
        Output of a register -> (its clock pin, time from the clock to it).
    setups : dict
        Input of a register -> (its clock pin, time before the clock).
    drivers : dict
        Clock pin -> output that drives it.
    """

    wires: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    gates: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    launches: dict[str, tuple[str, int]] = field(default_factory=dict)
    setups: dict[str, tuple[str, int]] = field(default_factory=dict)
    drivers: dict[str, str] = field(default_factory=dict)

    def after(self, pin: str) -> Iterable[tuple[str, int]]:
        """What a pin leads to."""
        return self.wires.get(pin) or self.gates.get(pin, ())


def read(lines: Iterable[str]) -> Delays:
    """Delays of an SDF, line by line."""
    found, cell = Delays(), ""
    for line in lines:
        text = line.strip().replace("\\", "")
        if text.startswith("(INSTANCE "):
            cell = text[10:-1].strip()
        elif m := _INTERCONNECT(text):
            driver, pin = intern(m[1]), intern(m[2])
            if CLOCK_PIN(pin.rpartition("/")[2]):
                found.drivers[pin] = driver
            else:
                found.wires[driver].append((pin, round(float(m[3]))))
        elif m := _IOPATH(text):
            start, end, ps = m[1] or m[2], intern(f"{cell}/{m[3]}"), round(float(m[4]))
            if not CLOCK_PIN(start):
                found.gates[intern(f"{cell}/{start}")].append((end, ps))
            elif ps >= found.launches.get(end, ("", 0))[1]:
                found.launches[end] = (intern(f"{cell}/{start}"), ps)
        elif m := _SETUP(text):
            pin, ps = intern(f"{cell}/{m[1] or m[2]}"), round(float(m[4]))
            if pin not in found.setups or ps > found.setups[pin][1]:
                found.setups[pin] = (intern(f"{cell}/{m[3]}"), ps)
    return found


def in_order(delays: Delays) -> list[str]:
    """All pins, each behind those that lead to it; what goes in circles is left out."""
    before: dict[str, int] = defaultdict(int)
    for ways in (delays.wires, delays.gates):
        for ends in ways.values():
            for pin, _ in ends:
                before[pin] += 1
    order = [pin for ways in (delays.wires, delays.gates) for pin in ways if pin not in before]
    for pin in order:
        for end, _ in delays.after(pin):
            before[end] -= 1
            if not before[end]:
                order.append(end)
    return order


def register(pin: str) -> str:
    """The register that a pin belongs to, by the source's name: all bits of it have one."""
    return re.sub(r"(\.\d+)+$", "", named(pin.rpartition("/")[0]))


def of_clock(delays: Delays, order: list[str], driver: str) -> list[list[dict[str, Any]]]:
    """The slowest paths between registers that one output clocks, each into another register; as nextpnr tells one."""
    arrival = {pin: ps for pin, (clock, ps) in delays.launches.items() if delays.drivers.get(clock) == driver}
    previous: dict[str, str] = {}
    for pin in order:
        if (ps := arrival.get(pin)) is not None:
            for end, more in delays.after(pin):
                if ps + more > arrival.get(end, -1):
                    arrival[end], previous[end] = ps + more, pin
    ends = [
        (arrival[pin] + ps, pin)
        for pin, (clock, ps) in delays.setups.items()
        if pin in arrival and delays.drivers.get(clock) == driver
    ]
    slowest: dict[str, str] = {}
    for _, pin in sorted(ends, reverse=True):
        slowest.setdefault(register(pin), pin)
        if len(slowest) == PATHS:
            break

    def steps(pin: str) -> list[dict[str, Any]]:
        found = [step("setup", pin, pin, delays.setups[pin][1])]
        while pin in previous:
            start = previous[pin]
            kind = "routing" if start in delays.wires else "logic"
            found.append(step(kind, start, pin, arrival[pin] - arrival[start]))
            pin = start
        return [step("clk-to-q", pin, pin, arrival[pin]), *reversed(found)]

    return [steps(pin) for pin in slowest.values()]


def step(kind: str, start: str, end: str, ps: int) -> dict[str, Any]:
    """As nextpnr's report has it."""
    return {
        "type": kind,
        "delay": ps / 1000,
        "from": {"cell": start.rpartition("/")[0]},
        "to": {"cell": end.rpartition("/")[0]},
    }


def slowest(sdf: Path, clocked: Mapping[str, str]) -> dict[str, list[list[dict[str, Any]]]]:
    """The slowest paths of each clock, of which a register that it clocks is given: an SDF knows no names of nets."""
    with sdf.open() as lines:
        delays = read(lines)
    drivers = {pin.rpartition("/")[0]: driver for pin, driver in delays.drivers.items()}
    order = in_order(delays)
    return {clock: of_clock(delays, order, drivers[cell]) for clock, cell in clocked.items() if cell in drivers}
