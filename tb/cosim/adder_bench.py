"""cocotb tests of the bench itself, on the queue that adds."""

import time

import cocotb
import numpy as np
from cocotb.triggers import Timer
from cocotb.utils import get_sim_time
from numpy.typing import NDArray

from ocellus_sim.cosim import Bench, Stall

PERIOD_PS = 13_468
WIDTHS = [7, 16, 32, 64, 65, 161]  # each of the ways in which Verilator stores a port


def words_of(rng: np.random.Generator, n: int, width: int) -> NDArray[np.uint64]:
    """Random payloads as the bench takes them."""
    k = (width + 63) // 64
    words = rng.integers(0, 2**64, (n, k), np.uint64, endpoint=False)
    words[:, -1] &= np.uint64((1 << (width - 64 * (k - 1))) - 1)
    return words[:, 0] if k == 1 else words


def integers(words: NDArray[np.uint64]) -> list[int]:
    """Payloads as Python's integers."""
    return [int.from_bytes(row.tobytes(), "little") for row in words]


def coins(probability: float, seed: int, n: int) -> list[bool]:
    """SplitMix64 from its definition: the stalls of ``n`` decisions."""
    state, drawn = seed, []
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        drawn.append((z ^ z >> 31) >> 32 < probability * 2**32)
    return drawn


@cocotb.test(timeout_time=10, timeout_unit="ms")
@cocotb.parametrize(width=WIDTHS, stall_in=[0.0, 0.4, 0.9], stall_out=[0.0, 0.4, 0.9])
async def every_beat_arrives_once_in_order(dut, width: int, stall_in: float, stall_out: float) -> None:
    """Payloads of any width, queued in two parts, through every mix of stalls; the sink is empty at the end."""
    bench = Bench(dut)
    rng = np.random.default_rng(cocotb.RANDOM_SEED)
    words = words_of(rng, 500, width)
    addend = int(rng.integers(1, 31)) << (width - 5)
    bench.reset()
    bench.set(f"w{width}__i_addend", addend)
    source = bench.source(f"w{width}__i", words[:300], stall=Stall(stall_in, seed=1))
    sink = bench.sink(f"w{width}__o", 600, stall=Stall(stall_out, seed=2), stamps=True)
    tap = bench.tap(f"w{width}__o_tap", 600)
    source.send(words[300:])
    assert bench.run(20_000, until=sink.reaches(500)) == "reached"
    assert source.waiting == 0
    clocks = bench.cycle
    expected = [(w + addend) % 2**width for w in integers(words)]
    assert integers(sink.take()) == expected
    assert integers(tap.take()) == expected
    stamps = sink.cycles().astype(np.int64)
    assert len(stamps) == 500
    assert np.all(np.diff(stamps) > 0)
    assert stamps[-1] == clocks - 1
    if stall_in == stall_out == 0:
        assert stamps[0] == 1
        assert clocks == 501
    assert bench.run(20, until=sink.reaches(1)) == "cycles"
    assert len(sink) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def stalls_follow_their_published_sequence(dut) -> None:
    """A sink alone stalls, then a source alone; bursts of any length draw the same."""
    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(100))
    sink = bench.sink("o", 100, stall=Stall(0.3, seed=77), stamps=True)
    while bench.run(7, until=sink.reaches(60)) != "reached":
        pass
    sink.take()
    free = [k for k, stalled in enumerate(coins(0.3, 77, 200)) if not stalled and k > 0]
    assert sink.cycles().tolist() == free[:60]

    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(100), stall=Stall(0.6, seed=78))
    tap = bench.tap("o_tap", 100, stamps=True)
    sink = bench.sink("o", 100)
    while bench.run(7, until=sink.reaches(60)) != "reached":
        pass
    tap.take()
    free = [k for k, stalled in enumerate(coins(0.6, 78, 400)) if not stalled]
    assert tap.cycles().tolist()[:60] == free[:60]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(width=WIDTHS)
