"""Both ends of the gateware in Amaranth's simulator: a host on the wires, control and the link behind."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.serial import Serial

from .model import register

CLOCK_HZ = 1e6


class Rest(NamedTuple):
    """The wire is high for so many clocks."""

    clocks: int


class Level(NamedTuple):
    """The wire is low for so many clocks: a glitch, or a break."""

    clocks: int


class NoStop(NamedTuple):
    """A byte whose stop bit is low."""

    byte: int


class Control(NamedTuple):
    """What the control end does: how often it stalls, and from when on it takes anything at all."""

    stalls: float = 0.0
    begins: int = 0


@dataclass
class Seen:
    """What came out: requests as (address, data, write), bytes on the wire, clocks at which their stop bits stood."""

    requests: list[tuple[int, int, int]] = field(default_factory=list)
    wire: bytearray = field(default_factory=bytearray)
    clocks: list[int] = field(default_factory=list)


def levels(sends: Sequence[bytes | Rest | Level | NoStop], bit: float) -> tuple[dict[int, int], int]:
    """What the host puts on its wire: clock -> level from then on; and the clock at the end."""
    found: dict[int, int] = {}
    at = 10.0

    def hold(level: int, time: float) -> None:
        nonlocal at
        found[round(at)] = level
        at += time

    for item in sends:
        match item:
            case Rest(time):
                hold(1, time)
            case Level(time):
                hold(0, time)
                hold(1, bit)
            case NoStop(byte):
                for level in (0, *(byte >> n & 1 for n in range(8)), 0, 1):
                    hold(level, bit)
            case _:
                for byte in item:
                    for level in (0, *(byte >> n & 1 for n in range(8)), 1):
                        hold(level, bit)
    return found, round(at)


def heard(wire: bytearray, clocks: int) -> tuple[bytearray, list[int]]:
    """Bytes on a wire of which every clock is known, and when each began; all bits are looked at in their middle."""
    found, begins, at = bytearray(), [], 0
    while (at := wire.find(0, at)) >= 0:
        begins.append(at)
        bits = wire[at + clocks // 2 : at + 10 * clocks : clocks]
        assert bits[9:] == b"\1", "no stop bit"
        found.append(sum(level << n for n, level in enumerate(bits[1:9])))
        at += 9 * clocks + clocks // 2
    return found, begins


def converse(
    sends: Sequence[bytes | Rest | Level | NoStop],
    *,
    clocks: int = 8,
    off: float = 0.0,
    control: Control = Control(),  # noqa: B008 - immutable
    packets: Sequence[tuple[int, bytes]] = (),
    after: int = 3000,
    buffer_bytes: int = 4096,
    seed: int = 1,
) -> Seen:
    """Send, and see what comes of it until ``after`` clocks after the last bit.

    ``clocks`` a bit for the gateware, ``1 + off`` as many for the host; ``packets``: (clocks to wait, whole words).
    """
    serial = Serial(CLOCK_HZ, CONFIGURATIONS["ecp5"], baud=CLOCK_HZ / clocks, buffer_bytes=buffer_bytes)
    dice = random.Random(seed)
    seen = Seen()
    wire = bytearray()
    host, end = levels(sends, clocks * (1 + off))
    request, reply, link = serial.o_request, serial.i_reply, serial.i_packets
    words = [
        (wait * (at == 0), int.from_bytes(packet[at : at + 8], "little"))
        for wait, packet in packets
        for at in range(0, len(packet), 8)
    ][::-1]

    async def play(ctx: Any) -> None:
        begins, offers, answers, valid, ready = 0, False, False, False, False
        tick = ctx.tick().sample(
            serial.o_serial, request.valid, request.payload, reply.ready, link.ready
        )  # fmt: skip
        for now in range(end + after):
            if now in host:
                ctx.set(serial.i_serial, host[now])
            takes = not answers and now >= control.begins and dice.random() >= control.stalls
            if takes != ready:
                ready = takes
                ctx.set(request.ready, ready)
            if answers and not valid and dice.random() >= control.stalls:
                valid = True
                ctx.set(reply.valid, 1)
            if words and not offers and now >= begins + words[-1][0]:
                offers = True
                ctx.set(link.payload.data, words[-1][1])
                ctx.set(link.valid, 1)
            _, _, level, asks, asked, hears, flows = await tick
            wire.append(level)
            if asks and ready:
                seen.requests.append((asked.address, asked.data, asked.write))
                if not asked.write:
                    answers = True
                    ctx.set(reply.payload.data, register(asked.address))
            if valid and hears:
                answers = valid = False
                ctx.set(reply.valid, 0)
            if offers and flows:
                words.pop()
                begins, offers = now, False
                ctx.set(link.valid, 0)
        assert not words, "packets that were never taken"

    simulator = Simulator(Fragment.get(serial, None))
    simulator.add_clock(1 / CLOCK_HZ)
    simulator.add_testbench(play)
    simulator.run()
    seen.wire, seen.clocks = heard(wire, clocks)
    return seen
