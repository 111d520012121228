"""Random and hand-worked tensors through the metadata stage, compared with the golden records byte for byte."""

import zlib
from dataclasses import replace

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.formats import Head, RecordFlag
from ocellus.program_formats import CNN_SPENT
from ocellus.settings import FrameFormat, MetadataSettings, Window
from ocellus_sim.cosim import Bench, Stall
from ocellus_sim.coverage.situations import metadata as situations
from ocellus_sim.golden import metadata as golden
from ocellus_sim.golden.sensor import UNSPENT

FRAME = FrameFormat()
WINDOW = Window(120, 60, 3600, 2040)
CAPACITY = 4096


class Stage:
    """The stage on the bench, fed with tensors and tickets, and the records that it owes."""

    def __init__(self, dut, seed: int, stall_in: float = 0.0, stall_out: float = 0.0):
        print(f"seed {seed}")
        self.random = np.random.default_rng(seed)
        self.bench = Bench(dut)
        self.bench.reset()
        self.tensors = self.bench.source("i", stall=Stall(stall_in, seed=seed))
        self.tickets = self.bench.source("i_ticket", np.zeros((0, 3), np.uint64), stall=Stall(stall_in, seed=seed + 1))
        self.records = self.bench.sink("o", CAPACITY, stall=Stall(stall_out, seed=seed + 2))
        self.case = 0

    def ticket(self, **fields: int) -> dict[str, int]:
        """A ticket with random numbers; ``fields`` are set as given."""
        bits = {f.name: f.bits for f in formats.TICKET.fields}
        words = self.random.integers(0, 1 << 63, len(bits), dtype=np.uint64)
        return {name: int(w) % (1 << b) for (name, b), w in zip(bits.items(), words, strict=True)} | fields

    def run(self, cycles: int = 400_000) -> bytes:
        """Run until a record has left; its bytes."""
        before = self.bench.cycle
        stopped = self.bench.run(cycles, until=self.records.reaches(1))
        assert stopped == "reached", f"no record in {cycles} clocks"
        words = []
        while not words or not words[-1][1]:
            words += list(self.records.take())
            if not words[-1][1]:
                self.bench.run(4000, until=self.records.reaches(1))
                assert self.bench.cycle - before < cycles, "the record has no end"
        return b"".join(int(w).to_bytes(8, "little") for w, _ in words)

    def check(self, tensor: NDArray[np.int8], settings: MetadataSettings, **fields: int) -> dict[str, int]:
        """Send one tensor with its ticket; the record must be the golden one. Its header."""
        ticket = self.ticket(**fields)
        network_id, clocks, *ways = (int(n) for n in self.random.integers(0, 1 << 32, 2 + len(CNN_SPENT.fields)))
        spent = {f.name: way for f, way in zip(CNN_SPENT.fields, ways, strict=True)}
        self.bench.set("i_settings", settings.word())
        self.bench.set("i_network_id", network_id)
        self.bench.set("i_inference_clocks", clocks)
        self.bench.set("i_spent", CNN_SPENT.pack(spent))
        self.tickets.send(ticket_words(ticket))
        self.tensors.send(tensor_words(tensor))
        got = self.run()
        want = golden.record(ticket, tensor, network_id, clocks, spent, settings)
        compare(self.case, tensor, settings, want, got)
        self.bench.cover(situations.of_record(got, settings))
        self.case += 1
        return header_of(got)

    def rest(self) -> None:
        """Nothing more may come."""
        self.bench.run(3000)
        assert len(self.records.take()) == 0, "words after the last record"


def tensor_words(values) -> NDArray[np.uint64]:
    """``TENSOR_BYTE`` words of a tensor."""
    words = np.asarray(values, np.int8).reshape(-1).view(np.uint8).astype(np.uint64)
    if len(words):
        words[-1] |= np.uint64(1 << 8)
    return words


def ticket_words(ticket: dict[str, int]) -> NDArray[np.uint64]:
    """``TICKET`` words, low word first."""
    return np.array([formats.TICKET.words(ticket, 64)], np.uint64)


def header_of(record: bytes) -> dict[str, int]:
    """The record's header fields."""
    return formats.RECORD_HEADER.unpack(int.from_bytes(record[:56], "little"))


