"""A program for people: a line a layer, then what it needs of what there is, and what became of the operators."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .image import Program, program_words
from .work import WEIGHTED

_LEFT = {1, 2, 3}
"""Columns of words, not of numbers."""


def layer_macs(host: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Multiply-accumulates of each layer: of the network as it is in the file, and as the accelerator does them.

    Where several layers share an operator, its work is shared out as theirs is.
    """
    dense, layers = host.get("operator_macs", {}), host["layers"]
    done = [layer["macs"] if set(layer["kinds"]) & set(WEIGHTED) else 0 for layer in layers]
    found = []
    for layer, macs in zip(layers, done, strict=True):
        operator = next((n for n in map(str, layer["operators"]) if n in dense), None)
        if operator is None or not macs:
            found.append((macs, macs))
            continue
        total = sum(m for other, m in zip(layers, done, strict=True) if int(operator) in other["operators"])
        found.append((dense[operator] * macs // total, macs))
    return found


def total_macs(host: Mapping[str, Any]) -> tuple[int, int]:
    """The sums of :func:`layer_macs`; operators of which nothing is left count in the first."""
    pairs = layer_macs(host)
    done = sum(macs for _, macs in pairs)
    return sum(host.get("operator_macs", {}).values()) or sum(dense for dense, _ in pairs), done


def layer_name(layer: Mapping[str, Any]) -> str:
    """The operators of a layer: ``2 CONV_2D + 3 ADD``."""
    return " + ".join(f"{n} {kind}" for n, kind in zip(layer["operators"], layer["kinds"], strict=True))


def summary(program: Program) -> str:
    """The whole report."""
    host, c = program.host, program.configuration
    pairs, (dense, done) = layer_macs(host), total_macs(host)
    layers, clocks = host["layers"], host["clocks"]
    head = ("layer", "operators", "array", "epilogue", "output", "MACs", "of these done", "steps", "clocks", "at work")
    rows = [
        (
            str(n), layer_name(layer), layer["op"].lower(), layer["epilogue"].lower(), by(layer["shape"]),
            f"{of:,}", f"{macs:,}", str(layer["steps"]), f"{layer['clocks']:,}", share(macs, layer["clocks"] * c.macs),
        )
        for n, (layer, (of, macs)) in enumerate(zip(layers, pairs, strict=True))
    ]  # fmt: skip
    steps = sum(layer["steps"] for layer in layers)
    rows.append(
        ("", "total", "", "", "", f"{dense:,}", f"{done:,}", str(steps), f"{clocks:,}", share(done, clocks * c.macs))
    )
    source, sink = host["input"], host["output"]
    lines = [
        f"{host['network']} (network id {program.network_id:08x}) on {c.name}, {c.macs} multipliers, "
        f"{host['arithmetic']} rounding",
        "",
        *table(head, rows, _LEFT | {4}),
        "",
        f"input   {by(source['shape'])} at scale {source['scale']:g}, zero point {source['zero_point']}",
        f"output  {by(sink['shape'])} at scale {sink['scale']:g}, zero point {sink['zero_point']}, "
        f"head {host.get('head', 'none')}",
        "",
        *_memory(program),
        "",
        f"clocks are predicted, without waits for the sensor's rows; {share(done, clocks * c.macs)} of the multipliers "
        "at work" + (f", {share(dense, clocks * c.macs)} if what was taken out counts" if dense > done else ""),
    ]
    left = [f"operator {o['operator']} ({o['kind']}) of the output is left to the host" for o in host["left_to_host"]]
    notes = [note for note in host["notes"] if "left to the host" not in note]
    return "\n".join([*lines, *notes, *left])


def _memory(program: Program) -> list[str]:
    """What the program takes of each memory."""
    host, c = program.host, program.configuration
    words = program_words(len(program.layers), len(program.steps))
    parameters = c.parameter_lanes * len(program.parameters)
    used = (
        ("activations", host["activation_bytes"], c.activation_bytes, "bytes at the peak"),
        ("weights", program.weights.size, c.weight_bytes, "bytes"),
        ("parameters", parameters, c.parameter_lanes * c.parameter_words, "channels"),
        ("program", words, c.program_words, f"words, {len(program.steps)} steps"),
        ("layers", len(program.layers), c.layers, ""),
        ("tables", len(program.tables), c.tables, ""),
    )
    return [
        f"{what:<12}{n:>10,} of {there:>10,} ({share(n, there):>4}) {unit}".rstrip() for what, n, there, unit in used
    ]


def by(numbers: Iterable[int]) -> str:
    """A shape as ``1x2x3``."""
    return "x".join(str(n) for n in numbers)


def share(part: float, whole: float) -> str:
    """A percentage; nothing where there is no work."""
    return f"{part / whole:.0%}" if part and whole else "-"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: set[int]) -> list[str]:
    """Lines with columns as wide as their widest entry, numbers to the right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            f"{cell:<{w}}" if i in left else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
