# amaranth: UnusedElaboratable=no
"""Parts of the serial line alone, where many clocks of the wire would show nothing more."""

import random
from typing import Any

import pytest

from ocellus.configurations import CONFIGURATIONS
from ocellus_hdl.serial.command_reader import CommandReader
from ocellus_hdl.serial.frame_store import FrameStore
from ocellus_hdl.serial.uart_receiver import UartReceiver
from tb.cnn.clocks import clocks

from .line import Level, NoStop, Rest, levels
from .model import Expected, payload, random_payloads, register

READ, WRITE, FEED = 1, 2, 3


def received(
    sends: list[bytes | Rest | Level | NoStop], per_bit: int, off: float = 0.0, spike: int = -1
) -> list[tuple[int, int]]:
    """(byte, damaged) from a wire; in clock ``spike`` it has the other level."""
    receiver = UartReceiver(per_bit)
    host, end = levels(sends, per_bit * (1 + off))

    async def drive(ctx: Any) -> None:
        level = 1
        for now in range(end + per_bit):
            level = host.get(now, level)
            ctx.set(receiver.i, level ^ (now == spike))
            await ctx.tick()

    seen = clocks(receiver, drive, [receiver.o.valid, receiver.o.payload.byte, receiver.o.payload.damaged])
    return [(byte, damaged) for valid, byte, damaged in seen if valid]


@pytest.mark.parametrize("per_bit", [8, 9, 25, 75])
@pytest.mark.parametrize("off", [-0.02, 0.0, 0.02])
def test_a_clock_two_percent_off_does_not_matter(per_bit: int, off: float):
    """Bytes without a rest between them, so that what one loses the next would lack."""
    data = b"\x00\xff\x55\xaa\x01\x80\x7f\xfe" + random.Random(1).randbytes(40)
    assert received([data], per_bit, off) == [(byte, 0) for byte in data]


@pytest.mark.parametrize("per_bit", [8, 75])
def test_glitches_and_breaks_are_no_bytes(per_bit: int):
    short = per_bit // 4
    sends = [b"\x12", Level(short), Rest(per_bit), b"\x34", Level(30 * per_bit), b"\x56", NoStop(0x78), b"\x9a"]
    assert received(sends, per_bit) == [(0x12, 0), (0x34, 0), (0, 1), (0x56, 0), (0x78, 1), (0x9A, 0)]


@pytest.mark.parametrize("clock", [28, 37, 46])
def test_a_sample_that_is_wrong_is_outvoted(clock: int):
    """A spike of a clock in a bit of 75, at one of the three that are looked at or beside it."""
    for beside in range(-3, 4):
        assert received([b"\xff"], 75, spike=10 + 75 + clock + beside) == [(0xFF, 0)]


def stored(frames: list[tuple[bytes, bool]], size: int, begins: int, stalls: float = 0.3) -> tuple[list[bytes], int]:
    """Payloads read from clock ``begins`` on, and how many frames were dropped; ``frames``: (with CRC, whole)."""
    store = FrameStore(size)
    pieces = []
    for content, whole in frames:
        pieces += [(byte, 0, 0) for byte in content] + [(0, 1, int(whole))]
    got, drops, now, dice = [bytearray()], 0, 0, random.Random(3)

    async def step(ctx: Any) -> None:
        nonlocal drops, now
        ctx.set(store.o.ready, now >= begins and dice.random() >= stalls)
        _, _, valid, ready, byte, last, dropped = await ctx.tick().sample(
            store.o.valid, store.o.ready, store.o.payload.byte, store.o.payload.last, store.o_drops
        )
        now += 1
        drops += dropped
        if valid and ready:
            got[-1].append(byte)
            if last:
                got.append(bytearray())

    async def drive(ctx: Any) -> None:
        for byte, end, whole in pieces:
            ctx.set(store.i.payload, {"byte": byte, "end": end, "whole": whole})
            ctx.set(store.i.valid, 1)
            await step(ctx)
            ctx.set(store.i.valid, 0)
            for _ in range(10):
                await step(ctx)
        for _ in range(max(begins - now, 0) + 8 * size):
            await step(ctx)

    clocks(store, drive, [])
    assert got.pop() == b""
    return [bytes(payload) for payload in got], drops


def test_the_store_keeps_whole_frames_and_no_trace_of_others():
    dice = random.Random(4)
    frames = [(dice.randbytes(dice.choice((0, 1, 4, 7, 8, 9, 30, 60))), dice.random() < 0.6) for _ in range(80)]
    wanted = [content[:-4] for content, whole in frames if whole and len(content) >= 8]
    dropped = sum(0 < len(content) < 8 or (bool(content) and not whole) for content, whole in frames)
    assert stored(frames, 512, 0) == (wanted, dropped)


def test_the_longest_request_is_kept_and_a_longer_one_is_not():
    dice = random.Random(5)
    frames = [(dice.randbytes(size + 4), True) for size in (244, 245, 5, 243, 255, 300, 6, 244)]
    assert stored(frames, 1024, 0) == ([f[:-4] for f, _ in frames if len(f) <= 248], 3)


