"""Random pictures, windows and ratios through the tensor stage, and the frames that it lets in."""

from dataclasses import replace

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus.formats import TENSOR_BYTE
from ocellus.settings import FrameFormat, TensorSettings, Window
from ocellus_sim.cosim import Bench
from ocellus_sim.coverage.situations import tensor as situations
from ocellus_sim.golden import tensor as golden
from tb.frames import STALLS, assert_same, rgb_words, stalls, tensor_words, ticket_words, tickets_of, unpacked

FRAMES = 3
LARGEST = 64 * 64 * 3


class Stage:
    """The tensor stage on the bench; an accelerator that is free, and an array that can wait, until told otherwise."""

    def __init__(self, dut, seed: int, kind: str = "none", room: int = FRAMES * LARGEST, free: int = 1, live: int = 0):
        print(f"stalls {kind}, seed {seed}")
        self.bench = Bench(dut)
        self.bench.reset()
        self.frame: FrameFormat = self.bench.arguments["frame"]
        self.random = np.random.default_rng(seed)
        stall_in, stall_out = stalls(kind, seed)
        self.source = self.bench.source("i", stall=stall_in)
        self.out = self.bench.sink("o", room, stall=stall_out)
        self.tickets_in = self.bench.source("i_ticket", ticket_words([]))
        self.tickets = self.bench.sink("o_ticket", 1024)
        self.bench.set("i_free", free)
        self.bench.set("i_live", live)

    def set(self, settings: TensorSettings) -> None:
        """Put settings in, between frames."""
        self.bench.set("i_settings", settings.word())

    def pictures(self, count: int = FRAMES) -> NDArray[np.uint8]:
        """Random pictures; the first has only the darkest and the brightest levels."""
        shape = (count, self.frame.height // 2, self.frame.width // 2, 3)
        pictures = self.random.integers(0, 256, shape, np.uint8)
        pictures[0] = self.random.choice(np.array([0, 255], np.uint8), shape[1:])
        return pictures

    def send(self, pictures: NDArray[np.uint8], tickets: list[dict[str, int]] | None = None) -> None:
        """Queue pictures and their tickets."""
        self.source.send(rgb_words(pictures))
        self.tickets_in.send(ticket_words(tickets or [{"frame_counter": n} for n in range(len(pictures))]))

    def settle(self) -> None:
        """Run until nothing moves any more."""
        assert self.bench.run(10_000_000, idle=500) == "idle"

    def window(self) -> Window:
        """A random window."""
        x, width = self._span(self.frame.width // 2)
        y, height = self._span(self.frame.height // 2)
        return Window(2 * x, 2 * y, 2 * width, 2 * height)

    def _span(self, size: int) -> tuple[int, int]:
        first = int(self.random.integers(0, size))
        return first, int(self.random.integers(1, size - first + 1))


def scaled(window: Window, shape: tuple[int, int, int], **overrides) -> TensorSettings:
    """Settings of a usual network, or with some of them replaced."""
    settings = TensorSettings.scaled(window, shape, 1 / 255, -128, (0.0, 0.1, -0.1), (1.0, 0.9, 1.1))
    return replace(settings, **overrides)


def check(stage: Stage, settings: TensorSettings, pictures: NDArray[np.uint8]) -> None:
    """Same bytes, same ends."""
    want = np.stack([golden.scale(picture, settings) for picture in pictures])
    stage.bench.cover([("tensor frames", "let in"), *situations.of_settings(settings, stage.frame)])
    stage.bench.cover(s for picture in pictures for s in situations.of_picture(picture, settings))
    words = stage.out.take()
    assert len(words) == want.size, f"tensor: expected {want.size} bytes, got {len(words)}"
    got = unpacked(TENSOR_BYTE, words)["value"].reshape(want.shape)
    assert_same(f"tensor of {settings}", want, got, ("frame", "row", "column", "channel"))
    assert (words == tensor_words(want)).all(), "tensor: the end is in the wrong place"


def shapes(stage: Stage) -> list[tuple[Window, tuple[int, int, int]]]:
    """Windows and shapes on the corners: same size, down, up, both, one pixel, one row, one column, one channel."""
    width, height = stage.frame.width, stage.frame.height
    columns, rows = width // 2, height // 2
    whole = Window(0, 0, width, height)
    corner = Window(width - 2, height - 2, 2, 2)
    return [
        (whole, (rows, columns, 3)),
        (whole, (rows, columns, 1)),
        (whole, (max(rows // 2, 1), max(columns // 2, 1), 3)),
        (whole, (min(2 * rows, 64), min(2 * columns, 64), 3)),
        (whole, (rows + 1, max(columns - 1, 1), 3)),
        (whole, (max(rows - 1, 1), columns + 1, 1)),
        (whole, (1, 1, 3)),
        (whole, (1, 1, 1)),
        (whole, (17, 3, 3)),
        (whole, (3, 17, 3)),
        (corner, (1, 1, 3)),
        (corner, (5, 7, 3)),
        (Window(0, height - 2, width, 2), (3, 5, 3)),
        (Window(width - 2, 0, 2, height), (5, 3, 1)),
        (Window(0, 0, 2, 2), (2, 1, 1)),
    ]


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize(kind=list(STALLS))
async def corner_shapes_equal_the_golden_model(dut, kind: str):
    """Three pictures back to back for each window and shape."""
    stage = Stage(dut, cocotb.RANDOM_SEED, kind)
    for window, shape in shapes(stage):
        settings = scaled(window, shape)
        pictures = stage.pictures()
        stage.set(settings)
        stage.send(pictures)
        stage.settle()
        check(stage, settings, pictures)
        assert [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)] == list(range(FRAMES))


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize(kind=list(STALLS))
async def random_windows_equal_the_golden_model(dut, kind: str):
    """Any window to any shape, with any scale, mean and deviation."""
    stage = Stage(dut, cocotb.RANDOM_SEED, kind)
    for _ in range(12):
        shape = (int(stage.random.integers(1, 41)), int(stage.random.integers(1, 41)), int(stage.random.choice([1, 3])))
        settings = TensorSettings.scaled(
            stage.window(),
            shape,
            float(stage.random.uniform(0.002, 0.03)),
            int(stage.random.integers(-128, 128)),
            tuple(stage.random.uniform(-0.5, 1, 3).tolist()),
            tuple(stage.random.uniform(0.2, 2, 3).tolist()),
        )
        pictures = stage.pictures(2)
        stage.set(settings)
        stage.send(pictures)
        stage.settle()
        check(stage, settings, pictures)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def extreme_numbers_equal_the_golden_model(dut):
    """Multipliers, shifts and offsets at the ends of their ranges, whatever picture they make."""
    stage = Stage(dut, cocotb.RANDOM_SEED)
    last = (1 << 24) - 1
    far = (1 << 23) - 1
    whole = Window(0, 0, stage.frame.width, stage.frame.height)
    for multiplier in ((last, 1, 0), (1, last, 1 << 12), (1 << 23, (1 << 12) - 1, last)):
        for shift in (0, 1, 7, 8, 23, 31, 40, 55, 56):
            for offset in ((0, 0, 0), (-far - 1, far, -1), (127, -128, -127), (128 * 256, -129 * 256, 32767)):
                settings = scaled(whole, (2, 3, 3), multiplier=multiplier, shift=shift, offset=offset)
                pictures = stage.pictures(1)
                stage.set(settings)
                stage.send(pictures)
                stage.settle()
                check(stage, settings, pictures)
    assert tickets_of(stage.tickets)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def live_frames_are_dropped_while_the_accelerator_is_busy(dut):
    """Two frames find no memory: their pixels are swallowed at full rate, the third's ticket counts them and theirs."""
    stage = Stage(dut, cocotb.RANDOM_SEED, free=0, live=1)
    settings = scaled(Window(0, 0, stage.frame.width, stage.frame.height), (2, 2, 3))
    stage.set(settings)
    pictures = stage.pictures(4)
    tickets = [
        {"frame_counter": 10 + n, "frames_skipped": n, "lines_lost": 5 * n, "timestamp": n << 60} for n in range(4)
    ]
    stage.send(pictures[:2], tickets[:2])
    assert stage.bench.run(pictures[0].size // 3 * 2 + 8, until=stage.source.empty) == "reached"
    stage.settle()
    assert len(stage.out) == 0
    assert stage.tickets_in.waiting == 0
    stage.bench.set("i_free", 1)
    stage.send(pictures[2:], tickets[2:])
    stage.settle()
    check(stage, settings, pictures[2:])
    third, fourth = tickets_of(stage.tickets)
    assert third["frames_skipped"] == 2 + 0 + 1 + 2
    stage.bench.cover([("tensor frames", "dropped")])
    assert fourth["frames_skipped"] == 3
    for ticket, n in ((third, 2), (fourth, 3)):
        assert (ticket["frame_counter"], ticket["lines_lost"], ticket["timestamp"]) == (10 + n, 5 * n, n << 60)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def counts_of_skipped_frames_saturate(dut):
    """65535 and one more are 65535, on the way and in the ticket."""
    stage = Stage(dut, cocotb.RANDOM_SEED, free=0, live=1)
    stage.set(scaled(Window(0, 0, stage.frame.width, stage.frame.height), (1, 1, 1)))
    stage.send(stage.pictures(2), [{"frames_skipped": 65530}, {"frames_skipped": 10}])
    stage.settle()
    stage.bench.set("i_free", 1)
    stage.send(stage.pictures(2), [{"frames_skipped": 1}, {"frames_skipped": 40_000}])
    stage.settle()
    assert [ticket["frames_skipped"] for ticket in tickets_of(stage.tickets)] == [65535, 40_000]
    stage.bench.cover([("tensor frames", "count saturates")])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def frames_wait_for_the_accelerator_where_the_array_can(dut):
    """Not one pixel is taken until there is memory; what the free memory did in mid-frame does not matter."""
    stage = Stage(dut, cocotb.RANDOM_SEED, free=0)
    settings = scaled(Window(0, 0, stage.frame.width, stage.frame.height), (2, 2, 3))
    stage.set(settings)
    pictures = stage.pictures(2)
    stage.send(pictures)
    stage.bench.run(1000)
    assert stage.source.sent == 0
    stage.bench.cover([("tensor frames", "wait")])
    stage.bench.set("i_free", 1)
    stage.bench.run(4)
    assert 0 < stage.source.sent < 4
    stage.bench.set("i_free", 0)
    stage.settle()
    assert stage.source.waiting == pictures[0].size // 3
    check(stage, settings, pictures[:1])
    assert [ticket["frames_skipped"] for ticket in tickets_of(stage.tickets)] == [0]
    stage.bench.set("i_free", 1)
    stage.settle()
    check(stage, settings, pictures[1:])


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(live=[0, 1])
async def a_ticket_follows_its_tensors_last_byte(dut, live: int):
    """With one byte left to take there is no ticket, and the next frame waits for both."""
    stage = Stage(dut, cocotb.RANDOM_SEED, room=11, live=live)
    settings = scaled(Window(0, 0, 2, 2), (2, 2, 3))
    stage.set(settings)
    pictures = stage.pictures(2)
    stage.send(pictures)
    stage.settle()
    pixels = pictures[0].size // 3
    assert len(stage.out) == 11
    assert len(stage.tickets) == 0
    assert stage.source.sent == pixels
    first = stage.out.take()
    assert stage.bench.run(100, until=stage.out.reaches(1)) == "reached"
    assert len(stage.tickets) == 0
    assert stage.bench.run(100, until=stage.tickets.reaches(1)) == "reached"
    last = stage.out.take()
    got = unpacked(TENSOR_BYTE, np.concatenate([first, last[:1]]))["value"]
    assert (got == golden.scale(pictures[0], settings).ravel()).all()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_ticket_that_comes_late_holds_the_next_frame(dut):
    """Pixels and bytes are done, the ticket is not there: the next frame's first pixel waits."""
    stage = Stage(dut, cocotb.RANDOM_SEED)
    settings = scaled(Window(0, 0, 2, 2), (1, 1, 3))
    stage.set(settings)
    pictures = stage.pictures(2)
    stage.source.send(rgb_words(pictures))
    stage.settle()
    assert stage.source.sent == pictures[0].size // 3
    stage.tickets_in.send(ticket_words([{"frame_counter": 7}, {"frame_counter": 8}]))
    stage.settle()
    check(stage, settings, pictures)
    assert [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)] == [7, 8]
    stage.bench.cover([("tensor frames", "ticket late")])
