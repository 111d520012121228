"""The link and its byte-serial form on the gateware."""

import pytest

from ocellus.settings import FrameFormat
from ocellus_sim.cosim import simulate


@pytest.mark.parametrize(
    "frame",
    [FrameFormat(8, 6, 12, 6), FrameFormat(36, 6, 44, 8), FrameFormat(52, 6, 60, 8), FrameFormat(3840, 6, 4400, 8),
     FrameFormat(20, 520, 24, 522)],
    ids=lambda frame: f"{frame.width}x{frame.height}",
)  # fmt: skip
def test_packets_equal_the_golden_model(frame: FrameFormat):
    numbers = f"{frame.width},{frame.height},{frame.h_total},{frame.v_total}"
    simulate("ocellus_hdl.link:Link", {"frame": frame}, test_module="tb.link.link_bench", env={"FRAME": numbers})


def test_serial_bytes_equal_the_words():
    simulate("ocellus_hdl.link:ByteSerial", {}, test_module="tb.link.byte_serial_bench")