def test_frames_that_find_the_store_full_are_dropped_and_those_in_it_kept():
    """Payloads of 84 take 85 bytes, and 4 while they arrive; the first length is out of the store already."""
    dice = random.Random(6)
    frames = [(dice.randbytes(payload + 4), True) for payload in (84, 84, 84, 84, 84, 84, 83, 10)]
    taken = [content[:-4] for content, _ in frames]
    assert 5 * 85 + 1 + 83 + 4 == 512 + 1
    assert stored(frames, 512, 8000) == ([*taken[:5], taken[6]], 2)


def test_a_store_of_an_odd_size_is_refused():
    for size in (256, 1000):
        with pytest.raises(ValueError, match=f"frame store: found {size} bytes, allowed powers of two of 512 and more"):
            FrameStore(size)


def carried_out(payloads: list[bytes], stalls: float, seed: int) -> tuple[list[tuple[int, int, int]], list[bytes]]:
    """Requests on the bus and answers, of a reader alone; each end waits ``stalls`` of the time."""
    reader = CommandReader(CONFIGURATIONS["ecp5"], 4096)
    contents = [(byte, at == len(one) - 1) for one in payloads for at, byte in enumerate(one)][::-1]
    dice, requests, answers = random.Random(seed), [], [bytearray()]
    bus, reply = reader.o_request, reader.i_reply

    async def drive(ctx: Any) -> None:
        idle = 0
        while idle < 60:
            idle += 1
            if contents and not ctx.get(reader.i.valid) and dice.random() >= stalls:
                ctx.set(reader.i.payload, {"byte": contents[-1][0], "last": contents[-1][1]})
                ctx.set(reader.i.valid, 1)
            ctx.set(bus.ready, not ctx.get(reply.valid) and dice.random() >= stalls)
            ctx.set(reader.o.ready, dice.random() >= stalls)
            _, _, took, asks, asked, answered, says, said = await ctx.tick().sample(
                reader.i.valid & reader.i.ready, bus.valid & bus.ready, bus.payload, reply.valid & reply.ready,
                reader.o.valid & reader.o.ready, reader.o.payload,
            )  # fmt: skip
            if took:
                contents.pop()
                ctx.set(reader.i.valid, 0)
            if answered:
                ctx.set(reply.valid, 0)
            if asks:
                requests.append((asked.address, asked.data * asked.write, asked.write))
                if not asked.write:
                    ctx.set(reply.payload.data, register(asked.address))
                    ctx.set(reply.valid, 1)
            if says:
                answers[-1].append(said.byte)
                if said.last:
                    answers.append(bytearray())
            if took or asks or says or contents:
                idle = 0

    clocks(reader, drive, [])
    assert answers.pop() == b""
    return requests, [bytes(answer) for answer in answers]


def check(payloads: list[bytes], stalls: float = 0.0, seed: int = 1) -> list[tuple[int, int, int]]:
    requests, answers = carried_out(payloads, stalls, seed)
    expected = Expected(payloads)
    assert requests == expected.requests
    assert answers == expected.answers
    return requests


@pytest.mark.parametrize("stalls", [0.0, 0.7])
def test_any_requests_are_carried_out_in_order_and_answered(stalls: float):
    check(random_payloads(random.Random(8), 100, longest=60), stalls)


def test_a_frame_out_of_turn_is_answered_and_writes_nothing():
    payloads = [
        payload(FEED, 0, 0x500, 1, 2), payload(FEED, 0, 0x500, 1, 2), payload(FEED, 2, 0x500, 5),
        payload(WRITE, 1, 0x500, 3, 4), payload(WRITE, 255, 0x500, 6), payload(READ, 77, 0x600),
        payload(FEED, 2, 0x500, 5),
    ]  # fmt: skip
    requests = check(payloads)
    assert [data for _, data, write in requests if write] == [1, 2, 3, 4, 5]


def test_sequence_numbers_pass_255():
    assert len(check([payload(WRITE, n % 256, 0x100, n) for n in range(258)])) == 258


def test_bytes_behind_the_last_word_and_unknown_kinds_do_nothing():
    payloads = [
        payload(FEED, 0, 0x500, 1) + b"\xff\xff\xff", payload(FEED, 1, 0x500), payload(READ, 9, 0x600) + b"more",
        payload(0, 2, 0x500, 1), payload(4, 2, 0x500, 1), payload(0x81, 2, 0x500, 1), payload(0x90, 2, 0x500, 1),
        payload(FEED, 2, 0x500, 8) + b"\x00", payload(FEED, 3, 0x500, 9),
    ]  # fmt: skip
    requests = check(payloads)
    assert [data for _, data, write in requests if write] == [1, 8, 9]


def test_registers_of_its_own_are_not_on_the_bus():
    asked = (*range(0x700, 0x718, 4), 0x701, 0x720, 0x7FC, 0x700 ^ 0x100, 0x1700)
    payloads = [payload(READ, n, address) for n, address in enumerate(asked)]
    payloads += [payload(WRITE, 0, 0x6F8, 1, 2, 3, 4), payload(FEED, 1, 0x7FC, 5), payload(WRITE, 2, 0x7FC, 6, 7)]
    requests = check(payloads)
    assert [address for address, _, _ in requests] == [0x600, 0x1700, 0x6F8, 0x6FC, 0x800]