def objects_of(record: bytes) -> list[dict[str, int]]:
    """The record's objects."""
    return [
        formats.OBJECT.unpack(int.from_bytes(record[at : at + 16], "little")) for at in range(56, len(record) - 8, 16)
    ]


def compare(case: int, tensor: NDArray[np.int8], settings: MetadataSettings, want: bytes, got: bytes) -> None:
    """Name the first field that differs."""
    if want == got:
        return
    where = f"metadata: case {case}, {settings}, tensor {tensor.shape}"
    for name, value in header_of(want).items():
        assert header_of(got)[name] == value, f"{where}: header.{name}: expected {value}, got {header_of(got)[name]}"
    for index, (a, b) in enumerate(zip(objects_of(want), objects_of(got), strict=True)):
        assert a == b, f"{where}: object {index}: expected {a}, got {b}"
    raise AssertionError(f"{where}: trailer: expected {want[-8:].hex()}, got {got[-8:].hex()}")


def window(random: np.random.Generator) -> Window:
    """Any window of the frame."""
    x, y = int(random.integers(FRAME.width // 2)), int(random.integers(FRAME.height // 2))
    width, height = (int(random.integers(1, n + 1)) for n in (FRAME.width // 2 - x, FRAME.height // 2 - y))
    return Window(2 * x, 2 * y, 2 * width, 2 * height)


def heatmap_settings(random: np.random.Generator, rows: int, columns: int, classes: int) -> MetadataSettings:
    """Random settings of a grid, extreme ones among them."""
    settings = MetadataSettings.heatmap(
        FRAME,
        window(random),
        (rows, columns),
        classes,
        threshold=0,
        scale=float(random.choice([0.004, 0.05, 1.0])),
        zero_point=0,
    )
    settings = replace(settings, threshold=int(random.integers(-128, 60)), zero_point=int(random.integers(-128, 128)))
    if random.random() < 0.3:
        settings = replace(
            settings, step_x=(1 << 20) - 1, step_y=int(random.integers(0, 1 << 20)), half_cell_x=(1 << 20) - 1
        )
    return settings


def heatmap(random: np.random.Generator, rows: int, columns: int, classes: int, levels: int = 256) -> NDArray[np.int8]:
    """A heat map with plateaus when ``levels`` is small."""
    values = random.integers(0, levels, (rows, columns, classes + 4)) * (255 // (levels - 1)) - 128
    return values.astype(np.int8)


async def vectors(dut, seed: int, stall_in: float = 0.0, stall_out: float = 0.0) -> None:
    """Vectors of corner lengths with ties."""
    stage = Stage(dut, seed, stall_in, stall_out)
    for length in (1, 2, 3, 15, 16, 17, 40, 256, 1001):
        for top_k in sorted({1, 5, 16, int(stage.random.integers(1, 17))}):
            levels = int(stage.random.choice([1, 3, 256]))
            tensor = stage.random.integers(0, levels, length).astype(np.uint8).view(np.int8)
            header = stage.check(tensor, MetadataSettings.vector(FRAME, window(stage.random), top_k))
            assert header["object_count"] == min(length, top_k)
            assert header["flags"] & RecordFlag.VECTOR
    stage.rest()


async def heatmaps(dut, seed: int, stall_in: float = 0.0, stall_out: float = 0.0, count: int = 30) -> None:
    """Heat maps of corner shapes, values with and without plateaus."""
    stage = Stage(dut, seed, stall_in, stall_out)
    shapes = [(1, 1, 1), (1, 9, 2), (9, 1, 2), (2, 2, 16), (3, 3, 1), (2, 51, 16), (1, 1, 16), (5, 204, 1)]
    for case in range(count):
        random = stage.random
        rows, columns, classes = (
            shapes[case] if case < len(shapes) else (int(n) for n in random.integers((1, 1, 1), (13, 13, 7)))
        )
        tensor = heatmap(random, rows, columns, classes, int(random.choice([2, 3, 5, 256])))
        stage.check(tensor, heatmap_settings(random, rows, columns, classes))
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_vectors_without_stalls(dut):
    await vectors(dut, 11)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_vectors_with_stalls_on_both_sides(dut):
    await vectors(dut, 12, 0.4, 0.4)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_heat_maps_without_stalls(dut):
    await heatmaps(dut, 21)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_heat_maps_with_stalls_in(dut):
    await heatmaps(dut, 22, stall_in=0.5, count=16)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_heat_maps_with_stalls_out(dut):
    await heatmaps(dut, 23, stall_out=0.6, count=16)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_heat_maps_with_stalls_on_both_sides(dut):
    await heatmaps(dut, 24, 0.3, 0.7, count=16)


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_slope_of_255_rows_has_one_peak(dut):
    """Every cell but the first has a larger one above it, whatever its row."""
    stage = Stage(dut, 25)
    tensor = np.zeros((255, 1, 5), np.int8)
    tensor[:, 0, 0] = 127 - np.arange(255)
    settings = MetadataSettings.heatmap(FRAME, WINDOW, (255, 1), 1, threshold=0, scale=0.05, zero_point=0)
    header = stage.check(tensor, replace(settings, threshold=-128))
    assert header["object_count"] == 1
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_record_keeps_64_objects_and_flags_the_65th(dut):
    """Isolated peaks, so that their number is known."""
    stage = Stage(dut, 31)
    for peaks in (0, 1, 63, 64, 65, 100):
        tensor = np.full((20, 20, 5), -128, np.int8)
        for n in range(peaks):
            tensor[n // 10 * 2, n % 10 * 2, 0] = 50
        settings = replace(heatmap_settings(stage.random, 20, 20, 1), threshold=-127)
        header = stage.check(tensor, settings, lines_lost=0, frames_skipped=0, test_pattern=0)
        assert header["object_count"] == min(peaks, 64)
        assert header["length"] == 64 + 16 * min(peaks, 64)
        assert header["flags"] == (RecordFlag.OBJECTS_OVERFLOW if peaks > 64 else 0)
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_flags_follow_the_ticket(dut):
    stage = Stage(dut, 32)
    settings = MetadataSettings.vector(FRAME, WINDOW)
    for lost, skipped, pattern in ((0, 0, 0), (1, 0, 0), (0, 65535, 0), (0, 0, 1), (65535, 1, 1)):
        header = stage.check(
            np.array([7], np.int8), settings, lines_lost=lost, frames_skipped=skipped, test_pattern=pattern
        )
        want = RecordFlag.VECTOR
        want |= RecordFlag.LINES_LOST if lost else 0
        want |= RecordFlag.FRAMES_SKIPPED if skipped else 0
        want |= RecordFlag.TEST_PATTERN if pattern else 0
        assert header["flags"] == want
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_record_worked_by_hand(dut):
    """One peak of a 2x2 grid: every number below was worked out on paper from docs/metadata.md."""
    stage = Stage(dut, 33)
    settings = MetadataSettings(
        Head.HEATMAP, frame_w=64, frame_h=36, origin_x=8, origin_y=4, window_w=48, window_h=28,
        grid_w=2, grid_h=2, classes=1, threshold=10, zero_point=-3,
        half_cell_x=12 << 8, half_cell_y=7 << 8, step_x=128, step_y=100,
    )  # fmt: skip
    tensor = np.array([[[9, 0, 0, 0, 0], [10, 1, 1, 1, 1]], [[20, 4, -8, 13, -120], [10, 2, 2, 2, 2]]], np.int8)
    ticket = {"frame_counter": 5, "timestamp": 0x1122334455667788, "readout_clocks": 77}
    stage.bench.set("i_settings", settings.word())
    stage.bench.set("i_network_id", 0xABCD)
    stage.bench.set("i_inference_clocks", 99)
    stage.bench.set("i_spent", 0xF00D << 96 | 0xE0000002 << 64 | 0xD1 << 32 | 0xC0FFEE)
    stage.tickets.send(ticket_words(ticket))
    stage.tensors.send(tensor_words(tensor))
    got = stage.run()

    # x: (8 + 12) * 256 + (4 + 3) * 128 = 6016, centre (6016 + 128) >> 8 = 24; half (13 + 3) * 128 / 2 = 1024: 20 to 28.
    # y: (4 + 3 * 7) * 256 + (-8 + 3) * 100 = 5900, centre 6028 >> 8 = 23; a height below zero counts as none.
    body = bytes.fromhex(
        "4f43454c" "02 00 01 00" "50000000" "05000000" "8877665544332211" "cdab0000" "4d000000" "63000000" "0000 0000"
        "eeffc000" "d1000000" "020000e0" "0df00000"
        "0000 1400 1800 1700 1400 1700 0800 0000"
    )  # fmt: skip
    assert got == body + zlib.crc32(body).to_bytes(4, "little") + b"LECO"
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_tickets_wait_for_tensors_and_tensors_for_tickets(dut):
    stage = Stage(dut, 34)
    settings = MetadataSettings.vector(FRAME, WINDOW, 3)
    stage.bench.set("i_settings", settings.word())
    stage.bench.set("i_network_id", 1)
    stage.bench.set("i_inference_clocks", 2)
    tickets = [stage.ticket() for _ in range(5)]
    tensors = [stage.random.integers(-128, 128, 20).astype(np.int8) for _ in range(5)]
    spent = [{"busy": 3, "weights": 4, "requantiser": 5, "input": 6}, dict.fromkeys(UNSPENT, 0x99999999)]
    stage.bench.set("i_spent", CNN_SPENT.pack(spent[0]))
    want = [golden.record(tickets[0], tensors[0], 1, 2, spent[0], settings)]
    want += [golden.record(k, t, 1, 7, spent[1], settings) for k, t in zip(tickets[1:], tensors[1:], strict=True)]

    stage.tensors.send(tensor_words(tensors[0]))
    stage.tensors.send(tensor_words(tensors[1]))
    stage.bench.run(500)
    assert len(stage.records.take()) == 0, "a record without its ticket"
    # What is counted of the second tensor belongs to its record alone.
    stage.bench.set("i_inference_clocks", 7)
    stage.bench.set("i_spent", CNN_SPENT.pack(spent[1]))
    stage.tickets.send(ticket_words(tickets[0]))
    assert stage.run() == want[0]
    stage.bench.run(500)
    assert len(stage.records.take()) == 0, "a record without its ticket"

    # The second tensor waits for its ticket; with it two more find room, the fourth has to wait.
    for ticket in tickets[1:]:
        stage.tickets.send(ticket_words(ticket))
    assert stage.run() == want[1]
    assert stage.bench.run(500, until=stage.tickets.empty) == "cycles", "more than two tickets wait"
    for n in (2, 3, 4):
        stage.tensors.send(tensor_words(tensors[n]))
        assert stage.run() == want[n]
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_tensor_of_another_size_does_not_stop_the_stage(dut):
    """Bytes beyond the grid are swallowed, a row cut short is not there."""
    stage = Stage(dut, 35)
    settings = heatmap_settings(stage.random, 4, 5, 2)
    whole = heatmap(stage.random, 6, 5, 2)
    for values, rows in ((whole.reshape(-1)[:150], 4), (whole.reshape(-1)[:95], 3), (whole.reshape(-1)[:7], 0)):
        stage.bench.set("i_settings", settings.word())
        stage.tickets.send(ticket_words({}))
        stage.tensors.send(tensor_words(values))
        got = stage.run()
        if rows:
            seen = golden.record(stage.ticket(), whole[:rows], 0, 0, UNSPENT, replace(settings, grid_h=rows))
            assert objects_of(got) == objects_of(seen)
        else:
            assert objects_of(got) == []
    stage.check(whole[:4], settings)
    stage.rest()


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def test_a_score_below_the_threshold_costs_a_clock(dut):
    """A map whose record must leave within a clock for each byte, a row more to look through, and two placings."""
    stage = Stage(dut, 36)
    rows, columns, classes = 36, 64, 6
    tensor = np.full((rows, columns, classes + 4), -128, np.int8)
    tensor[5, 7, 2] = tensor[30, 60, 0] = 100
    settings = replace(heatmap_settings(stage.random, rows, columns, classes), threshold=0)
    start = stage.bench.cycle
    stage.check(tensor, settings)
    clocks = stage.bench.cycle - start
    assert clocks < tensor.size + columns * classes + 600, f"{clocks} clocks for {tensor.size} bytes"
