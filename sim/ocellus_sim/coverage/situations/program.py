"""What a program asks of the accelerator: operators, operations of the array, and the corners that they lie on."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.formats import Arithmetic
from ocellus.program_formats import Epilogue, LayerOp
from ocellus_sim.coverage.functional import Situation

OPERATORS, LAYERS, CORNERS = "cnn operators", "cnn layers", "cnn corners"
_NO_WRAP = 32767, 65535


def of_program(program: Program) -> Iterator[Situation]:
    """Of a program that has run on the gateware."""
    h, used = program.header, {step["layer"] for step in program.steps}
    for number, (layer, told) in enumerate(zip(program.layers, program.host["layers"], strict=True)):
        if number not in used:
            continue
        yield from ((OPERATORS, kind.lower()) for kind in told["kinds"])
        yield LAYERS, f"{LayerOp(layer['op']).name.lower()}, {Epilogue(layer['epilogue']).name.lower()}"
        yield from ((CORNERS, corner) for corner in _corners(layer))
    steps = program.steps
    found = {
        f"{Arithmetic(h['arithmetic']).name.lower()} rounding": True,
        "columns gathered": h["unfold_columns"] > 1,
        "columns as they come": h["unfold_columns"] <= 1,
        "padding gathered": h["unfold_lead"] > 0,
        "input in a ring": any(step["in_wrap"] != _NO_WRAP[0] for step in steps),
        "results in a ring": any(step["out_wrap"] != _NO_WRAP[1] for step in steps),
        "first row outside the picture": any(step["first_row"] < 0 for step in steps),
        "step waits for results": any(step["after"] for step in steps),
        "step waits for rows": any(step["wait_rows"] for step in steps),
        "one layer": len(used) == 1,
        "tables": h["tables"] > 0,
    }
    yield from ((CORNERS, corner) for corner, there in found.items() if there)


def of_results(layer: Mapping[str, int], values: NDArray[np.int8]) -> Iterator[Situation]:
    """Of results of a layer: those at the ends of its clamp, where these are not int8's."""
    for end, corner, plain in (("minimum", "lower", -128), ("maximum", "upper", 127)):
        if layer["epilogue"] == Epilogue.PLAIN and layer[end] != plain and (values == layer[end]).any():
            yield CORNERS, f"result at the {corner} clamp"


def _corners(layer: Mapping[str, int]) -> Iterator[str]:
    point, window = layer["op"] == LayerOp.POINT, layer["op"] == LayerOp.WINDOW
    kernel = layer["kernel_rows"], layer["kernel_columns"]
    name = LayerOp(layer["op"]).name.lower()
    found = {
        f"{name}, kernel of one": kernel == (1, 1),
        f"{name}, kernel of one row": kernel[0] == 1 < kernel[1],
        f"{name}, kernel of one column": kernel[1] == 1 < kernel[0],
        f"{name}, kernel of both": min(kernel) > 1,
        f"{name}, stride 1": layer["stride_columns"] == layer["stride_rows"] == 1,
        f"{name}, stride 2": layer["stride_columns"] == 2 or layer["stride_rows"] == 2,
        f"{name}, larger stride": max(layer["stride_columns"], layer["stride_rows"]) > 2,
        f"{name}, padding on the left": layer["lead"] > 0,
        f"{name}, one column": layer["out_columns"] == 1,
        f"{name}, dilated": max(layer["tap_rows"], layer["tap_columns"]) > (1 if point else 3),
        "one group": layer["groups"] == 1,
        "several groups": layer["groups"] > 1,
        "tiles end at the row": point and bool(layer["cut"]),
        "tiles go on across rows": point and layer["tile"] > 1 and not layer["cut"],
        "one pixel a tile": point and layer["tile"] == 1,
        "one chunk": point and layer["chunks"] == 1,
        "several chunks": point and layer["chunks"] > 1,
        "pixels two words apart": layer["spread"] == 2,
        "pixels three words apart": layer["spread"] == 3,
        "results two words apart": layer["out_spread"] == 2,
        "rows swapped": bool(layer["swapped"]),
        "weights shared by passes": window and bool(layer["shared"]),
        "difference": bool(layer["subtract"]),
        "no clamp": (layer["minimum"], layer["maximum"]) == (-128, 127),
        "clamp from below": layer["minimum"] > -128,
        "clamp from above": layer["maximum"] < 127,
    }
    yield from (corner for corner, there in found.items() if there)
