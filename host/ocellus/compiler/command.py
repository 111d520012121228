"""``ocellus compile``: does a network fit, what does it cost, and its program image."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from .. import networks
from ..configurations import CONFIGURATIONS, Configuration, configuration
from .program import Program

DEFAULT_CONFIGURATION = "ecp5"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``compile`` to the command's subcommands."""
    parser = subparsers.add_parser(
        "compile",
        help="turn an int8 .tflite network into a program image",
        description="Tell whether a network fits, what it needs and what is left to the host; with -o write its image.",
    )
    parser.add_argument("network", metavar="NET", help="an int8 .tflite file; NET.json beside it may describe it")
    parser.add_argument(
        "--config",
        default=DEFAULT_CONFIGURATION,
        metavar="NAME",
        help=f"{', '.join(CONFIGURATIONS)} (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", metavar="IMAGE", help="where to write the program image")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compile ``arguments.network``; :class:`BadInput` when it cannot run on the configuration."""
    target = configuration(arguments.config)
    program = networks.load(arguments.network).compile(target)
    print(report(program, target))
    if arguments.output:
        image = program.to_bytes()
        Path(arguments.output).write_bytes(image)
        print(f"wrote {arguments.output}, {len(image):,} bytes, {len(program.words()):,} words to load")
    return 0


def report(program: Program, target: Configuration) -> str:
    """The compiled network for people: a line a layer, then what it needs of what there is."""
    host = program.host
    rows = [
        (
            str(number),
            f"{layer['operator']} {layer['kind']}",
            layer["op"].lower(),
            _by(layer["kernel"]),
            _by(layer["stride"]),
            _by(layer["shape"]),
            str(layer["address"]),
            f"{layer['macs']:,}",
            f"{layer['clocks']:,}",
        )
        for number, layer in enumerate(host["layers"])
    ]
    head = ("layer", "operator", "runs as", "kernel", "stride", "output", "address", "MACs", "clocks")
    macs, clocks = (sum(layer[key] for layer in host["layers"]) for key in ("macs", "clocks"))
    source, sink = host["input"], host["output"]
    head_name = host.get("head", "none")
    lines = [
        f"{host['network']} (network id {program.network_id:08x}) on {target.name}, {target.macs} multipliers",
        "",
        *_table(head, rows),
        "",
        f"input   {_by(source['shape'])} at scale {source['scale']:g}, zero point {source['zero_point']}",
        f"output  {_by(sink['shape'])} at scale {sink['scale']:g}, zero point {sink['zero_point']}, head {head_name}",
        _share("weights", len(program.weights), target.weight_words, "words"),
        _share("parameters", len(program.parameters), target.parameter_words, "words"),
        _share("activations", host["activation_bytes"], target.activation_bytes, "bytes"),
        _share("layers", len(program.layers), target.layers, ""),
        f"work    {macs:,} multiply-accumulates, at least {clocks:,} clocks "
        f"({macs / (clocks * target.macs):.0%} of the multipliers at work)",
    ]
    left = [f"operator {o['operator']} ({o['kind']}) of the output is left to the host" for o in host["left_to_host"]]
    return "\n".join([*lines, *left, *host["notes"]])


def _by(numbers: Iterable[int]) -> str:
    return "x".join(str(n) for n in numbers)


def _share(what: str, used: int, there: int, unit: str) -> str:
    return f"{what:<11} {used:,} of {there:,} {unit}".rstrip() + f" ({used / there:.0%})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest entry, numbers to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    left = {1, 2, 5}
    return [
        "  ".join(
            f"{cell:<{w}}" if i in left else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
