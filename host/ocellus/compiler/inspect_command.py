"""``ocellus inspect``: what is in a program image, in the words of ``ocellus compile``."""

import argparse

from .engine.image import Program
from .engine.summary import summary


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``inspect`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "inspect",
        help="tell what a program image holds",
        description="The report of `ocellus compile`, from the image; a damaged image is refused.",
    )
    parser.add_argument("image", metavar="IMAGE", help="what `ocellus compile -o` wrote")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Report ``arguments.image``; :class:`BadInput` when it is none, damaged, or of another version."""
    print(summary(Program.load(arguments.image)))
    return 0
