"""Full-width lines at full rate through readout, isp and tensor: nothing waits long enough to lose a line."""

import cocotb
import numpy as np

from ocellus.formats import TENSOR_BYTE
from ocellus.settings import FrameFormat, IspSettings, ReadoutSettings, TensorSettings, Window
from ocellus_sim.cosim import Bench
from ocellus_sim.golden import isp as golden_isp
from ocellus_sim.golden import tensor as golden_tensor
from tb.frames import assert_same, gamma_writes, raw_words, tickets_of, unpacked

FRAMES = 2
SHAPES = {
    "192 columns of 3": (18, 192, 3),
    "256 columns of 3": (10, 256, 3),
    "as many rows as lines": (18, 240, 3),
    "one row less than lines": (17, 277, 3),
    "one channel": (16, 280, 1),
}
"""Shapes within docs/tensor.md's bounds; a row of 277 columns takes 2196 clocks of two line times' 2200."""


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize(name=list(SHAPES))
async def live_readout_loses_nothing(dut, name: str):
    """Live frames at 4K line timing: every line arrives, every tensor equals the golden model's."""
    seed = cocotb.RANDOM_SEED
    print(f"{name}, seed {seed}")
    random = np.random.default_rng(seed)
    bench = Bench(dut)
    bench.reset()
    frame: FrameFormat = bench.arguments["frame"]
    shape = SHAPES[name]
    isp = IspSettings(gain=(400, 256, 256, 500), matrix=(400, -100, -44, -60, 380, -64, 10, -150, 396))
    tensor = TensorSettings.scaled(Window(0, 0, frame.width, frame.height), shape, 1 / 255, -128)
    raw = random.integers(0, 1024, (FRAMES, frame.height, frame.width)).astype(np.uint16)
    bench.set("i_isp", isp.word())
    bench.set("i_tensor", tensor.word())
    gamma = bench.source("i_gamma", gamma_writes(isp.gamma))
    assert bench.run(4000, until=gamma.empty) == "reached"
    bench.source("i", raw_words(raw))
    out = bench.sink("o", FRAMES * shape[0] * shape[1] * shape[2])
    tickets = bench.sink("o_ticket", FRAMES + 1)
    bench.set("i_readout", ReadoutSettings(live=True).word())
    bench.run(FRAMES * frame.clocks_per_frame - frame.clocks_per_line)
    bench.set("i_readout", ReadoutSettings(enable=False, live=True).word())
    bench.run(2 * frame.clocks_per_frame, idle=3000)

    said = tickets_of(tickets)
    assert [ticket["lines_lost"] for ticket in said] == [0] * FRAMES
    assert [ticket["frames_skipped"] for ticket in said] == [0] * FRAMES
    # The last beat leaves 2 clocks after it was read, or waits for the line before it in the tensor stage; a delay that
    # grew from line to line would be more.
    steady = (frame.height - 1) * frame.clocks_per_line + frame.words_per_line
    late = [ticket["readout_clocks"] - steady for ticket in said]
    assert max(late) < 150, f"the last beat of each frame left {late} clocks late"
    want = np.stack([golden_tensor.scale(golden_isp.process(picture, isp), tensor) for picture in raw])
    got = unpacked(TENSOR_BYTE, out.take())["value"]
    assert_same("tensor", want.ravel(), got, ("byte",))
