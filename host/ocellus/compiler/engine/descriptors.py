"""The fields of ``LAYER`` and ``STEP`` for layers and rows whose places are known."""

from ...configurations import Configuration
from ...program_formats import LINE_BITS, LayerOp
from .geometry import Walk, pace
from .layers import ArrayLayer, Plan
from .packing import chunks_of, groups_of
from .placement import Place
from .predict import tiles_of
from .schedule import Rows, Waits

NO_IN_WRAP, NO_OUT_WRAP = 32767, 65535


def wheel(name: str, words: int, sizes: Configuration) -> dict[str, int]:
    """A place or a distance as line and bank."""
    line, bank = divmod(words % (sizes.banks << LINE_BITS), sizes.banks)
    return {f"{name}_line": line, f"{name}_bank": bank}


def is_swapped(layer: ArrayLayer, sizes: Configuration, way: Walk, pitch: int) -> bool:
    """Whether the three rows of a window lie in the order 0, 2, 1."""
    return layer.op is LayerOp.WINDOW and way.tap_rows == 3 and pitch % sizes.banks == 2 * sizes.columns


def layer_fields(
    plan: Plan, layer: ArrayLayer, way: Walk, places: dict[str, Place], tables: dict[tuple[int, ...], int]
) -> dict[str, int]:
    """All but ``weight_base`` and ``parameter_base``."""
    sizes, source, output = plan.sizes, places[layer.source], places[layer.output]
    point = layer.op is LayerOp.POINT
    tap_rows, tap_columns = layer.dilation
    if not point:
        tap_rows *= way.tap_rows
        tap_columns *= way.tap_columns if layer.repeats == 1 else 0
    thirds = not point and way.tap_rows == 3
    pitches = (source.pitch, 2 * source.pitch) if thirds else (sizes.columns, 2 * sizes.columns)
    groups = groups_of(layer, sizes)
    sets = (1 if layer.shared else way.passes[0] * way.passes[1]) if layer.op is LayerOp.WINDOW else 0
    fields = {
        "op": layer.op, "epilogue": layer.epilogue,
        "swapped": is_swapped(layer, sizes, way, source.pitch), "cut": way.cut, "tile": way.tile,
        "spread": way.spread, "out_spread": way.out_spread, "shared": layer.shared,
        "table": tables[layer.table] if layer.table is not None else 0,
        "word_sets": sets, "sets": sets * groups, "groups": groups, "chunks": chunks_of(layer, sizes) if point else 1,
        "in_rows": layer.in_shape[0], "in_columns": layer.in_shape[1], "pace": pace(layer, sizes),
        "out_columns": layer.out_shape[1], "tap_rows": tap_rows, "tap_columns": tap_columns,
        "stride_rows": layer.stride[0], "stride_columns": layer.stride[1],
        "kernel_rows": way.passes[0], "kernel_columns": way.passes[1],
        "lead": layer.pad[1] - way.chained(layer, sizes),
        "fill": layer.fill, "zero_point": layer.zero_point, "minimum": layer.minimum, "maximum": layer.maximum,
        "in_ring_lines": _ring_lines(plan, layer.source, source),
        "out_ring_lines": _ring_lines(plan, layer.output, output),
        **wheel("in_plane", source.plane, sizes), **wheel("in_tap", tap_columns, sizes),
        **wheel("in_tap_row", tap_rows * source.pitch, sizes),
        **wheel("in_pixel", (1 if point else way.tile) * layer.stride[1], sizes),
        **wheel("in_row", layer.stride[0] * source.pitch, sizes),
        **wheel("in_pitch", pitches[0], sizes), **wheel("in_pitch_2", pitches[1], sizes),
        **wheel("out_plane", output.plane, sizes), **wheel("out_pixel", layer.out_step[1], sizes),
        **wheel("out_row", layer.out_step[0] * output.pitch, sizes),
    }  # fmt: skip
    return fields | _combination_fields(layer, sizes, places)


def _ring_lines(plan: Plan, name: str, place: Place) -> int:
    return place.ring * place.pitch // plan.sizes.banks if place.ring < plan.shapes[name][0] else 0


def _combination_fields(layer: ArrayLayer, sizes: Configuration, places: dict[str, Place]) -> dict[str, int]:
    c = layer.combination
    if c is None:
        return {}
    lines, rest = divmod(places[c.operand].base - places[layer.output].base, sizes.banks)
    assert rest == 0, "the operand lies in other banks"
    fields = {
        "operand_lines": lines % (1 << LINE_BITS), "subtract": c.subtract,
        "multiplier_3": c.result.multiplier, "shift_3": c.result.shift,
        "zero_point_1": c.zero_points[0], "zero_point_2": c.zero_points[1], "zero_point_3": c.zero_points[2],
        "minimum_3": c.minimum, "maximum_3": c.maximum,
    }  # fmt: skip
    if c.factors is not None:
        for name, factor in zip("12", c.factors, strict=True):
            fields |= {f"multiplier_{name}": factor.multiplier, f"shift_{name}": -factor.shift}
    return fields


def step_fields(plan: Plan, step: Rows, way: Walk, wait: Waits, last: bool, places: dict[str, Place]) -> dict[str, int]:
    """All of ``STEP``."""
    layer = plan.layers[step.layer]
    source, output = places[layer.source], places[layer.output]
    first_row = step.first * layer.stride[0] - layer.pad[0]
    low, high = layer.rows_needed(step.first, step.last)
    begin = min(low, plan.shapes[layer.source][0] - 1) // source.ring * source.ring
    row, column, channel = layer.in_origin
    # Windows that take a column from the clock before read behind it; those that do not are all but the first.
    chained = way.chained(layer, plan.sizes)
    start = source.base + (first_row + row - begin) * source.pitch + column - layer.pad[1] + chained
    written = layer.rows_written(step.first, step.last)
    out_begin = written[0] // output.ring * output.ring
    out = output.base + (written[0] - out_begin) * output.pitch + layer.out_origin[1]
    if layer.op is not LayerOp.POINT:
        out -= plan.sizes.first_window(way.tile) * layer.out_step[1]
    wraps = written[-1] >= out_begin + output.ring
    point = layer.op is LayerOp.POINT
    tiles = tiles_of(step.count, layer.out_shape[1], way.tile, way.cut) if point else 0
    return {
        "layer": step.layer, "rows": step.count, "tiles": tiles, "last": last,
        "after": wait.after, "wait_rows": wait.wait_rows, "free_rows": wait.free_rows, "first_row": first_row,
        "in_wrap": begin + source.ring - row if high > begin + source.ring else NO_IN_WRAP,
        "out_wrap": -(-(out_begin + output.ring - written[0]) // written.step) if wraps else NO_OUT_WRAP,
        **wheel("in", start + channel // plan.sizes.word * source.plane, plan.sizes),
        **wheel("out", out + layer.out_origin[2] // plan.sizes.word * output.plane, plan.sizes),
    }  # fmt: skip
