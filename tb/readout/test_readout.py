"""The readout's gateware: golden patterns, exact timing, nothing lost silently."""

import pytest

from ocellus.settings import UHD, FrameFormat
from ocellus_sim.cosim import simulate


@pytest.mark.parametrize(
    "frame",
    [FrameFormat(8, 2, 12, 4), FrameFormat(16, 4, 20, 4), FrameFormat(36, 6, 40, 7), FrameFormat(64, 36, 80, 40)],
    ids=lambda frame: f"{frame.width}x{frame.height}",
)
def test_frames_lines_and_tickets(frame: FrameFormat):
    simulate("ocellus_hdl.readout:Readout", {"frame": frame}, test_module="tb.readout.readout_bench")


def test_timestamps_carry_through_all_their_bits():
    """Some clocks after the start all but the two highest bits change at once."""
    arguments = {"frame": FrameFormat(16, 10, 24, 11), "clock": (1 << 62) - 4_000}
    simulate("ocellus_hdl.readout:Readout", arguments, test_module="tb.readout.readout_bench")


@pytest.mark.parametrize(
    "frame",
    [FrameFormat(8, 2, 12, 4), FrameFormat(64, 36, 80, 40), FrameFormat(128, 720, 136, 722), UHD],
    ids=lambda frame: f"{frame.width}x{frame.height}",
)
def test_the_production_line_moves(frame: FrameFormat):
    simulate("ocellus_hdl.readout:Readout", {"frame": frame}, test_module="tb.readout.line_bench")
