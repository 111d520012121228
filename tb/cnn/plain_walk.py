"""The walk's commands, from the loops on the page, written down plainly; and steps to try them on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocellus.configurations import PIXELS, Configuration
from ocellus.program_formats import Epilogue, LayerOp

Values = dict[str, int]


@dataclass
class Read:
    """A command: where each used slot reads, and the flags beside it."""

    slots: dict[int, tuple[int, bool]]
    flags: dict[str, Any]


def place(c: Configuration, words: int) -> tuple[int, int]:
    return words // c.banks % c.lines, words % c.banks


def point_commands(c: Configuration, layer: Values, step: Values, geometry: Values) -> Iterator[Read]:
    """POINT as the page has it; ``geometry`` holds distances in words."""
    pixels = [(oy, ox) for oy in range(step["rows"]) for ox in range(layer["out_columns"])]
    tiles: list[list[tuple[int, int]]] = [[]]
    for oy, ox in pixels:
        full = len(tiles[-1]) == layer["tile"]
        row_over = layer["cut"] and ox == 0
        if tiles[-1] and (full or row_over):
            tiles.append([])
        tiles[-1].append((oy, ox))
    words_a_group = -(-c.outputs // c.parameter_lanes)
    for n, tile in enumerate(tiles):
        weight = 0
        for g in range(layer["groups"]):
            taps = [
                (ky, kx, chunk)
                for ky in range(layer["kernel_rows"])
                for kx in range(layer["kernel_columns"])
                for chunk in range(layer["chunks"])
            ]
            outs = []
            for oy, ox in tile:
                out = geometry["out"] + oy * geometry["out_row"] + ox * geometry["out_pixel"]
                out += g * c.outputs // c.word * geometry["out_plane"]
                line, bank = place(c, out)
                line -= layer["out_ring_lines"] if oy >= step["out_wrap"] else 0
                outs.append((line % c.lines, bank))
            tag = {
                "outs": dict(enumerate(outs)), "out_sub": g * c.outputs % c.word // c.outputs,
                "ends": n == len(tiles) - 1 and g == layer["groups"] - 1, "pop": True,
            }  # fmt: skip
            for i, (ky, kx, chunk) in enumerate(taps):
                word, sub = divmod(chunk * c.inputs, c.word)
                slots: dict[int, tuple[int, bool]] = {}
                base = 0
                for lane, (oy, ox) in enumerate(tile):
                    row = step["first_row"] + oy * layer["stride_rows"] + ky * layer["tap_rows"]
                    column = -layer["lead"] + ox * layer["stride_columns"] + kx * layer["tap_columns"]
                    at = geometry["in"] + oy * geometry["in_row"] + ox * geometry["in_pixel"]
                    at += word * geometry["in_plane"]
                    at += ky * geometry["in_tap_row"] + kx * geometry["in_tap"]
                    line = place(c, at)[0] - (layer["in_ring_lines"] if row >= step["in_wrap"] else 0)
                    inside = 0 <= row < layer["in_rows"] and 0 <= column < layer["in_columns"]
                    slots[layer["spread"] * lane % c.banks] = (line % c.lines, inside)
                    if lane == 0:
                        base = at % c.banks
                last = i == len(taps) - 1
                flags = {
                    "operand": 0, "base": base, "sub": sub // c.inputs, "weight": layer["weight_base"] + weight,
                    "first": i == 0, "last": last, "fetch": i == 0,
                }  # fmt: skip
                if i == 0:
                    flags["parameter"] = layer["parameter_base"] + g * words_a_group
                yield Read(slots, flags | (tag if last else {}))
                weight += 1
            if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
                slots = {
                    layer["out_spread"] * lane % c.banks: ((line + layer["operand_lines"]) % c.lines, True)
                    for lane, (line, _) in enumerate(outs)
                }
                yield Read(slots, {"operand": 1, "base": outs[0][1], "sub": tag["out_sub"], "last": 0})


def window_commands(c: Configuration, layer: Values, step: Values, geometry: Values) -> Iterator[Read]:
    """WINDOW and MAXIMUM as the page has them."""
    width = layer["tile"]
    first = int(c.windows > 1 and width < c.windows)
    passes = [(py, px) for py in range(layer["kernel_rows"]) for px in range(layer["kernel_columns"])]
    words_a_group = -(-c.word // c.parameter_lanes)
    for k in range(layer["groups"]):
        for oy in range(step["rows"]):
            for ox in range(0, layer["out_columns"], width):
                outs = {}
                for j in range(min(width, layer["out_columns"] - ox) + first):
                    out = geometry["out"] + oy * geometry["out_row"] + (ox + j) * geometry["out_pixel"]
                    line, bank = place(c, out + k * geometry["out_plane"])
                    line -= layer["out_ring_lines"] if oy >= step["out_wrap"] else 0
                    outs[j] = line % c.lines, bank
                base = outs[0][1]
                if first:
                    del outs[0]
                over = oy == step["rows"] - 1 and ox + width >= layer["out_columns"]
                for i, (py, px) in enumerate(passes):
                    row = step["first_row"] + oy * layer["stride_rows"] + py * layer["tap_rows"]
                    column = -layer["lead"] + ox * layer["stride_columns"] + px * layer["tap_columns"]
                    at = geometry["in"] + oy * geometry["in_row"] + ox // width * geometry["in_pixel"]
                    at += k * geometry["in_plane"]
                    at += py * geometry["in_tap_row"] + px * geometry["in_tap"]
                    slots = {}
                    for u in range(3):
                        r = (0, 2, 1)[u] if layer["swapped"] else u
                        for t in range(c.columns):
                            line = place(c, at + r * geometry["pitch"] + t)[0]
                            line -= layer["in_ring_lines"] if row + r >= step["in_wrap"] else 0
                            inside = 0 <= row + r < layer["in_rows"] and 0 <= column + t < layer["in_columns"]
                            slots[c.columns * u + t] = (line % c.lines, inside)
                    begins, last = not (oy or ox or i), i == len(passes) - 1
                    flags = {
                        "operand": 0, "base": at % c.banks, "weight": 0 if layer["shared"] else i,
                        "first": i == 0, "last": last, "fetch": begins,
                        "edge": ox == 0 and layer["kernel_columns"] == 1, "inner": layer["kernel_columns"] > 1,
                    }  # fmt: skip
                    if begins:
                        flags["parameter"] = layer["parameter_base"] + k * words_a_group
                    if last:
                        flags |= {
                            "outs": outs, "ends": over and k == layer["groups"] - 1, "pop": over,
                            "release": over and layer["op"] == LayerOp.WINDOW,
                            "release_count": layer["word_sets"],
                        }  # fmt: skip
                    yield Read(slots, flags)
                if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
                    slots = {j: ((line + layer["operand_lines"]) % c.lines, True) for j, (line, _) in outs.items()}
                    yield Read(slots, {"operand": 1, "base": base, "last": 0})


def random_step(c: Configuration, rng: np.random.Generator, op: LayerOp) -> tuple[Values, Values, Values]:
    """A layer whose reads meet the rules of the page, some rows of it, and its distances in words."""
    rows, columns = int(rng.integers(1, 9)), int(rng.integers(1, 14))
    stride = int(rng.integers(1, 3))
    kernel = int(rng.integers(1, 4))
    point = op is LayerOp.POINT
    out_columns = max(1, columns // stride)
    if point:
        # across row ends the tile's pixels go on `spread` words apart
        pitch = 4 * c.banks + (out_columns if stride == 1 else out_columns % c.banks)
    else:
        pitch = 4 * c.banks + c.columns * int(rng.integers(1, 3))
    swapped = int(not point and pitch % c.banks == 2 * c.columns)
    tile = int(rng.choice([PIXELS, PIXELS, 1] if point else [1, c.side_by_side(stride), c.windows]))
    geometry = {
        "in": int(rng.integers(0, 900)), "out": int(rng.integers(0, 900)), "pitch": pitch,
        "in_row": stride * pitch, "in_pixel": stride if point else stride * tile,
        "in_plane": int(rng.integers(40, 90)), "in_tap": 1, "in_tap_row": pitch,
        "out_row": int(rng.integers(60, 160)),
        "out_pixel": int(rng.choice([1, 2, 2 * c.banks + 5])), "out_plane": int(rng.integers(20, 60)),
    }  # fmt: skip
    out_rows = int(rng.integers(1, rows + 1))
    layer: Values = {
        "op": op, "epilogue": int(rng.choice([Epilogue.PLAIN, Epilogue.ADD])), "swapped": swapped,
        "cut": int(point and rng.integers(2)), "tile": tile,
        "spread": stride, "out_spread": 1, "shared": 0, "groups": int(rng.integers(1, 5)),
        "chunks": int(rng.integers(1, 5)), "in_rows": rows, "in_columns": columns, "pace": int(rng.integers(1, 6)),
        "out_columns": out_columns, "tap_rows": 1, "tap_columns": 1, "stride_rows": stride, "stride_columns": stride,
        "kernel_rows": kernel, "kernel_columns": int(rng.integers(1, 4)), "lead": int(rng.integers(0, 3)),
        "weight_base": int(rng.integers(1000)), "parameter_base": int(rng.integers(1000)),
        "in_ring_lines": int(rng.integers(1, 30)), "out_ring_lines": int(rng.integers(1, 30)),
        "operand_lines": int(rng.integers(0, c.lines)),
    }  # fmt: skip
    layer["word_sets"] = 0 if point else layer["kernel_rows"] * layer["kernel_columns"]
    step: Values = {
        "rows": out_rows, "first_row": int(rng.integers(-2, 3)),
        "in_wrap": int(rng.choice([32767, int(rng.integers(0, 6))])),
        "out_wrap": int(rng.choice([65535, int(rng.integers(1, 6))])),
    }  # fmt: skip
    cut, tile = layer["cut"], layer["tile"]
    step["tiles"] = out_rows * -(-out_columns // tile) if cut else -(-out_rows * out_columns // tile)
    distances = {
        "in_plane": "in_plane", "in_tap": "in_tap", "in_tap_row": "in_tap_row", "in_pixel": "in_pixel",
        "in_row": "in_row", "in_pitch": "pitch", "out_plane": "out_plane",
        "out_pixel": "out_pixel", "out_row": "out_row",
    }  # fmt: skip
    for field, name in distances.items():
        layer[f"{field}_line"], layer[f"{field}_bank"] = place(c, geometry[name])
    layer["in_pitch_2_line"], layer["in_pitch_2_bank"] = place(c, 2 * pitch)
    for field in ("in", "out"):
        step[f"{field}_line"], step[f"{field}_bank"] = place(c, geometry[field])
    return layer, step, geometry
