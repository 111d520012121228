"""OrangeCrab r0.2 by Good Stuff Department, with the larger chip. It has no UART bridge: an adapter does that."""

from amaranth.build import Attrs
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform
from amaranth_boards.resources.interface import UARTResource

from .board import Board, Pin

BOARD = Board(
    name="orangecrab-85f",
    title="OrangeCrab r0.2 85F",
    platform=OrangeCrabR0_2_85FPlatform,
    crystal="clk",
    crystal_hz=48_000_000,
    # The Feather's places for a serial line: 0 is RX, 1 is TX.
    resources=(UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),),
    uart=Pin("uart"),
    button=Pin("button"),
    lights={"frame": Pin("rgb_led", 0, "g"), "object": Pin("rgb_led", 0, "b"), "error": Pin("rgb_led", 0, "r")},
    flash="orangeCrab",
    shows="records on pin 1 (TX; 0 is RX); green frame, blue object, red error; its button holds it still",
    serial="pins 0 (RX) and 1 (TX), 3.3 V, through an adapter",
)
