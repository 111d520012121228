"""What every command for a board is told."""

import argparse

from ..formats import SERIAL_BAUD


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the port and its rate."""
    parser.add_argument("port", metavar="PORT", help="the serial port, such as /dev/ttyUSB0")
    parser.add_argument(
        "--baud", type=int, default=SERIAL_BAUD, metavar="N", help="bits a second (default: %(default)s)"
    )
