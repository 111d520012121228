"""From a graph to a program image: runs the passes and fills the words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...configurations import Configuration
from ...errors import BadInput
from ...formats import Arithmetic
from ...layouts import Layout
from ...program_formats import LARGEST_SHIFT, LAYER, STEP, LayerOp
from ..graph import Network, Runtime
from .arrangement import Arrangement, arrange
from .descriptors import is_swapped, layer_fields, step_fields, wheel
from .geometry import Walk, walk
from .goal import Goal
from .image import Program, program_words
from .layers import ArrayLayer, Plan
from .lower_weighted import MAX_PASSES
from .lowering import lower
from .packing import pack_parameters, pack_weights
from .predict import predict
from .report import host_part


def compile_network(
    network: Network,
    sizes: Configuration,
    description: Mapping[str, Any] | None = None,
    arithmetic: Arithmetic = Arithmetic.DOUBLE,
    goal: Goal = Goal.THROUGHPUT,
    activation_bytes: int | None = None,
) -> Program:
    """The program image that runs ``network`` on an accelerator of ``sizes``.

    ``description`` is added to the host's part: how the output is read (head, classes, threshold). The program is the
    best that was found for ``goal`` and takes at most ``activation_bytes`` of activations, or the memory's. Networks
    whose measure is ONNX Runtime round once, whatever ``arithmetic``. :class:`BadInput` when the network does not fit,
    with the layer that needs the most.
    """
    if network.runtime is Runtime.ONNX:
        arithmetic = Arithmetic.SINGLE
    plan = lower(network, sizes, arithmetic)
    _check_least(plan)
    arrangement = arrange(plan, goal, activation_bytes)
    ways = arrangement.ways
    _check_passes(plan, ways)
    weights = [
        pack_weights(layer, sizes, way, is_swapped(layer, sizes, way, arrangement.layouts[layer.source].pitch))
        for layer, way in zip(plan.layers, ways, strict=True)
    ]
    parameters = [pack_parameters(layer, sizes) for layer in plan.layers]
    _check_contents(plan, weights, parameters)
    tables = {table: n for n, table in enumerate(dict.fromkeys(x.table for x in plan.layers if x.table is not None))}
    _check_words(plan, arrangement, len(tables))
    bases = zip(_offsets(weights), _offsets(parameters), strict=True)
    layers = tuple(
        _checked(
            plan, layer, LAYER, layer_fields(plan, layer, way, arrangement.places, tables)
            | {"weight_base": weight_base, "parameter_base": parameter_base},
        )
        for layer, way, (weight_base, parameter_base) in zip(plan.layers, ways, bases, strict=True)
    )  # fmt: skip
    steps = tuple(
        _checked(
            plan, plan.layers[step.layer], STEP,
            step_fields(plan, step, ways[step.layer], wait, number == arrangement.last, arrangement.places),
        )
        for number, (step, wait) in enumerate(zip(arrangement.steps, arrangement.waits, strict=True))
    )  # fmt: skip
    clocks = predict(sizes, layers, steps, plan.clocks_behind)
    host = host_part(plan, arrangement, arithmetic, clocks, [w.size for w in weights])
    return Program.assemble(
        _header(plan, arrangement, arithmetic), layers, steps, np.array(list(tables), np.int8).reshape(-1, 256),
        np.concatenate(parameters), np.concatenate(weights), {**(description or {}), **host},
    )  # fmt: skip


def _header(plan: Plan, arrangement: Arrangement, arithmetic: Arithmetic) -> dict[str, int]:
    """The fields of ``IMAGE_HEADER`` but for sizes and counts."""
    sizes, unfolding, (rows, columns, channels) = plan.sizes, plan.unfolding, plan.picture
    source, output = arrangement.places[plan.input], arrangement.places[plan.output]
    out_rows, out_columns, out_channels = plan.shapes[plan.output]
    return {
        "arithmetic": arithmetic, "network_id": plan.network.identity,
        "input_rows": rows, "input_columns": columns, "input_channels": channels, "input_fill": unfolding.fill,
        "unfold_columns": unfolding.columns, "unfold_stride": unfolding.stride, "unfold_lead": unfolding.lead,
        "unfold_bytes": unfolding.columns * channels if unfolding.columns > 1 else 0,
        "stored_columns": plan.shapes[plan.input][1],
        "ring_rows": source.ring, "output_rows": out_rows, "output_columns": out_columns,
        "output_channels": out_channels,
        **wheel("input", source.base, sizes), **wheel("input_row", source.pitch, sizes),
        **wheel("input_plane", source.plane, sizes), **wheel("output", output.base, sizes),
        **wheel("output_row", output.pitch, sizes), **wheel("output_plane", output.plane, sizes),
    }  # fmt: skip


def _offsets(parts: list[np.ndarray]) -> list[int]:
    """Where each part begins when they lie one behind the other."""
    return [sum(map(len, parts[:n])) for n in range(len(parts))]


def _checked(plan: Plan, layer: ArrayLayer, layout: Layout, values: Mapping[str, int]) -> Mapping[str, int]:
    """The values as the words hold them; :class:`BadInput` when one does not fit its field."""
    try:
        return layout.unpack(layout.pack(values))
    except ValueError as error:
        raise BadInput(f"{plan.network.file}: {layer.operators[0]}: {error}") from None


def _check_passes(plan: Plan, ways: Sequence[Walk]) -> None:
    for layer, way in zip(plan.layers, ways, strict=True):
        sets = way.passes[0] * way.passes[1]
        if layer.op is LayerOp.WINDOW and not layer.shared and sets > MAX_PASSES:
            raise BadInput(
                f"{plan.network.file}: {layer.operators[0]}: found {sets} sets of weights a window, "
                f"allowed {MAX_PASSES}"
            )


def _check_shifts(plan: Plan) -> None:
    for layer in plan.layers:
        factors = [*layer.factors, *([layer.combination.result] if layer.combination else [])]
        largest = max((factor.shift for factor in factors), default=0)
        if largest > LARGEST_SHIFT:
            raise BadInput(
                f"{plan.network.file}: {layer.operators[0]}: found a scale of its input that is 2^{largest - 1} times "
                f"that of its output or more, allowed less than 2^{LARGEST_SHIFT} times"
            )


def _check_least(plan: Plan) -> None:
    """What every arrangement takes, before one is sought."""
    _check_shifts(plan)
    weights = [pack_weights(layer, plan.sizes, walk(layer, plan.sizes, None, None), False) for layer in plan.layers]
    _check_contents(plan, weights, [pack_parameters(layer, plan.sizes) for layer in plan.layers])


def _check_contents(plan: Plan, weights: list[np.ndarray], parameters: list[np.ndarray]) -> None:
    sizes = plan.sizes
    _check(plan, "layers", [1] * len(plan.layers), min(sizes.layers, 256))
    _check(plan, "weight words", map(len, weights), sizes.weight_words)
    _check(plan, "parameter words", map(len, parameters), sizes.parameter_words)


def _check_words(plan: Plan, arrangement: Arrangement, tables: int) -> None:
    at = f"{plan.network.file}: configuration {plan.sizes.name!r}"
    words = program_words(len(plan.layers), len(arrangement.steps))
    if words > plan.sizes.program_words:
        raise BadInput(f"{at}: found {words} program words, allowed {plan.sizes.program_words}")
    if tables > plan.sizes.tables:
        raise BadInput(f"{at}: found {tables} tables, allowed {plan.sizes.tables}")


def _check(plan: Plan, what: str, shares: Iterable[int], allowed: int) -> None:
    counts = list(shares)
    if sum(counts) > allowed:
        share, number = max((share, number) for number, share in enumerate(counts))
        raise BadInput(
            f"{plan.network.file}: configuration {plan.sizes.name!r}: found {sum(counts)} {what}, allowed {allowed}; "
            f"{plan.layers[number].operators[0]} needs the most, {share} {what}"
        )
