"""``ocellus monitor``: a board's records as they come, as text, JSON Lines or boxes in the terminal."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from .. import formats
from ..decode_command import as_json_line, as_text
from ..decoder import Decoder
from ..errors import BadInput
from ..records import Record, class_names
from ..settings import UHD
from .board import Board
from .options import add_options, opened
from .picture import Picture

Show = Callable[[Record], None]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``monitor`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "monitor",
        help="show the records of a board as they come",
        description="Show a board's records, from the next whole one on, until control-C. Damage is counted on "
        "standard error at the end.",
    )
    add_options(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--format", choices=("text", "jsonl"), default="text", help="text (default) or JSON Lines")
    form.add_argument("--picture", action="store_true", help="draw the boxes in the terminal instead")
    parser.add_argument(
        "--classes", metavar="NET.json", help="names of the network's classes: its description, or a JSON list"
    )
    parser.add_argument("--records", type=int, metavar="N", help="end after so many")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show what ``arguments.port`` sends; :class:`BadInput` when no board answers there, or it goes."""
    if arguments.records is not None and arguments.records < 1:
        raise BadInput(f"--records: found {arguments.records}, allowed 1 and more")
    names = class_names(arguments.classes) if arguments.classes else []
    with opened(arguments) as board:
        board.greet()
        board.packets.clear()
        needed = (("network", formats.CNN.address("loaded")), ("enabled readout", formats.READOUT.address("enable")))
        if missing := [f"no {what}" for what, address in needed if not board.read(address)]:
            print(f"ocellus: {arguments.port}: found {' and '.join(missing)}, so no records come", file=sys.stderr)
        with _showing(arguments, board) as show:
            count = _watch(board, names, show, arguments.records)
    if count:
        print(f"ocellus: {arguments.port}: {count}", file=sys.stderr)
    return 0


def _watch(board: Board, names: list[str], show: Show, most: int | None) -> str:
    """Show records until there were ``most``, or control-C; what was damaged meanwhile, but at both ends."""
    decoder, before = Decoder(), (0, 0)
    dropped = board.receiver.dropped_frames
    try:
        while most is None or decoder.records < most:
            fresh = decoder.records == 0
            for item in decoder.feed(board.listen()):
                if isinstance(item, Record):
                    show(item.named(names))
            if fresh and decoder.records:
                before = decoder.damaged_packets, decoder.skipped_bytes
    except KeyboardInterrupt:
        pass
    packets, skipped = decoder.damaged_packets - before[0], decoder.skipped_bytes - before[1]
    frames = board.receiver.dropped_frames - dropped
    if not packets and not frames and not decoder.refused_packets:
        return ""
    refused = f", {decoder.refused_packets} refused, first: {decoder.first_refusal}" if decoder.refused_packets else ""
    return f"{packets} packets damaged, {skipped} bytes skipped, {frames} frames of the line dropped{refused}"


@contextmanager
def _showing(arguments: argparse.Namespace, board: Board) -> Iterator[Show]:
    if not arguments.picture:
        form = as_text if arguments.format == "text" else as_json_line
        yield lambda record: print(form(record), flush=True)
        return
    console = Console()
    width, height = (board.read(formats.METADATA.address(name)) for name in ("frame_w", "frame_h"))
    picture = Picture((width or UHD.width, height or UHD.height), (console.width, console.height - 1))
    if not console.is_terminal:
        yield lambda record: console.print(picture.draw(record))
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda record: live.update(picture.draw(record), refresh=True)
