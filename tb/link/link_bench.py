"""Frames and records through the link, in every mode, compared with the golden packets byte for byte."""

import os
import zlib

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus.formats import Mode, PacketType
from ocellus.settings import FrameFormat
from ocellus_hdl.link.link import IMAGE_STORE_WORDS
from ocellus_sim.cosim import Bench, Stall
from ocellus_sim.golden import link as golden
from ocellus_sim.golden import readout

from .packets import packets_of, record_words, types_of

FRAME = FrameFormat(*(int(n) for n in os.environ["FRAME"].split(",")))
CAPACITY = 1 << 16
COUNTER = 0xFFFF_FFF0


GROUP = "link modes"
"""Of tb/coverage.toml."""
MODES = {Mode.METADATA: "metadata", Mode.IMAGE: "image", Mode.IMAGE_AND_METADATA: "image+metadata", 3: "reserved"}


class Stage:
    """The link on the bench, and the packets that have left it."""

    def __init__(self, dut, seed: int, mode: Mode | int, stall_in: float = 0.0, stall_out: float = 0.0):
        print(f"seed {seed}")
        self.random = np.random.default_rng(seed)
        self.bench = Bench(dut)
        self.bench.reset()
        self.bench.set("i_mode", int(mode))
        self.bench.set("i_frame_counter", COUNTER)
        self.image = self.bench.source("i_image", stall=Stall(stall_in, seed=seed))
        self.records = self.bench.source("i_record", np.zeros((0, 2), np.uint64), stall=Stall(stall_in, seed=seed + 1))
        self.out = self.bench.sink("o", CAPACITY, stall=Stall(stall_out, seed=seed + 2))

    def frame(self) -> NDArray[np.uint16]:
        """A random picture."""
        return self.random.integers(0, 1024, (FRAME.height, FRAME.width)).astype(np.uint16)

    def record(self, objects: int | None = None) -> bytes:
        """A record of random content, of which the link looks at the number of objects alone."""
        count = int(self.random.integers(0, 65)) if objects is None else objects
        body = bytearray(self.random.bytes(64 + 16 * count))
        body[6] = count
        return bytes(body)

    def send_frame(self, pixels: NDArray[np.uint16]) -> None:
        """Queue a picture."""
        self.image.send(readout.stream(pixels))

    def send_record(self, record: bytes) -> None:
        """Queue a record."""
        self.records.send(record_words(record))

    def is_empty(self, source) -> bool:
        """Whether the link has taken all that was queued."""
        return self.bench.run(1, until=source.empty) == "reached"

    def drain(self, cycles: int = 200_000) -> list[bytes]:
        """Run until nothing moves any more; the packets that left."""
        assert self.bench.run(cycles, idle=200) == "idle", f"the link still moves after {cycles} clocks"
        return packets_of(self.out.take())


def compare(
    got: list[bytes], images: list[NDArray[np.uint16]], records: list[bytes], counters: list[int] | None = None
) -> None:
    """Packets must be the golden ones in the order in which they left, and none may be missing."""
    order = types_of(got)
    assert order.count(PacketType.IMAGE_LINE) == sum(map(len, images)), "image packets are missing or too many"
    assert order.count(PacketType.RECORD) == len(records), "records are missing or too many"
    counters = counters or [COUNTER] * len(images)
    lines = [line for image, n in zip(images, counters, strict=True) for line in golden.lines([image], n)]
    for index, (want, packet) in enumerate(zip(golden.in_order(order, lines, records), got, strict=True)):
        assert len(packet) == len(want), f"link: packet {index}: expected {len(want)} bytes, got {len(packet)}"
        for at, (a, b) in enumerate(zip(want, packet, strict=True)):
            assert a == b, f"link: packet {index} ({order[index].name}), byte {at}: expected {a:#04x}, got {b:#04x}"


async def traffic(dut, seed: int, mode: Mode | int, stall_in: float, stall_out: float) -> None:
    """Three pictures and five records side by side."""
    stage = Stage(dut, seed, mode, stall_in, stall_out)
    frames = [stage.frame() for _ in range(3)]
    records = [stage.record(n) for n in (0, 64, 1, 17, 3)]
    for frame in frames:
        stage.send_frame(frame)
    for record in records:
        stage.send_record(record)
    got = stage.drain()
    assert stage.is_empty(stage.image)
    assert stage.is_empty(stage.records)
    shows_image = mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA)
    compare(got, frames if shows_image else [], records if mode != Mode.IMAGE else [])
    lengths = [(GROUP, "record of 64 objects"), (GROUP, "record without objects")] if mode != Mode.IMAGE else []
    stage.bench.cover([(GROUP, MODES[mode]), *lengths])


STALLS = {"no stalls": (0.0, 0.0), "stalls in": (0.5, 0.0), "stalls out": (0.0, 0.5), "stalls both": (0.4, 0.4)}


