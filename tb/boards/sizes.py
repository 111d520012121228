"""A camera small enough for a bench, with time for the whole network between two frames, as on a board."""

from ocellus import networks
from ocellus.configurations import configuration
from ocellus.formats import Pattern
from ocellus.settings import FrameFormat
from ocellus.start import StageSettings

CONFIGURATION = configuration("tiny")
FRAME = FrameFormat(384, 216, h_total=2400, v_total=1100)
"""660,000 clocks; the network takes 540,000 of the smallest accelerator."""
CLOCK_HZ = 75e6
CLOCKS = 8
"""A bit: the fewest that the receiver takes."""
BAUD = CLOCK_HZ / CLOCKS


def settings(frame: FrameFormat = FRAME) -> StageSettings:
    """What a board begins with."""
    return networks.stage_settings(networks.default(), frame, pattern=Pattern.LINE)
