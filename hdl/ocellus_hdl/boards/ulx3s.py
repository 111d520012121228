"""ULX3S by Radiona, with the largest chip: the reference."""

from amaranth_boards.ulx3s import ULX3S_85F_Platform

from .board import Board, Pin

BOARD = Board(
    name="ulx3s-85f",
    title="Radiona ULX3S 85F",
    platform=ULX3S_85F_Platform,
    crystal="clk25",
    crystal_hz=25_000_000,
    uart=Pin("uart"),
    button=Pin("button_fire"),
    lights={"frame": Pin("led", 0), "object": Pin("led", 1), "error": Pin("led", 2), "lock": Pin("led", 7)},
    flash="ulx3s",
    shows="records on US1, its FTDI; D0 frame, D1 object, D2 error, D7 lock; F1 holds it still",
    serial="US1, through its FTDI",
    seed=3,
)
