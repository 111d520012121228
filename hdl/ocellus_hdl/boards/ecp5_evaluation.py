"""ECP5 Evaluation Board by Lattice, whose chip is an ECP5-5G."""

from amaranth_boards.ecp5_5g_evn import ECP55GEVNPlatform

from .board import Board, Pin

BOARD = Board(
    name="ecp5-evaluation",
    title="Lattice ECP5 Evaluation Board (LFE5UM5G-85F-EVN)",
    platform=ECP55GEVNPlatform,
    crystal="clk12",
    crystal_hz=12_000_000,
    uart=Pin("uart"),
    button=Pin("rst"),
    lights={"frame": Pin("led", 0), "object": Pin("led", 1), "error": Pin("led", 2), "lock": Pin("led", 7)},
    flash="ecp5_evn",
    shows="records on its USB port, once two resistors are moved; "
    "D5 frame, D6 object, D7 error, D12 lock; SW4 holds it still",
    serial="its USB port, once two resistors are moved (user manual, section 6.2)",
)
