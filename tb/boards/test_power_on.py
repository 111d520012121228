"""A camera with what a bitstream holds: records leave its pin, and nobody has said anything."""

import os

import pytest

from ocellus.configurations import configuration
from ocellus.formats import SERIAL_BAUD
from ocellus_hdl.boards.board import CLOCK_HZ, UHD_75
from ocellus_sim.cosim import simulate
from scripts.boards.bitstream import built_in
from tb.boards.sizes import camera

CAMERA = "ocellus_hdl.boards.camera:Camera"


def test_a_camera_senses_from_power_on():
    simulate(CAMERA, camera(), test_module="tb.boards.power_on_bench", parameters={"records": 2})


@pytest.mark.skipif("OCELLUS_TESTS" not in os.environ, reason="a campaign's: make regress SUITE=nightly FILTER=boards")
def test_a_camera_senses_whole_frames_from_power_on():
    """As on a board: 3840x2160, the boards' clock, accelerator and rate of the line."""
    sizes = configuration("ecp5")
    simulate(
        CAMERA,
        {"frame": UHD_75, "configuration": sizes, "clock_hz": CLOCK_HZ, "baud": SERIAL_BAUD,
         "start": built_in(UHD_75, sizes)},
        test_module="tb.boards.power_on_bench",
        parameters={"records": 4},
    )  # fmt: skip
