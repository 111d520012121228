"""The command ``ocellus``: what a user types beside the chip.

Each subcommand's function takes the parsed arguments and returns the exit status. A user's own mistakes
(:class:`BadInput`, files that cannot be read or written) become one sentence on standard error and status 2.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

from . import decode_command
from .errors import BadInput

NEEDING_MORE = {
    "compile": (
        "ocellus.compiler.engine.command",
        "compiler",
        "turn an int8 .tflite or .onnx network into a program image",
    ),
    "inspect": ("ocellus.compiler.inspect_command", "compiler", "tell what a program image holds"),
    "ping": ("ocellus.board.ping_command", "serial", "see whether a board answers on a serial port"),
    "monitor": ("ocellus.board.monitor_command", "serial", "show the records of a board as they come"),
    "load": ("ocellus.board.load_command", "serial", "load a program image into a board"),
}
"""Subcommands that need more than NumPy: module, the extra that brings what it needs, and description. Imported only
when called, so that decoding needs NumPy alone."""

ENTRY_POINTS = "ocellus.commands"
"""Other packages' subcommands: a module with ``add_parser`` and, in brackets, the extra that brings what it needs. It
is imported for its line of help, so it imports nothing but the standard library until it runs."""

BROKEN_PIPE = 141
"""128 + SIGPIPE, as a shell reports it of any program whose reader has gone."""


def _parser(called: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("ocellus", description="Beside the Ocellus sensor: decode what it reports.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    decode_command.add_parser(commands)
    for name, (module, extra, description) in NEEDING_MORE.items():
        if name != called:
            commands.add_parser(name, help=description)
            continue
        try:
            importlib.import_module(module).add_parser(commands)
        except ModuleNotFoundError as error:
            raise _missing(name, error, extra) from None
    if called not in commands.choices:
        for entry in _entry_points().values():
            entry.load().add_parser(commands)
    return parser


def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _missing(name: str, error: ModuleNotFoundError, extra: str) -> BadInput:
    return BadInput(f"{name}: found no package {error.name}, install 'ocellus[{extra}]'")


def _run(parsed: argparse.Namespace) -> int:
    """The subcommand; one of another package may miss a package only now."""
    try:
        return parsed.run(parsed)
    except ModuleNotFoundError as error:
        entry = _entry_points().get(parsed.command)
        if entry is None or error.name is None or error.name.startswith("ocellus"):
            raise
        raise _missing(parsed.command, error, entry.extras[0] if entry.extras else parsed.command) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status (0 done, 2 the user's input was refused)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parsed = _parser(arguments[0] if arguments else "").parse_args(arguments)
        status = _run(parsed)
        sys.stdout.flush()
    except BadInput as error:
        return _refuse(str(error))
    except BrokenPipeError:
        # Whatever is still buffered would raise again when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{place}{error.strerror or error}")
    return status


def _refuse(sentence: str) -> int:
    print(f"ocellus: {sentence}", file=sys.stderr)
    return 2