async def ports_are_set_read_and_watched(dut, width: int) -> None:
    """Wide ports too; a watch notes each change with its clock; a condition stops before the clock it holds in."""
    bench = Bench(dut)
    top = f"w{width}__"
    bench.reset()
    assert bench.get(f"{top}i_addend") == 0
    high = 1 << (width - 1)
    bench.set(f"{top}i_addend", high | 3)
    assert bench.get(f"{top}i_addend") == high | 3
    level = bench.watch(f"{top}o_level")
    wide = bench.watch(f"{top}o_tap__payload")
    source = bench.source(f"{top}i", np.zeros((1, *[(width + 63) // 64] * (width > 64)), np.uint64))
    sink = bench.sink(f"{top}o", 1)
    assert bench.run(10, until=bench.port(f"{top}o__payload").equals(high | 3)) == "reached"
    assert (bench.cycle, bench.get(f"{top}o__valid"), bench.get(f"{top}o__payload")) == (1, 1, high | 3)
    assert bench.run(10, until=bench.port(f"{top}o__valid").equals(1)) == "reached"
    assert bench.cycle == 1
    assert bench.run(10, until=(source.empty, sink.reaches(1))) == "reached"
    assert bench.cycle == 2
    assert bench.run(10) == "cycles"
    assert level.changes() == [(0, 0), (1, 1), (2, 0)]
    assert wide.changes() == [(0, high | 3)]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_full_sink_waits_and_loses_nothing(dut) -> None:
    """Backpressure stands until a take makes room; idle ends the burst."""
    bench = Bench(dut)
    bench.reset()
    source = bench.source("i", np.arange(20))
    sink = bench.sink("o", 5)
    got: list[int] = []
    while len(got) < 20:
        assert bench.run(1000, idle=8) == "idle"
        assert bench.get("o__ready") == 0
        assert len(sink) == 5
        got += sink.take().tolist()
    assert got == list(range(20))
    assert source.sent == 20
    begin = bench.cycle
    assert bench.run(1000, idle=8) == "idle"
    assert bench.cycle - begin == 8


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_tap_without_room_is_an_error(dut) -> None:
    """A tap cannot hold the design, so a lost beat must not pass."""
    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(20))
    bench.sink("o", 20)
    bench.tap("o_tap", 19)
    try:
        bench.run(100)
    except OverflowError as error:
        assert "o_tap" in str(error)  # noqa: PT017 - pytest is not here
    else:
        raise AssertionError("The tap lost a beat in silence.")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def reset_offers_a_held_beat_again(dut) -> None:
    """A beat that was offered but not taken survives a reset; the clock count starts again."""
    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(10))
    bench.run(5)  # the queue holds beats 0 and 1, beat 2 waits
    assert (bench.cycle, bench.get("o_level"), bench.get("i__payload")) == (5, 2, 2)
    bench.reset()
    assert (bench.cycle, bench.get("o_level"), bench.get("i__valid")) == (0, 0, 0)
    sink = bench.sink("o", 10)
    bench.run(100, idle=5)
    assert sink.take().tolist() == list(range(2, 10))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def wrong_use_is_refused(dut) -> None:
    """Words that do not fit, ports that do not exist, two ends on a stream, and the like."""
    bench = Bench(dut)
    width = bench.arguments["width"]
    bench.reset()
    source = bench.source("i", ())
    bench.sink("o", 4)
    refused = 0
    for use in (
        lambda: source.send([1 << width] if width < 63 else np.zeros((2, 9))),
        lambda: source.send([-1]),
        lambda: source.send([0.5]),
        lambda: bench.set("i_addend", 1 << width),
        lambda: bench.set("o_level", 0),
        lambda: bench.get("i_addent"),
        lambda: bench.port("o_level").equals(4),
        lambda: bench.source("i", ()),
        lambda: bench.sink("o", 4),
        lambda: bench.sink("i", 4),
        lambda: Stall(1.5).threshold,
        lambda: bench.trace("no.vcd"),
    ):
        try:
            use()
        except (ValueError, TypeError, KeyError, RuntimeError, OverflowError):
            refused += 1
    assert refused == 12


@cocotb.test(timeout_time=100, timeout_unit="us")
async def timers_and_bursts_share_one_time(dut) -> None:
    """A burst moves cocotb's time on, cocotb's timers work between bursts and leave the clock alone."""
    bench = Bench(dut)
    bench.reset()
    begin = round(get_sim_time("ps"))
    for round_ in range(1, 4):
        bench.run(1000)
        assert round(get_sim_time("ps")) - begin == 1000 * PERIOD_PS * round_ + 500_000 * (round_ - 1)
        await Timer(500, "ns")
        assert bench.cycle == 1000 * round_
    assert int(dut.o_level.value) == bench.get("o_level") == 0


@cocotb.test(timeout_time=10, timeout_unit="sec")
async def a_million_clocks_are_one_call(dut) -> None:
    """Fast, and ended by ``cycles`` although the condition never holds."""
    bench = Bench(dut)
    bench.reset()
    n = 1_200_000
    words = np.random.default_rng(cocotb.RANDOM_SEED).integers(0, 1 << 16, n, np.uint64)
    bench.source("i", words)
    sink = bench.sink("o", n)
    seen: list[int] = []
    begin = time.perf_counter()
    assert bench.run(n, until=sink.reaches(n), progress=lambda b: seen.append(b.cycle)) == "cycles"
    seconds = time.perf_counter() - begin
    cocotb.log.info("%.0f ns a clock", seconds / n * 1e9)
    assert bench.cycle == n
    assert np.array_equal(sink.take(), words[: n - 1])
    assert len(seen) == n // (1 << 15)
    assert seconds < 5


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def waves_are_written_in_their_window(dut) -> None:
    """Ten clocks before, ten within and ten after the window."""
    bench = Bench(dut)
    bench.reset()
    bench.source("i", np.arange(10))
    bench.sink("o", 100)
    bench.run(10)
    begin = round(get_sim_time("ps"))
    bench.trace("window.vcd")
    bench.set("i_addend", 5)
    bench.run(10)
    end = round(get_sim_time("ps"))
    bench.trace_stop()
    bench.run(10)
    (bench.folder / "window.txt").write_text(f"{begin} {end}")
