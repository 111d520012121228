"""Patterns, timing, tickets, and what happens to lines and frames that nobody takes in time."""

import cocotb
import numpy as np
from numpy.typing import NDArray

from ocellus.formats import RAW_BEAT, Pattern
from ocellus.settings import FrameFormat, ReadoutSettings
from ocellus_sim.cosim import Bench
from ocellus_sim.golden import readout as golden
from tb.frames import STALLS, assert_same, raw_beats, raw_words, stalls, tickets_of, unpacked

PICTURES = "readout pictures"
"""The group of these situations in tb/coverage.toml."""
PATTERNS = [pattern for pattern in Pattern if pattern is not Pattern.ARRAY]


class Stage:
    """The readout on the bench, between a pixel array that has frames to give and a sink."""

    def __init__(self, dut, seed: int, kind: str = "none", frames: int = 3, room: int = 0, tickets: int = 256):
        print(f"stalls {kind}, seed {seed}")
        self.bench = Bench(dut)
        self.bench.reset()
        self.frame: FrameFormat = self.bench.arguments["frame"]
        self.clock: int = self.bench.arguments.get("clock", 0)
        self.seed = seed
        self.quiet = 2 * self.frame.clocks_per_frame + 200
        self.words = self.frame.words_per_line * self.frame.height
        stall_in, stall_out = stalls(kind, seed)
        random = np.random.default_rng(seed)
        # No pixel is zero, so that a word of zeros is one that was lost.
        self.raw = random.integers(1, 1024, (frames, self.frame.height, self.frame.width)).astype(np.uint16)
        self.array = self.bench.source("i", stall=stall_in)
        self.out = self.bench.sink("o", room or frames * self.words + 1, stall=stall_out, stamps=True)
        self.tickets = self.bench.sink("o_ticket", tickets)

    def start(self, **settings) -> None:
        """Enable the readout: the first frame begins in the second clock from here."""
        self.bench.set("i_settings", ReadoutSettings(**settings).word())

    def stop(self, **settings) -> None:
        """Disable the readout and run until everything has left."""
        self.bench.set("i_settings", ReadoutSettings(enable=False, **settings).word())
        self.settle()

    def settle(self) -> None:
        """Run until nothing moves any more."""
        assert self.bench.run(4000 * self.quiet, idle=self.quiet) == "idle"

    def until(self, beats: int) -> None:
        """Run until so many beats have come."""
        limit = 100 * self.frame.clocks_per_frame + 1000
        assert self.bench.run(limit, until=self.out.reaches(beats)) == "reached", f"only {len(self.out)} beats came"


