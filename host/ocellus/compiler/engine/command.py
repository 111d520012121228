"""``ocellus compile``: does a network fit, what does it cost, and its program image."""

import argparse
from pathlib import Path

import numpy as np

from ... import networks
from ...engine import CONFIGURATIONS, Configuration, configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ...networks import NetworkFile
from ..graph import Runtime
from ..passes.dead_channels import without_dead_channels
from .assembly import compile_network
from .image import Program
from .summary import summary
from .work import operator_macs

DEFAULT_CONFIGURATION = "ecp5"
ARITHMETICS = {a.name.lower(): a for a in Arithmetic}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``compile`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "compile",
        help="turn an int8 .tflite or .onnx network into a program image",
        description="Tell whether a network fits, what it needs and what is left to the host; with -o write its image.",
    )
    parser.add_argument("network", metavar="NET", help="an int8 .tflite or .onnx file; NET.json may describe it")
    parser.add_argument(
        "--config",
        default=DEFAULT_CONFIGURATION,
        metavar="NAME",
        help=f"{', '.join(CONFIGURATIONS)} (default: %(default)s)",
    )
    parser.add_argument(
        "--arithmetic",
        choices=list(ARITHMETICS),
        help="how sums are rounded (default: double for .tflite, single for .onnx)",
    )
    parser.add_argument("--keep-dead", action="store_true", help="keep channels that cannot reach the output")
    parser.add_argument("-o", "--output", metavar="IMAGE", help="where to write the program image")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compile ``arguments.network``; :class:`BadInput` when it cannot run on the configuration."""
    sizes = configuration(arguments.config)
    file = networks.load(arguments.network)
    program = compiled(file, sizes, arithmetic_of(file, arguments.arithmetic), arguments.keep_dead)
    print(summary(program))
    if arguments.output:
        image = program.to_bytes()
        Path(arguments.output).write_bytes(image)
        print(f"wrote {arguments.output}, {len(image):,} bytes, {len(program.words()):,} words to load")
    return 0


def arithmetic_of(file: NetworkFile, name: str | None) -> Arithmetic:
    """The arithmetic asked for, or the one that the file's runtime has; :class:`BadInput` where it has no other."""
    onnx = file.network.runtime is Runtime.ONNX
    found = ARITHMETICS[name] if name else Arithmetic.SINGLE if onnx else Arithmetic.DOUBLE
    if onnx and found is not Arithmetic.SINGLE:
        raise BadInput(f"{file.network.file}: found arithmetic {name}, allowed single: ONNX Runtime rounds once")
    return found


def compiled(file: NetworkFile, sizes: Configuration, arithmetic: Arithmetic, keep_dead: bool = False) -> Program:
    """The program image. The host's part has the network's description, its work, and what became of its channels.

    That is ``operator_macs``, of the network as it is in the file, and ``channels``: for each tensor that lost some,
    the numbers of those ``kept``, and which of them, by their place in ``kept``, hold ``arbitrary`` values.
    """
    network = file.network
    description = file.description() | {"operator_macs": operator_macs(network)}
    if not keep_dead:
        reduced = without_dead_channels(network)
        network = reduced.network
        description["channels"] = {
            name: {"kept": kept.tolist(), "arbitrary": np.flatnonzero(~reduced.live[name]).tolist()}
            for name, kept in reduced.kept.items()
            if len(kept) < file.network.tensors[name].picture[2] or not reduced.live[name].all()
        }
    return compile_network(network, sizes, description, arithmetic)
