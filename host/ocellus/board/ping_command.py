"""``ocellus ping``: whether a board answers, what it is, how fast."""

import argparse
import time

from .. import formats
from ..configurations import CONFIGURATIONS
from ..formats import CNN_STATUS, SERIAL, SERIAL_STATUS
from .options import add_options, opened


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``ping`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "ping",
        help="see whether a board answers on a serial port",
        description="Ask a board what it is. The exit status is 2 when none answers.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what ``arguments.port`` answers; :class:`BadInput` when nothing does."""
    with opened(arguments) as board:
        board.greet()
        line = board.status(SERIAL_STATUS, SERIAL.base)
        network = board.status(CNN_STATUS, formats.CNN.base)
        start = time.perf_counter()
        board.read(formats.IDENTITY)
        elapsed = time.perf_counter() - start
    print(f"{arguments.port}: an Ocellus sensor at {arguments.baud} baud, answers in {1000 * elapsed:.1f} ms")
    print(f"  accelerator: {array_name(line)}")
    print(f"  network:     {network_name(network)}")
    print(f"  line:        {line['frames_dropped']} frames dropped, {line['framing_errors']} bytes without a stop bit")
    return 0


def array_name(line: dict[str, int]) -> str:
    """The configuration, by the array in ``SERIAL_STATUS``."""
    shape = {name: line[name] for name in ("word", "windows", "inputs", "outputs")}
    names = [c.name for c in CONFIGURATIONS.values() if all(getattr(c, name) == n for name, n in shape.items())]
    return names[0] if names else f"of its own ({', '.join(f'{name} {n}' for name, n in shape.items())})"


def network_name(status: dict[str, int]) -> str:
    """What ``CNN_STATUS`` says."""
    if status["loaded"]:
        return f"{status['network_id']:08x}"
    return "none, half loaded" if status["loading"] else "none"