@cocotb.test(timeout_time=200, timeout_unit="ms")
@cocotb.parametrize(stalls=list(STALLS), mode=[0, 1, 2, 3])
async def test_every_mode_with_and_without_stalls(dut, stalls: str, mode: int):
    await traffic(dut, 100 + mode, mode, *STALLS[stalls])


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_metadata_mode_swallows_pictures_at_full_rate_while_the_output_stands(dut):
    """Nobody takes a word, and yet no beat waits longer than its frame's first clock."""
    stage = Stage(dut, 201, Mode.METADATA, stall_out=1.0)
    stage.send_record(stage.record())
    for _ in range(4):
        stage.send_frame(stage.frame())
    beats = 4 * FRAME.words_per_line * FRAME.height
    assert stage.bench.run(beats + 4 + 3, until=stage.image.empty) == "reached", "the swallowed picture is slowed down"


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_mode_change_in_a_frame_shows_with_the_next_frame(dut):
    """Open, close and open the door in the middle of frames; the frame counter counts at a frame's start as well."""
    stage = Stage(dut, 202, Mode.METADATA, stall_out=0.3)
    modes = [Mode.METADATA, Mode.IMAGE, Mode.IMAGE_AND_METADATA, 3, Mode.METADATA, Mode.IMAGE_AND_METADATA]
    half = FRAME.words_per_line * FRAME.height // 2 + 1
    shown: dict[int, NDArray[np.uint16]] = {}
    for mode, following in zip(modes, [*modes[1:], Mode.METADATA], strict=True):
        frame = stage.frame()
        words = readout.stream(frame)
        counter = int(stage.random.integers(0, 1 << 32))
        stage.bench.set("i_frame_counter", counter)
        stage.image.send(words[:half])
        assert stage.bench.run(20 * half + 400, idle=200) == "idle"
        stage.bench.set("i_mode", int(following))
        stage.bench.set("i_frame_counter", counter + 1 & 0xFFFF_FFFF)
        stage.image.send(words[half:])
        assert stage.bench.run(20 * half + 400, idle=200) == "idle"
        if mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA):
            shown[counter] = frame
    compare(packets_of(stage.out.take()), list(shown.values()), [], list(shown))
    stage.bench.cover([(GROUP, "changed amid a frame")])


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_mode_change_in_a_record_shows_with_the_next_record(dut):
    stage = Stage(dut, 203, Mode.METADATA)
    first, second, third = (stage.record(n) for n in (20, 4, 0))
    stage.send_record(first)
    assert stage.bench.run(300, until=stage.out.reaches(10)) == "reached"
    stage.bench.set("i_mode", int(Mode.IMAGE))
    stage.send_record(second)
    assert stage.bench.run(2000, idle=200) == "idle"
    assert stage.is_empty(stage.records)
    stage.bench.set("i_mode", int(Mode.IMAGE_AND_METADATA))
    stage.send_record(third)
    compare(stage.drain(), [], [first, third])
    stage.bench.cover([(GROUP, "changed amid a record")])


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_sequence_numbers_pass_255(dut):
    stage = Stage(dut, 204, Mode.METADATA)
    records = [stage.record(0) for _ in range(300)]
    for record in records:
        stage.send_record(record)
    compare(stage.drain(), [], records)
    stage.bench.cover([(GROUP, "sequence number past 255")])


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_slow_receiver_fills_the_store_and_loses_nothing(dut):
    """The packer stands still wherever it is in a line, before the line's last word too."""
    stage = Stage(dut, 207, Mode.IMAGE, stall_out=0.9)
    line_words = -(-(8 + FRAME.width * 5 // 4) // 8)
    frames = [stage.frame() for _ in range(max(2, 3 * IMAGE_STORE_WORDS // (FRAME.height * line_words)))]
    for frame in frames:
        stage.send_frame(frame)
    compare(stage.drain(), frames, [])
    stage.bench.cover([(GROUP, "store full")])


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_packet_worked_by_hand(dut):
    """The bytes of the first packet after reset, from docs/link.md and a checksum of zlib's."""
    stage = Stage(dut, 205, Mode.IMAGE_AND_METADATA)
    record = stage.record(1)
    stage.send_record(record)
    got = stage.drain()[0]
    body = bytes.fromhex("0e5c 01 00 50000000") + record
    assert got == body + zlib.crc32(body).to_bytes(4, "little") + bytes.fromhex("c0dec0de")

    frame = stage.frame()
    frame[0, :4] = 0x3FF, 0x001, 0x2AA, 0x154
    stage.send_frame(frame)
    got = stage.drain()[0]
    length = 8 + FRAME.width * 5 // 4
    opening = bytes.fromhex("0e5c 02 01") + length.to_bytes(4, "little")
    opening += COUNTER.to_bytes(4, "little") + bytes(2) + FRAME.width.to_bytes(2, "little")
    assert got[: len(opening)] == opening
    assert got[len(opening) : len(opening) + 5] == bytes([0xFF, 0x00, 0xAA, 0x55, 0b00_10_01_11])
    assert got[-8:] == zlib.crc32(got[:-8]).to_bytes(4, "little") + bytes.fromhex("c0dec0de")


@cocotb.test(timeout_time=200, timeout_unit="ms", skip=FRAME.width != 3840)
async def test_a_4k_line_and_the_longest_record_leave_in_a_line_time(dut):
    """Line after line in 1100 clocks each, a record of 64 objects with every one: the picture is never kept waiting."""
    stage = Stage(dut, 206, Mode.IMAGE_AND_METADATA)
    frame = stage.frame()
    words = readout.stream(frame).reshape(FRAME.height, -1)
    records = [stage.record(64) for _ in range(FRAME.height)]
    # A record that comes with a line's first beats makes most words wait; one in the middle waits for the packet.
    moments = [0, 1, 2, 40, 500, 900]
    for number, (line, record, moment) in enumerate(zip(words, records, moments, strict=True)):
        start = stage.bench.cycle
        stage.image.send(line)
        stage.bench.run(moment)
        stage.send_record(record)
        assert stage.bench.run(FRAME.clocks_per_line, until=stage.image.empty) == "reached"
        clocks = stage.bench.cycle - start
        assert clocks <= FRAME.words_per_line + 4, f"line {number}: {clocks} clocks for {FRAME.words_per_line} beats"
        stage.bench.run(FRAME.clocks_per_line - clocks)
    compare(stage.drain(), [frame], records)
