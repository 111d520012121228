"""How many clocks a program will take, layer by layer."""

from collections.abc import Mapping, Sequence

from ...engine import PIXELS, Configuration
from ...program_formats import Epilogue, LayerOp

DRAIN = 45
"""Clocks from a step's last read to its last result: a step that needs the one directly before it waits so long."""


Fields = Mapping[str, int]


def predict(sizes: Configuration, layers: Sequence[Fields], steps: Sequence[Fields]) -> list[int]:
    """Clocks of each layer, its waits for earlier steps included, waits for the input's rows not."""
    clocks = [0] * len(layers)
    ended: list[int] = []
    now = 0
    for step in steps:
        begin = max([now, *(end + DRAIN for end in ended[: step["after"]][-1:])])
        took = step_clocks(sizes, layers[step["layer"]], step["rows"])
        clocks[step["layer"]] += begin + took - now
        now = begin + took
        ended.append(now)
    return clocks


def step_clocks(sizes: Configuration, layer: Fields, rows: int) -> int:
    """Clocks of ``rows`` rows of a layer."""
    columns, groups = layer["out_columns"], layer["groups"]
    operand = int(layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY))
    count = layer["kernel_rows"] * layer["kernel_columns"]
    if layer["op"] == LayerOp.POINT:
        tile = layer["tile"]
        tiles = rows * -(-columns // tile) if layer["cut"] else -(-rows * columns // tile)
        return tiles * groups * max(count * layer["chunks"] + operand, layer["pace"])
    wide = sizes.windows if layer["tile"] == PIXELS else 1
    return groups * rows * -(-columns // wide) * max(count + operand, layer["pace"])
