"""What every command for a board is told, and the board that it is told of."""

import argparse

from ..errors import BadInput
from ..formats import SERIAL_BAUD
from . import board

LONGEST_PATIENCE = 600.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the port, its rate, and how long the board may take."""
    parser.add_argument("port", metavar="PORT", help="the serial port, such as /dev/ttyUSB0")
    parser.add_argument(
        "--baud", type=int, default=SERIAL_BAUD, metavar="N", help="bits a second (default: %(default)s)"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=board.PATIENCE_SECONDS,
        metavar="SECONDS",
        help="after which a request without an answer is sent again, up to eight times (default: %(default)s); "
        "a board behind a slow network, or a simulated one, takes more",
    )


def opened(arguments: argparse.Namespace) -> board.Board:
    """The board on that port; :class:`BadInput` when the port or an option is not as it must be."""
    if not 0 < arguments.patience <= LONGEST_PATIENCE:
        raise BadInput(
            f"--patience: found {arguments.patience:g} s, allowed more than 0 and up to {LONGEST_PATIENCE:g}"
        )
    return board.Board(arguments.port, arguments.baud, arguments.patience)
