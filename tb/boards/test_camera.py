"""The whole of a board but its PLL, from wire to wire; and its lights."""

from typing import Any

from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from ocellus import formats, serial_protocol
from ocellus.configurations import CONFIGURATIONS
from ocellus.formats import PacketType, RecordFlag, SerialKind
from ocellus.settings import FrameFormat
from ocellus_hdl.boards.camera import Camera
from ocellus_hdl.boards.indicators import Indicators
from tb.serial.line import heard, levels

CLOCKS = 8
"""A bit."""


def test_a_ping_is_answered_on_the_serial_pin():
    camera = Camera(FrameFormat(16, 4, 24, 6), CONFIGURATIONS["tiny"], 1e6, baud=1e6 / CLOCKS)
    request = serial_protocol.request(SerialKind.READ, 7, formats.IDENTITY)
    host, end = levels([serial_protocol.frame(request)], CLOCKS)
    wire = bytearray()

    async def play(ctx: Any) -> None:
        for now in range(end + 40 * 10 * CLOCKS):
            if now in host:
                ctx.set(camera.i_serial, host[now])
            _, _, level = await ctx.tick().sample(camera.o_serial)
            wire.append(level)

    simulator = Simulator(Fragment.get(camera, None))
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.run()
    said, _ = heard(wire, CLOCKS)
    (reply,) = serial_protocol.Receiver().feed(bytes(said))
    assert reply == serial_protocol.Reply(SerialKind.READ, 7, 0, formats.IDENTITY_VALUE)


def packet(kind: int, flags: int = 0, objects: int = 0, words: int = 9) -> list[tuple[int, int]]:
    """Its first two words, and noise up to its end."""
    head = formats.PACKET_HEADER.pack({"sync": formats.PACKET_SYNC, "type": kind, "sequence": 3, "length": 64})
    first = flags << 40 | objects << 48 | 2 << 32 | formats.RECORD_MAGIC
    noise = [(1 << 64) - 1 - n for n in range(words - 2)]
    return [(word, at == words - 1) for at, word in enumerate([head, first, *noise])]


def lights_after(*packets: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Frame, object, error after each packet; every third clock carries nothing but noise."""
    lights, found = Indicators(), []

    async def play(ctx: Any) -> None:
        for one in packets:
            for at, (word, last) in enumerate(one):
                if at % 3 == 2:
                    ctx.set(lights.i.valid, 0)
                    ctx.set(lights.i.payload.data, (1 << 64) - 1)
                    await ctx.tick()
                ctx.set(lights.i.valid, 1)
                ctx.set(lights.i.payload.data, word)
                ctx.set(lights.i.payload.last, last)
                await ctx.tick()
            ctx.set(lights.i.valid, 0)
            await ctx.tick().repeat(3)
            found.append((ctx.get(lights.o_frame), ctx.get(lights.o_object), ctx.get(lights.o_error)))

    simulator = Simulator(lights)
    simulator.add_clock(1e-6)
    simulator.add_testbench(play)
    simulator.run()
    return found


def test_lights_say_what_the_last_record_says():
    record, line = PacketType.RECORD, PacketType.IMAGE_LINE
    lost, skipped = RecordFlag.LINES_LOST, RecordFlag.FRAMES_SKIPPED
    harmless = RecordFlag.OBJECTS_OVERFLOW | RecordFlag.TEST_PATTERN | RecordFlag.VECTOR
    assert lights_after(
        packet(record),
        packet(record, harmless, objects=64),
        packet(line, lost, objects=5),
        packet(record, lost),
        packet(record, skipped, objects=1, words=3),
        packet(record, words=40),
    ) == [(1, 0, 0), (0, 1, 0), (0, 1, 0), (1, 0, 1), (0, 1, 1), (1, 0, 0)]
