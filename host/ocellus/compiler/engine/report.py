"""The host's part of a program: the ends of the network, its layers, and what is left to do, in plain words."""

from collections.abc import Sequence
from typing import Any

from ...formats import Arithmetic
from ..graph import Tensor
from .arrangement import Arrangement
from .layers import ArrayLayer, Plan


def host_part(
    plan: Plan, arrangement: Arrangement, arithmetic: Arithmetic, clocks: Sequence[int], weight_bytes: Sequence[int]
) -> dict[str, Any]:
    """What JSON can say of the program."""
    network = plan.network
    output = plan.left_to_host[0].inputs[0] if plan.left_to_host else network.output
    steps = [step.layer for step in arrangement.steps]
    return {
        "network": network.name,
        "configuration": plan.sizes.name,
        "arithmetic": arithmetic.name.lower(),
        "notes": [*network.notes, *plan.notes],
        "input": _ends(network.input_tensor),
        "output": _ends(network.tensors[output]),
        "activation_bytes": arrangement.peak * plan.sizes.word,
        "weight_bytes": sum(weight_bytes),
        "clocks": sum(clocks),
        "clocks_after_input": arrangement.after_input,
        "macs": sum(layer.macs for layer in plan.layers),
        "left_to_host": [
            {"operator": o.number, "kind": str(o.kind), "beta": o.beta, "output": _ends(network.tensors[o.output])}
            for o in plan.left_to_host
        ],
        "layers": [
            _layer(plan, layer, arrangement)
            | {"steps": steps.count(n), "clocks": clocks[n], "weight_bytes": weight_bytes[n]}
            for n, layer in enumerate(plan.layers)
        ],
    }


def _layer(plan: Plan, layer: ArrayLayer, arrangement: Arrangement) -> dict[str, Any]:
    place = arrangement.places[layer.output]
    return {
        "operators": [o.number for o in layer.operators],
        "kinds": [str(o.kind) for o in layer.operators],
        "op": layer.op.name,
        "epilogue": layer.epilogue.name,
        "tensor": None if layer.partial else layer.operators[-1].output,
        "shape": list(layer.out_shape),
        "origin": list(layer.out_origin),
        "row_column_step": list(layer.out_step),
        "place": {"base": place.base, "pitch": place.pitch, "plane": place.plane, "ring": place.ring},
        "kernel": list(layer.kernel),
        "stride": list(layer.stride),
        "macs": layer.macs,
    }


def _ends(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name, "shape": list(tensor.shape), "scale": tensor.scale, "zero_point": tensor.zero_point
    }  # fmt: skip
