"""A camera small enough for a bench, with time for the whole network between two frames, as on a board."""

from typing import Any

from ocellus import networks
from ocellus.configurations import configuration
from ocellus.formats import Pattern
from ocellus.settings import FrameFormat
from ocellus.start import StageSettings

CONFIGURATION = configuration("tiny")
FRAME = FrameFormat(384, 216, h_total=4800, v_total=600)
"""720,000 clocks, of which the smallest accelerator's network takes 540,000: 370,000 of them behind the last line."""
CLOCK_HZ = 75e6
CLOCKS = 8
"""A bit: the fewest that the receiver takes."""


def settings(frame: FrameFormat = FRAME) -> StageSettings:
    """What a board begins with."""
    return networks.stage_settings(networks.default(), frame, pattern=Pattern.LINE)


def camera() -> dict[str, Any]:
    """Arguments of the camera with what a bitstream holds."""
    from scripts.boards.bitstream import built_in  # late: who only wants sizes waits for no tools

    return {
        "frame": FRAME, "configuration": CONFIGURATION, "clock_hz": CLOCK_HZ, "baud": CLOCK_HZ / CLOCKS,
        "start": built_in(FRAME, CONFIGURATION),
    }  # fmt: skip
