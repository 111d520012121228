"""``ocellus compile``: does a network fit, what does it cost, and its program image."""

import argparse
from pathlib import Path

from ... import networks
from ...configurations import CONFIGURATIONS, Configuration, configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ...networks import NetworkFile
from ..graph import Runtime
from .summary import summary

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
    parser.add_argument(
        "--activations",
        type=float,
        metavar="KIB",
        help="what the activations may take at most (default: the configuration's memory)",
    )
    parser.add_argument("--keep-dead", action="store_true", help="keep channels that cannot reach the output")
    parser.add_argument("-o", "--output", metavar="IMAGE", help="where to write the program image")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compile ``arguments.network``; :class:`BadInput` when it cannot run on the configuration."""
    sizes = configuration(arguments.config)
    if arguments.output and not (folder := Path(arguments.output).absolute().parent).is_dir():
        raise BadInput(f"--output: found no folder {folder}, allowed a file in one that exists")
    file = networks.load(arguments.network)
    limit = limit_of(arguments.activations, sizes)
    arithmetic = arithmetic_of(file, arguments.arithmetic)
    program = file.compile(sizes, arithmetic, arguments.keep_dead, activation_bytes=limit)
    print(summary(program))
    if arguments.output:
        image = program.to_bytes()
        Path(arguments.output).write_bytes(image)
        print(f"wrote {arguments.output}, {len(image):,} bytes, {len(program.words()):,} words to load")
    return 0


def limit_of(kib: float | None, sizes: Configuration) -> int | None:
    """A limit of activations in bytes; :class:`BadInput` where the memory has not as many."""
    most = sizes.activation_bytes / 1024
    if kib is not None and not 0 < kib <= most:
        raise BadInput(f"--activations: found {kib:g}, allowed above 0 and up to {most:g}, the KiB of {sizes.name}")
    return None if kib is None else int(kib * 1024)


def arithmetic_of(file: NetworkFile, name: str | None) -> Arithmetic:
    """The arithmetic asked for, or the one that the file's runtime has; :class:`BadInput` where it has no other."""
    onnx = file.network.runtime is Runtime.ONNX
    found = ARITHMETICS[name] if name else Arithmetic.SINGLE if onnx else Arithmetic.DOUBLE
    if onnx and found is not Arithmetic.SINGLE:
        raise BadInput(f"{file.network.file}: found arithmetic {name}, allowed single: ONNX Runtime rounds once")
    return found