def lines_of(stage: Stage, words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Beats as frames (n, H, W), after a look at the marks of their ends."""
    assert len(words) % stage.words == 0, f"readout: {len(words)} beats are no whole frames of {stage.words}"
    beats = unpacked(RAW_BEAT, words)
    raw = beats["pixel"].reshape(-1, stage.frame.height, stage.frame.width)
    assert (raw_beats(raw) == words).all(), "readout: line or frame ends in the wrong place"
    return raw


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(how=["live", "waiting", "waiting, stalled"], pattern=PATTERNS)
async def patterns_equal_the_golden_model(dut, how: str, pattern: Pattern):
    """Each frame starts at its beginning, and is the same picture where it does not move; the array is not read."""
    live, kind = how == "live", "out" if "stalled" in how else "none"
    seed = cocotb.RANDOM_SEED
    stage = Stage(dut, seed, kind)
    solid = seed % 1024
    stage.array.send(raw_words(stage.raw[:1]))
    read = stage.bench.watch("i__ready")
    stage.start(live=live, pattern=pattern, solid=solid)
    stage.until(2 * stage.words + 1)
    stage.stop(live=live, pattern=pattern, solid=solid)
    got = lines_of(stage, stage.out.take())
    tickets = tickets_of(stage.tickets)
    stage.bench.cover([(PICTURES, f"{pattern.name.lower()}, {'live' if live else 'waiting'}")])
    if not live:
        # Live frames without vertical blanking are dropped in turn: the frame before still leaves.
        assert len(got) == 3
    counters = [ticket["frame_counter"] for ticket in tickets]
    settings = ReadoutSettings(pattern=pattern, solid=solid)
    want = np.stack([golden.pattern(stage.frame, settings, n) for n in counters]).astype(np.int64)
    assert_same(f"readout {pattern.name}", want, got, ("frame", "y", "x"))
    assert [ticket["test_pattern"] for ticket in tickets] == [1] * len(got)
    assert {ticket["lines_lost"] for ticket in tickets} == {0}
    assert [value for _, value in read.changes()] == [0], "the array is read during a pattern"


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(kind=list(STALLS))
async def waiting_loses_nothing(dut, kind: str):
    """Every pixel of the array arrives, whoever stalls."""
    stage = Stage(dut, cocotb.RANDOM_SEED, kind)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=False)
    stage.until(2 * stage.words + 1)
    stage.stop(live=False)
    assert_same("readout", stage.raw.astype(np.int64), lines_of(stage, stage.out.take()), ("frame", "y", "x"))
    assert stage.array.waiting == 0
    tickets = tickets_of(stage.tickets)
    assert [ticket["frame_counter"] for ticket in tickets] == [0, 1, 2]
    stage.bench.cover([(PICTURES, "array, waiting")])
    ends = stage.out.cycles()[stage.words - 1 :: stage.words].astype(int)
    for ticket, end in zip(tickets, ends, strict=True):
        assert ticket["readout_clocks"] == end - (ticket["timestamp"] - stage.clock) + 1
        assert (ticket["lines_lost"], ticket["frames_skipped"], ticket["test_pattern"]) == (0, 0, 0)


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(wait=[0, 1, 3990])
async def frames_keep_their_period_and_tickets_their_clocks(dut, wait: int):
    """Lines and frames begin exactly as the format says; the ticket's clocks are those seen from outside."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=5)
    frame = stage.frame
    stage.array.send(raw_words(stage.raw))
    stage.bench.run(wait)
    began = stage.bench.cycle
    stage.start(live=True)
    stage.until(len(stage.raw) * stage.words if frame.v_total > frame.height else stage.words)
    stage.stop(live=True)
    words = stage.out.take()
    stamps = stage.out.cycles().astype(np.int64).reshape(-1, frame.height, frame.words_per_line)
    tickets = tickets_of(stage.tickets)
    counters = np.array([ticket["frame_counter"] for ticket in tickets])
    timestamps = np.array([ticket["timestamp"] for ticket in tickets]) - stage.clock
    assert_same("readout", stage.raw[counters].astype(np.int64), lines_of(stage, words), ("frame", "y", "x"))
    assert (timestamps == began + 1 + counters * frame.clocks_per_frame).all(), f"frames begin at {timestamps}"
    # Two clocks from the array to o, then four pixels a clock and a line a line time.
    lines, columns = np.ogrid[: frame.height, : frame.words_per_line]
    steady = timestamps[:, None, None] + 2 + lines * frame.clocks_per_line + columns
    assert_same("clock of a beat", steady, stamps, ("frame", "line", "word"))
    for ticket, last in zip(tickets, stamps[:, -1, -1], strict=True):
        assert ticket["readout_clocks"] == last - (ticket["timestamp"] - stage.clock) + 1
        assert ticket["lines_lost"] == 0
    stage.bench.cover([(PICTURES, "array, live"), (PICTURES, "no line lost")])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_frame_begun_is_finished(dut):
    """Enable falls in the middle of the second frame: two frames leave, and later a third one begins."""
    stage = Stage(dut, cocotb.RANDOM_SEED)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=False)
    stage.until(stage.words + 1)
    stage.stop(live=False)
    stage.stop(live=False)
    assert len(stage.out) == 2 * stage.words
    stage.start(live=False)
    stage.bench.run(2)
    stage.stop(live=False)
    assert_same("readout", stage.raw.astype(np.int64), lines_of(stage, stage.out.take()), ("frame", "y", "x"))
    assert [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)] == [0, 1, 2]


