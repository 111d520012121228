"""`make boards`: which boards there are, and what each runs."""

import sys

from rich.console import Console
from rich.table import Table

from ocellus.errors import BadInput
from ocellus_hdl.boards.found import load, points

from ..tools import refuse

WIDTH = 150
"""Where no terminal has its own."""
HEADINGS = ("BOARD", "chip", "clock", "frame", "configuration", "what it shows")


def main() -> None:
    """The table, a board a row."""
    table = Table()
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading in ("BOARD", "chip"))
    for point in points().values():
        try:
            board = load(point)
        except BadInput as error:
            refuse(str(error))
        table.add_row(
            board.name,
            board.device,
            f"{board.clock_hz / 1e6:g} MHz from {board.crystal_hz / 1e6:g}",
            f"{board.frame.width}x{board.frame.height}, {float(board.frame_rate):.3f} a second",
            board.configuration.name,
            board.shows,
        )
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


if __name__ == "__main__":
    main()
