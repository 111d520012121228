"""``ocellus load``: a program image into a board, looked at as a whole before its first word is sent."""

import argparse
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from .. import formats
from ..compiler.engine.image import Program
from ..errors import BadInput
from ..formats import CNN_STATUS, SERIAL, SERIAL_STATUS, LoadError
from .board import Board
from .options import add_options, opened
from .ping_command import array_name


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``load`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "load",
        help="load a program image into a board",
        description="Load a program image into a board. An image that is damaged or made for another accelerator is "
        "refused before anything is sent; the board's network is gone from the first word on.",
    )
    add_options(parser)
    parser.add_argument("image", metavar="IMAGE", help="what `ocellus compile -o` wrote")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Load ``arguments.image``; :class:`BadInput` when the image, the port or the board is not as it must be."""
    program = Program.load(arguments.image)
    program.check_sizes(program.configuration, arguments.image)
    words = [int(word) for word in program.words()]
    with opened(arguments) as board:
        board.greet()
        check_array(program, arguments.image, board.status(SERIAL_STATUS, SERIAL.base))
        start = time.monotonic()
        board.write(formats.CNN_RESET, [0])
        _feed(board, words)
        seconds = time.monotonic() - start
        status = board.status(CNN_STATUS, formats.CNN.base)
    if not status["loaded"] or status["network_id"] != program.network_id:
        error = LoadError(status["error"]).name if status["error"] in list(LoadError) else status["error"]
        found = f"network {status['network_id']:08x}" if status["loaded"] else f"no network, error {error}"
        raise BadInput(f"{arguments.port}: found {found} after the load, allowed network {program.network_id:08x}")
    print(f"{arguments.port}: network {program.network_id:08x} loaded, {4 * len(words)} bytes in {seconds:.1f} s")
    return 0


def check_array(program: Program, file: str, line: dict[str, int]) -> None:
    """:class:`BadInput` when the image is made for another array than the board's."""
    if any(program.header[name] != line[name] for name in ("word", "windows", "inputs", "outputs")):
        raise BadInput(f"{file}: found an image for {program.configuration.name}, allowed one for {array_name(line)}")


def _feed(board: Board, words: list[int]) -> None:
    """All words, with a bar on standard error; what a load that breaks off means is said."""
    taken = 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(board.port, total=4 * len(words))

        def progress(done: int) -> None:
            nonlocal taken
            taken = done
            bar.update(task, completed=4 * done)

        try:
            board.feed(formats.CNN_LOAD, words, progress)
        except (BadInput, KeyboardInterrupt) as error:
            reason = f"{error}" if isinstance(error, BadInput) else f"{board.port}: interrupted by control-C"
            arrived = f"{4 * taken} of {4 * len(words)} bytes had arrived"
            raise BadInput(f"{reason}; {arrived}: the board has no network until a load is completed") from None
