"""How many clocks a program will take, layer by layer."""

from collections.abc import Mapping, Sequence

from ...configurations import PIXELS, Configuration
from ...program_formats import Epilogue, LayerOp

DRAIN = 45
"""Clocks from a step's last read to its last result: a step that needs the one directly before it waits so long."""


Fields = Mapping[str, int]


def predict(sizes: Configuration, layers: Sequence[Fields], steps: Sequence[Fields]) -> list[int]:
    """Clocks of each layer, its waits for earlier steps included, waits for the input's rows not."""
    durations = [step_clocks(sizes, layers[step["layer"]], step["rows"]) for step in steps]
    clocks = [0] * len(layers)
    for step, took in zip(steps, with_waits(durations, [step["after"] for step in steps]), strict=True):
        clocks[step["layer"]] += took
    return clocks


def with_waits(durations: Sequence[int], after: Sequence[int]) -> list[int]:
    """Clocks from the end of one step to the end of the next: its own and those in which it waits for earlier ones."""
    found: list[int] = []
    complete: list[int] = []
    now = 0
    for duration, needed in zip(durations, after, strict=True):
        end = max([now, *complete[:needed][-1:]]) + duration
        found.append(end - now)
        complete.append(end + DRAIN)
        now = end
    return found


def step_clocks(sizes: Configuration, layer: Fields, rows: int) -> int:
    """Clocks of ``rows`` rows of a layer."""
    columns, groups = layer["out_columns"], layer["groups"]
    operand = int(layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY))
    count = layer["kernel_rows"] * layer["kernel_columns"]
    if layer["op"] == LayerOp.POINT:
        return point_clocks(
            rows, columns, layer["tile"], bool(layer["cut"]), groups, count * layer["chunks"] + operand, layer["pace"]
        )
    wide = sizes.windows if layer["tile"] == PIXELS else 1
    sets = 0 if layer["op"] == LayerOp.MAXIMUM else 1 if layer["shared"] else count
    return window_clocks(sizes, rows, columns, wide, groups, max(count + operand, layer["pace"]), sets)


def point_clocks(rows: int, columns: int, tile: int, cut: bool, groups: int, sums: int, pace: int) -> int:
    """Clocks of ``rows`` rows of a convolution; ``sums`` clocks make a group's sums."""
    tiles = rows * -(-columns // tile) if cut else -(-rows * columns // tile)
    return tiles * groups * max(sums, pace)


def window_clocks(sizes: Configuration, rows: int, columns: int, wide: int, groups: int, each: int, sets: int) -> int:
    """Clocks of ``rows`` rows of windows; a channel word takes at least as long as its ``sets`` of weights to fetch."""
    return groups * max(rows * -(-columns // wide) * each, sets * sizes.window_words)
