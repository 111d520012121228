"""The tensor stage's gateware equals its golden model, and no frame leaves it uncounted."""

import pytest

from ocellus.settings import FrameFormat
from ocellus_sim.cosim import simulate


@pytest.mark.parametrize(
    "frame",
    [FrameFormat(8, 2, 12, 2), FrameFormat(20, 14, 28, 16), FrameFormat(64, 36, 80, 40)],
    ids=lambda frame: f"{frame.width}x{frame.height}",
)
def test_tensors_equal_the_golden_model(frame: FrameFormat):
    simulate("ocellus_hdl.tensor:Tensor", {"frame": frame}, test_module="tb.tensor.tensor_bench")


def test_live_readout_loses_nothing_at_full_width():
    simulate("tb.tensor.front:Front", {"frame": FrameFormat(3840, 36, 4400, 40)}, test_module="tb.tensor.front_bench")
