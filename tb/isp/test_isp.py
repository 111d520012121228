"""The isp's gateware equals its golden model."""

import pytest

from ocellus.settings import FrameFormat
from ocellus_sim.cosim import simulate


@pytest.mark.parametrize(
    "frame",
    [FrameFormat(8, 2, 12, 2), FrameFormat(20, 6, 28, 8), FrameFormat(64, 36, 80, 40), FrameFormat(3840, 2, 4400, 2)],
    ids=lambda frame: f"{frame.width}x{frame.height}",
)
def test_pixels_equal_the_golden_model(frame: FrameFormat):
    simulate("ocellus_hdl.isp:Isp", {"frame": frame}, test_module="tb.isp.isp_bench")
