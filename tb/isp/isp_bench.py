"""Random frames and settings through the isp, compared with the golden model pixel for pixel."""

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus.formats import RGB_PIXEL
from ocellus.settings import FrameFormat, IspSettings
from ocellus_sim.cosim import Bench
from ocellus_sim.coverage.situations import isp as situations
from ocellus_sim.golden import isp as golden
from tb.frames import STALLS, Words, assert_same, gamma_writes, raw_beats, rgb_words, stalls, unpacked

FRAMES = 3
MATRIX_LIMIT = 2048


def random_settings(random: np.random.Generator, extreme: bool) -> IspSettings:
    """Settings that reach every clamp (``extreme``), or those of a camera."""
    gamma = tuple(tuple(random.integers(0, 256, 1024).tolist()) for _ in range(3))
    if extreme:
        return IspSettings(
            tuple(random.choice([0, 1, 511, 1023], 4).tolist()),
            tuple(random.choice([0, 1, 255, 4095], 4).tolist()),
            tuple(random.choice([-MATRIX_LIMIT, -1, 0, 1, MATRIX_LIMIT - 1], 9).tolist()),
            gamma,
        )
    return IspSettings(
        tuple(random.integers(0, 200, 4).tolist()),
        tuple(random.integers(200, 900, 4).tolist()),
        tuple(random.integers(-150, 400, 9).tolist()),
        gamma,
    )


class Stage:
    """The isp on the bench."""

    def __init__(self, dut, kind: str, seed: int):
        print(f"stalls {kind}, seed {seed}")
        self.bench = Bench(dut)
        self.bench.reset()
        self.frame: FrameFormat = self.bench.arguments["frame"]
        stall_in, stall_out = stalls(kind, seed)
        self.pixels = FRAMES * self.frame.width * self.frame.height // 4
        self.gamma = self.bench.source("i_gamma")
        self.source = self.bench.source("i", stall=stall_in)
        self.out = self.bench.sink("o", self.pixels + 1, stall=stall_out, stamps=True)

    def set(self, settings: IspSettings) -> None:
        """Put settings and tables in."""
        self.bench.set("i_settings", settings.word())
        self.gamma.send(gamma_writes(settings.gamma))
        assert self.bench.run(4000, until=self.gamma.empty) == "reached"

    def through(self, raw: NDArray[np.uint16]) -> Words:
        """What comes out for some frames, and nothing after it."""
        self.source.send(raw_beats(raw))
        self.bench.run(60 * raw.size + 1000, idle=200)
        assert self.source.waiting == 0, f"the isp left {self.source.waiting} words"
        return self.out.take()


def check(settings: IspSettings, raw: NDArray[np.uint16], words: Words) -> None:
    """Same pixels, same line and frame ends."""
    want = np.stack([golden.process(frame, settings) for frame in raw])
    beats = unpacked(RGB_PIXEL, words)
    got = np.stack([beats[colour] for colour in ("red", "green", "blue")], axis=-1)
    assert len(got) == want.size // 3, f"isp: expected {want.size // 3} pixels, got {len(got)}"
    assert_same("isp", want, got.reshape(want.shape), ("frame", "y", "x", "channel"))
    assert (words == rgb_words(want)).all(), "isp: line or frame ends in the wrong place"


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(kind=list(STALLS))
async def frames_equal_the_golden_model(dut, kind: str):
    """Frames back to back; settings change when the stage is empty."""
    seed = cocotb.RANDOM_SEED
    random = np.random.default_rng(seed)
    stage = Stage(dut, kind, seed)
    for round_ in range(6):
        settings = random_settings(random, extreme=round_ % 2 == 0)
        raw = random.integers(0, 1024, (FRAMES, stage.frame.height, stage.frame.width)).astype(np.uint16)
        raw[0] = random.choice([0, 1, 1022, 1023], raw[0].shape)
        stage.set(settings)
        stage.bench.cover(situations.of_pictures(raw, settings))
        check(settings, raw, stage.through(raw))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def each_site_takes_its_own_settings(dut):
    """One site lit at a time, worked by hand: (300 - 100) * 1.5 is 300, and a lone green counts half."""
    stage = Stage(dut, "none", 1)
    identity = tuple(tuple(min(255, linear // 2) for linear in range(1024)) for _ in range(3))
    settings = IspSettings((100,) * 4, (384,) * 4, (256, 0, 0, 0, 256, 0, 0, 0, 256), identity)
    stage.set(settings)
    sites = {(0, 0): (150, 0, 0), (0, 1): (0, 75, 0), (1, 0): (0, 75, 0), (1, 1): (0, 0, 150)}
    for (y, x), level in sites.items():
        raw = np.zeros((1, stage.frame.height, stage.frame.width), np.uint16)
        raw[:, y::2, x::2] = 300
        want = np.broadcast_to(np.array(level), (1, stage.frame.height // 2, stage.frame.width // 2, 3))
        got = stage.through(raw)
        assert (got == rgb_words(want)).all(), f"site ({y}, {x}): expected {level}, got {unpacked(RGB_PIXEL, got)}"


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def eleven_clocks_from_a_quad_to_its_pixel(dut):
    """The first pixel leaves eleven clocks after the second line's first word was taken, and then one a clock."""
    stage = Stage(dut, "none", 3)
    stage.set(IspSettings())
    began = stage.bench.cycle
    stage.through(np.full((1, stage.frame.height, stage.frame.width), 500, np.uint16))
    first = began + stage.frame.words_per_line + 11
    assert (stage.out.cycles()[: stage.frame.width // 2] == first + np.arange(stage.frame.width // 2)).all()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def gamma_tables_of_other_channels_stay(dut):
    """Writing one channel's entry changes that channel's pixels alone; channel 3 changes nothing."""
    stage = Stage(dut, "none", 2)
    stage.set(IspSettings((0,) * 4, (256,) * 4, (256, 0, 0, 0, 256, 0, 0, 0, 256), (tuple([7] * 1024),) * 3))
    raw = np.full((1, stage.frame.height, stage.frame.width), 500, np.uint16)
    write = {"channel": 1, "index": 500, "level": 99}
    stage.gamma.send(np.array([write["channel"] | write["index"] << 2 | write["level"] << 12], np.uint64))
    stage.gamma.send(np.array([3 | 500 << 2 | 55 << 12], np.uint64))
    assert stage.bench.run(10, until=stage.gamma.empty) == "reached"
    levels = unpacked(RGB_PIXEL, stage.through(raw))
    assert (levels["red"] == 7).all()
    assert (levels["green"] == 99).all()
    assert (levels["blue"] == 7).all()


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def lines_at_full_rate_are_never_held_up(dut):
    """A word of each line a clock, then the blanking: what readout delivers is taken at once."""
    stage = Stage(dut, "none", 4)
    stage.set(IspSettings())
    frame = stage.frame
    raw = np.random.default_rng(4).integers(0, 1024, (2, frame.height, frame.width)).astype(np.uint16)
    for number, line in enumerate(raw_beats(raw).reshape(-1, frame.words_per_line)):
        stage.source.send(line)
        took = stage.bench.cycle
        assert stage.bench.run(frame.words_per_line + 1, until=stage.source.empty) == "reached", f"line {number} waits"
        stage.bench.run(frame.clocks_per_line - (stage.bench.cycle - took))
