"""The moving production line: every pixel of many frames, and the frames that begin before it is ready."""

import cocotb
import numpy as np

from ocellus.formats import Pattern
from ocellus_sim.cosim import Bench
from ocellus_sim.golden import line
from tb.frames import assert_same, tickets_of
from tb.readout.readout_bench import Stage, lines_of

LONG = {8: 65_540, 64: 1_030, 128: 4, 3840: 2}
"""Frames by their width: past the number's end and once around the belt, where they are small."""


@cocotb.test(timeout_time=4000, timeout_unit="ms")
async def every_frame_is_the_golden_one(dut):
    """Nothing stalls; of more than 2000 frames those around the numbers' ends and every hundredth are compared."""
    frame = Bench(dut).arguments["frame"]
    count = LONG[frame.width]
    words = frame.words_per_line * frame.height
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=1, room=count * words, tickets=count)
    stage.start(live=False, pattern=Pattern.LINE)
    limit = (count + 1) * stage.frame.clocks_per_frame
    assert stage.bench.run(limit, until=stage.out.reaches((count - 1) * stage.words + 1)) == "reached"
    stage.stop(live=False, pattern=Pattern.LINE)
    got = lines_of(stage, stage.out.take())
    assert [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)] == list(range(count))
    near = [n for n in range(count) if count <= 2000 or n % 100 == 0 or min(n % 1024, -n % 1024) < 3]
    for n in near:
        assert_same(f"line, frame {n}", line.draw(stage.frame, n).astype(np.int64), got[n], ("y", "x"))


@cocotb.test(timeout_time=500, timeout_unit="ms")
@cocotb.parametrize(first=[Pattern.ARRAY, Pattern.RAMP])
async def a_line_selected_within_a_frame_is_right_in_the_next(dut, first: Pattern):
    """Whether the frame is the first one, or one that comes after a line that was given up in its middle."""
    stage = Stage(dut, cocotb.RANDOM_SEED, frames=8)
    for wait in (2, stage.words // 2 + 1, stage.words - 1):
        stage.start(live=False, pattern=first)
        stage.bench.run(wait)
        stage.start(live=False, pattern=Pattern.LINE)
        stage.until(2 * stage.words + 1)
        stage.stop(live=False, pattern=Pattern.LINE)
        counters = [ticket["frame_counter"] for ticket in tickets_of(stage.tickets)]
        got = lines_of(stage, stage.out.take())
        assert len(got) == 3
        want = np.stack([line.draw(stage.frame, n).astype(np.int64) for n in counters[1:]])
        assert_same("line", want, got[1:], ("frame", "y", "x"))


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def the_first_frame_waits_eight_clocks(dut):
    """From its selection until the line's words are there; no other pattern waits."""
    begins = {}
    for pattern in (Pattern.RAMP, Pattern.LINE):
        stage = Stage(dut, cocotb.RANDOM_SEED, frames=1)
        stage.start(live=True, pattern=pattern)
        stage.bench.run(20)
        stage.stop(live=True, pattern=pattern)
        begins[pattern] = tickets_of(stage.tickets)[0]["timestamp"]
    assert begins[Pattern.LINE] - begins[Pattern.RAMP] == 8
