"""What a board is to the sensor: its chip, its crystal, its pins, and the picture that it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from amaranth.vendor import LatticePlatform

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.settings import FrameFormat

from .pll import Dividers, dividers

CLOCK_HZ = 75_000_000
"""Every crystal here makes it exactly, and it is above the 74.25 MHz that 4K at 30 frames a second needs at least."""
UHD_75 = FrameFormat(3840, 2160, h_total=4444, v_total=2250)
"""3840x2160 in lines 11 clocks longer than CTA-861's: 30.003 frames a second at 75 MHz."""

Light = Literal["frame", "object", "error", "lock"]


class Pin(NamedTuple):
    """A resource of the board, as amaranth-boards numbers them, or a part of one (``rgb_led``'s ``g``)."""

    resource: str
    number: int = 0
    part: str = ""


@dataclass(frozen=True)
class Board:
    """A board that a bitstream can be made for; docs/boards.md says how to add one.

    Attributes
    ----------
    name : str
        That ``BOARD=`` takes; the name of its entry point.
    title : str
        Its maker's name for it.
    platform : type of LatticePlatform
        Its chip and pins, most often of amaranth-boards.
    crystal : str
        The resource that the clock comes from.
    crystal_hz : int
    uart : Pin
        A resource with ``rx`` and ``tx``, as the chip sees them.
    button : Pin
        The sensor stands still as long as it is held.
    lights : mapping of Light to Pin
        ``frame`` changes with each record, ``object`` is on when the last one had objects, ``error`` when it told of
        lost lines or frames, ``lock`` when the clock is steady.
    flash : str
        openFPGALoader's name for the board.
    shows : str
        What there is to see on it.
    serial : str
        Where the serial line is.
    configuration : Configuration
    frame : FrameFormat
    clock_hz : int
        Of the sensor: pixels a clock are four.
    seed : int
        Of placement and routing: one with which the tools of PyPI keep that clock.
    resources : tuple
        Of amaranth, that the platform does not have yet.
    """

    name: str
    title: str
    platform: type[LatticePlatform]
    crystal: str
    crystal_hz: int
    uart: Pin
    button: Pin
    lights: Mapping[Light, Pin]
    flash: str
    shows: str
    serial: str = "its USB port"
    configuration: Configuration = CONFIGURATIONS["ecp5"]
    frame: FrameFormat = UHD_75
    clock_hz: int = CLOCK_HZ
    seed: int = 1
    resources: tuple[Any, ...] = field(default=())

    @property
    def device(self) -> str:
        """The chip, its package and its speed grade."""
        return f"{self.platform.device}-{self.platform.speed}{self.platform.package}"

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.clock_hz, self.frame.clocks_per_frame)

    @property
    def dividers(self) -> Dividers:
        """Of its PLL; ``ValueError`` when there are none."""
        return dividers(self.crystal_hz, self.clock_hz)
