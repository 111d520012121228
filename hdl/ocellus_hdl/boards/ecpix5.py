"""ECPIX-5 by LambdaConcept, with the larger chip."""

from amaranth_boards.ecpix5 import ECPIX585Platform

from .board import Board, Pin

BOARD = Board(
    name="ecpix5-85f",
    title="LambdaConcept ECPIX-5 85F",
    platform=ECPIX585Platform,
    crystal="clk100",
    crystal_hz=100_000_000,
    uart=Pin("uart"),
    button=Pin("rst"),
    lights={
        "frame": Pin("rgb_led", 0, "g"),
        "object": Pin("rgb_led", 1, "b"),
        "error": Pin("rgb_led", 2, "r"),
        "lock": Pin("rgb_led", 3, "g"),
    },
    flash="ecpix5",
    shows="records on its USB port; "
    "lights 0 green frame, 1 blue object, 2 red error, 3 green lock; reset holds it still",
)
