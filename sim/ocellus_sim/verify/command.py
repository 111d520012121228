"""``ocellus verify``: a network against the runtime that it was made for, layer by layer."""

import argparse

ENGINES = ("golden", "rtl")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``verify`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "verify",
        help="run a network on the golden model or the simulated gateware, against LiteRT or ONNX Runtime",
        description="Compare every layer with the runtime that the network was made for, and count clocks. The status "
        "is 0 when all are equal, 1 when one differs, 2 when the network or an input was refused.",
    )
    parser.add_argument("network", metavar="NET", help="an int8 .tflite or .onnx file; NET.json may describe it")
    parser.add_argument("--config", default="ecp5", metavar="NAME", help="the accelerator's sizes (default: ecp5)")
    parser.add_argument(
        "--input",
        nargs="+",
        default=[],
        metavar="FILE",
        help=".npy; raw .dat, .bin or .raw of the input's size, int8 or the file's own type; or a picture",
    )
    parser.add_argument("--frames", type=int, metavar="N", help="seeded random inputs (default: 1 without --input)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first random input (default: 1)")
    parser.add_argument("--engine", choices=ENGINES, default="golden", help="default: golden")
    parser.add_argument(
        "--arithmetic",
        choices=("double", "single"),
        help="how sums are rounded (default: double for .tflite, single for .onnx)",
    )
    parser.add_argument("--activations", type=float, metavar="KIB", help="as for compile: at most so much memory")
    parser.add_argument("--keep-dead", action="store_true", help="as for compile: channels that do nothing stay")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Everything behind here needs the simulation's packages, which only this subcommand's user has to have."""
    from .session import verify

    return verify(arguments)