@cocotb.test(timeout_time=500, timeout_unit="ms")
@cocotb.parametrize(kind=["out", "heavy"])
async def live_lines_are_whole_or_zero_and_counted(dut, kind: str):
    """Under heavy stalls each line is the array's or all zeros; the tickets say how many, and no frame goes missing."""
    begun = 12
    stage = Stage(dut, cocotb.RANDOM_SEED, kind, frames=begun + 2)
    clocks = begun * stage.frame.clocks_per_frame
    stage.array.send(raw_words(stage.raw))
    stage.start(live=True)
    stage.bench.run(clocks)
    stage.stop(live=True)
    got = lines_of(stage, stage.out.take())
    tickets = tickets_of(stage.tickets)
    assert len(got) == len(tickets)
    for frame, ticket in zip(got, tickets, strict=True):
        zero = (frame == 0).all(axis=1)
        want = stage.raw[ticket["frame_counter"]] * ~zero[:, None]
        assert_same(f"frame {ticket['frame_counter']}", want.astype(np.int64), frame, ("y", "x"))
        assert zero.sum() == ticket["lines_lost"]
    frames_begun = (len(stage.raw) * stage.words - stage.array.waiting) // stage.words
    dropped = frames_begun - len(tickets)
    said = sum(ticket["frames_skipped"] for ticket in tickets)
    after_last = frames_begun - 1 - tickets[-1]["frame_counter"]
    assert dropped - after_last <= said <= dropped, f"{dropped} frames dropped, the tickets say {said}"
    if stage.frame.height > 8:
        assert any(ticket["lines_lost"] for ticket in tickets), "this test is to lose lines, and lost none"
        stage.bench.cover([(PICTURES, "lines lost")])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_long_stall_drops_whole_frames_and_counts_them(dut):
    """Nothing is taken for more than three frame times: the frame that waits keeps its lines, the next are gone."""
    frames = 8
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=frames, room=2)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=True)
    stage.bench.run(2 + 3 * stage.frame.clocks_per_frame + stage.frame.clocks_per_line)
    assert len(stage.out) == 2
    words = [stage.out.take()]
    end = stage.bench.cycle + 2 * stage.frame.clocks_per_frame
    while stage.bench.run(end - stage.bench.cycle, until=stage.out.reaches(2)) == "reached":
        words.append(stage.out.take())
    stage.bench.set("i_settings", ReadoutSettings(enable=False, live=True).word())
    while stage.bench.run(stage.quiet, until=stage.out.reaches(2)) == "reached":
        words.append(stage.out.take())
    got = lines_of(stage, np.concatenate(words))
    tickets = tickets_of(stage.tickets)
    zero = (got == 0).all(axis=2)
    for frame, ticket, lost in zip(got, tickets, zero, strict=True):
        assert ticket["lines_lost"] == lost.sum()
        want = stage.raw[ticket["frame_counter"]] * ~lost[:, None]
        assert_same(f"frame {ticket['frame_counter']}", want.astype(np.int64), frame, ("y", "x"))
    assert not zero[0, :2].any(), "two lines fit into the store"
    assert tickets[0]["frame_counter"] == 0
    assert tickets[0]["frames_skipped"] >= 3
    stage.bench.cover([(PICTURES, "frames skipped")])
    assert tickets[1]["frame_counter"] == tickets[0]["frames_skipped"] + 1
    assert tickets[0]["readout_clocks"] > 3 * stage.frame.clocks_per_frame


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def words_that_the_array_owes_are_zeros_in_their_place(dut):
    """The array owes the first line's last word until the line is over: the word is zero, the line is counted."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=2)
    frame = stage.frame
    line = frame.words_per_line
    words = raw_words(stage.raw)
    stage.array.send(words[: line - 1])
    stage.start(live=True)
    stage.bench.run(1 + line)
    assert stage.array.waiting == 0
    stage.array.send(words[line - 1 :])
    stage.bench.run(frame.clocks_per_frame - line - 1)
    stage.stop(live=True)
    taken = np.insert(words, line - 1, 0)[: stage.words]
    got = stage.out.take()[: stage.words]
    want = np.stack([taken >> np.uint64(10 * at) & np.uint64(1023) for at in range(4)], axis=-1)
    assert_same("readout", want.reshape(-1, 4).astype(np.int64), unpacked(RAW_BEAT, got)["pixel"], ("word", "pixel"))
    assert tickets_of(stage.tickets)[0]["lines_lost"] == 1
    stage.bench.cover([(PICTURES, "word owed")])


@cocotb.test(timeout_time=500, timeout_unit="ms")
async def a_late_array_loses_a_line_once(dut):
    """An array that skips clocks at random: what came is in order, a line with any word of zeros is counted once."""
    stage = Stage(dut, cocotb.RANDOM_SEED, "in", frames=24)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=True)
    stage.bench.run(20 * stage.frame.clocks_per_frame)
    stage.stop(live=True)
    beats = unpacked(RAW_BEAT, stage.out.take())["pixel"].reshape(-1, stage.frame.height, stage.frame.words_per_line, 4)
    tickets = tickets_of(stage.tickets)
    missing = (beats == 0).all(axis=-1)
    assert missing.any()
    assert [ticket["lines_lost"] for ticket in tickets] == missing.any(axis=-1).sum(axis=-1).tolist()
    if stage.frame.v_total > stage.frame.height:  # no frame dropped
        came = beats[~missing]
        assert (came == stage.raw.reshape(-1, 4)[: len(came)]).all()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(live=[False, True])
async def two_tickets_may_wait(dut, live: bool):
    """With nobody taking tickets two frames leave; then live frames are dropped, waiting ones wait."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=13, tickets=1)  # the sink takes one, so three frames leave
    stage.array.send(raw_words(stage.raw))
    stage.start(live=live)
    stage.bench.run(8 * stage.frame.clocks_per_frame)
    assert len(stage.out) == 3 * stage.words, f"{len(stage.out)} beats left"
    tickets = []
    while len(tickets) < 6:
        assert stage.bench.run(3 * stage.frame.clocks_per_frame, until=stage.tickets.reaches(1)) == "reached"
        tickets += tickets_of(stage.tickets)
    counters = [ticket["frame_counter"] for ticket in tickets]
    skipped = [ticket["frames_skipped"] for ticket in tickets]
    got = lines_of(stage, stage.out.take()[: 6 * stage.words])
    assert_same("readout", stage.raw[counters].astype(np.int64), got, ("frame", "y", "x"))
    if live:
        # The first three left, and all that began before the first of their tickets was taken are told by the fourth.
        step = 1 if stage.frame.v_total > stage.frame.height else 2  # without blanking every other frame is dropped
        assert counters[:3] == [0, step, 2 * step]
        assert skipped[:3] == [0, step - 1, step - 1]
        assert skipped[3] == counters[3] - counters[2] - 1 >= 3
    else:
        assert counters == [0, 1, 2, 3, 4, 5]
        assert skipped == [0] * 6


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_ticket_leaves_in_the_clock_in_which_the_next_is_written(dut):
    """One waits while the next frame ends; it is taken a clock later each time, from before that to behind it."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=13, tickets=1)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=True)
    stage.until(stage.words)
    end, counters = stage.bench.cycle, []
    for n in range(2, 11):
        stage.bench.run(end + n * stage.frame.clocks_per_frame + n - 6 - stage.bench.cycle)
        counters += [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)]
    stage.stop(live=True)
    while left := tickets_of(stage.tickets):
        counters += [ticket["frame_counter"] for ticket in left]
        stage.bench.run(100)
    got = lines_of(stage, stage.out.take())
    assert_same("readout", stage.raw[counters].astype(np.int64), got, ("frame", "y", "x"))
    assert len(set(counters)) == len(counters) >= 6


@cocotb.test(timeout_time=500, timeout_unit="ms")
async def a_stall_of_millions_of_clocks_is_counted_to_its_end(dut):
    """The frame that waits knows how long it took; frames skipped behind it are counted, up to the counter's limit."""
    stage = Stage(dut, cocotb.RANDOM_SEED, room=1)
    clocks = min(66_000 * stage.frame.clocks_per_frame, 5_000_000)
    stage.start(live=True, pattern=Pattern.SOLID, solid=stage.seed % 1024)
    stage.bench.run(clocks)
    assert len(stage.out.take()) == 1
    last = 0
    while not (tickets := tickets_of(stage.tickets)):
        assert stage.bench.run(stage.quiet, until=stage.out.reaches(1)) == "reached"
        stage.out.take()
        last = stage.bench.cycle
        stage.bench.run(4)
    assert clocks < tickets[0]["readout_clocks"] <= last - (tickets[0]["timestamp"] - stage.clock) + 1
    assert tickets[0]["readout_clocks"] > last - (tickets[0]["timestamp"] - stage.clock) - 8
    dropped = (last - 2) // stage.frame.clocks_per_frame
    assert tickets[0]["frames_skipped"] in {min(dropped + n, 0xFFFF) for n in (-1, 0)}


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def two_lines_fit_into_the_store_while_nobody_takes(dut):
    """No more than a word leaves, and yet both are kept."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=1, room=1)
    stage.array.send(raw_words(stage.raw))
    stage.start(live=True)
    stage.bench.run(stage.frame.clocks_per_frame)
    stage.bench.set("i_settings", ReadoutSettings(enable=False, live=True).word())
    words = [stage.out.take()]
    while stage.bench.run(stage.quiet, until=stage.out.reaches(1)) == "reached":
        words.append(stage.out.take())
    lines = np.concatenate(words)[: 2 * stage.frame.words_per_line]
    assert (lines == raw_beats(stage.raw).ravel()[: len(lines)]).all()
