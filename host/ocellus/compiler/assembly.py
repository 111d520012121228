"""From a graph to a program image: runs the passes and fills the descriptors."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..configurations import Configuration
from ..errors import BadInput
from ..formats import LAYER, LayerOp
from .graph import Network, Tensor
from .memory import MemoryPlan, plan_memory
from .packing import chunks_of, clocks_of, groups_of, pack_parameters, pack_weights
from .program import Program
from .schedule import Layer, Schedule, schedule


def compile_network(
    network: Network, configuration: Configuration, description: Mapping[str, Any] | None = None
) -> Program:
    """The program image that runs ``network`` on an accelerator of ``configuration``.

    ``description`` is added to the host's part: how the output is read (head, classes, threshold). :class:`BadInput`
    when the network does not fit, with the layer that needs the most.
    """
    plan = schedule(network)
    memory = plan_memory(plan)
    weights = [pack_weights(layer, configuration) for layer in plan.layers]
    parameters = [pack_parameters(layer, configuration) for layer in plan.layers]
    _check_fit(plan, configuration, memory, weights, parameters)
    descriptors = []
    weight_base = parameter_base = 0
    for number, layer in enumerate(plan.layers):
        values = {
            **_descriptor(layer, configuration, memory),
            "last": number == plan.last_layer,
            "releases_input": number == plan.last_reader_of_input,
            "weight_base": weight_base,
            "parameter_base": parameter_base,
        }
        descriptors.append(_checked(network, layer, values))
        weight_base += len(weights[number])
        parameter_base += len(parameters[number])
    output = network.tensors[plan.output]
    header = {
        "lanes": configuration.lanes,
        "columns": configuration.columns,
        "requantisers": configuration.requantisers,
        "network_id": network.identity,
        "input_address": memory.addresses[plan.input],
        "input_bytes": network.input_tensor.size,
        "output_address": memory.addresses[plan.stored_as[plan.output]],
        "output_bytes": output.size,
    }
    return Program.assemble(
        header,
        tuple(descriptors),
        np.concatenate(parameters),
        np.concatenate(weights),
        {**(description or {}), **_host_part(plan, configuration, memory)},
    )


def _descriptor(layer: Layer, configuration: Configuration, memory: MemoryPlan) -> dict[str, int]:
    """The fields of ``LAYER`` that follow from the layer and the addresses."""
    in_h, in_w, in_c = layer.in_shape
    out_h, out_w, out_c = layer.out_shape
    row_bytes = in_w * in_c
    values = {
        "op": layer.op,
        "in_address": memory.addresses[layer.inputs[0]],
        "out_address": memory.addresses[layer.output],
        "in_h": in_h, "in_w": in_w, "in_c": in_c,
        "out_h": out_h, "out_w": out_w, "out_c": out_c,
        "kernel_h": layer.kernel[0], "kernel_w": layer.kernel[1],
        "stride_h": layer.stride[0], "stride_w": layer.stride[1],
        "pad_top": layer.pad[0], "pad_left": layer.pad[1],
        "row_bytes": row_bytes,
        "step_x": layer.stride[1] * in_c, "step_y": layer.stride[0] * row_bytes,
        "lead_x": layer.pad[1] * in_c, "lead_y": layer.pad[0] * row_bytes,
        "chunks": chunks_of(layer, configuration),
        "groups": groups_of(layer, configuration),
        "elements": out_h * out_w * out_c,
        "fill": layer.fill,
        "zero_point_1": layer.zero_points[0], "zero_point_2": layer.zero_points[1],
        "zero_point_out": layer.zero_points[2],
        "minimum": layer.minimum, "maximum": layer.maximum,
    }  # fmt: skip
    if layer.op is LayerOp.ADD:
        first, second, out = layer.factors
        values |= {
            "in2_address": memory.addresses[layer.inputs[1]],
            "multiplier_1": first.multiplier, "shift_1": -first.shift,
            "multiplier_2": second.multiplier, "shift_2": -second.shift,
            "multiplier_out": out.multiplier, "shift_out": out.shift,
        }  # fmt: skip
    return values


def _checked(network: Network, layer: Layer, values: Mapping[str, int]) -> Mapping[str, int]:
    """The values as the descriptor holds them; :class:`BadInput` when one does not fit its field."""
    try:
        return LAYER.unpack(LAYER.pack(values))
    except ValueError as error:
        raise BadInput(f"{network.file}: {layer.operator}: {error}") from None


def _check_fit(
    plan: Schedule,
    configuration: Configuration,
    memory: MemoryPlan,
    weights: list[np.ndarray],
    parameters: list[np.ndarray],
) -> None:
    at = f"{plan.network.file}: configuration {configuration.name!r}"
    layers = plan.layers
    if len(layers) > configuration.layers:
        raise BadInput(f"{at}: found {len(layers)} layers, allowed {configuration.layers}")
    sizes = [plan.network.tensors[layer.output].size for layer in layers]
    for what, needed, allowed, shares in (
        ("weight words", sum(map(len, weights)), configuration.weight_words, map(len, weights)),
        ("parameter words", sum(map(len, parameters)), configuration.parameter_words, map(len, parameters)),
        ("bytes of activations", memory.size, configuration.activation_bytes, sizes),
    ):
        if needed > allowed:
            raise BadInput(f"{at}: found {needed} {what}, allowed {allowed}; {_largest(layers, shares, what)}")


def _largest(layers: list[Layer], shares: Iterable[int], what: str) -> str:
    share, number = max((share, number) for number, share in enumerate(shares))
    return f"{layers[number].operator} needs the most, {share} {what}"


def _host_part(plan: Schedule, configuration: Configuration, memory: MemoryPlan) -> dict[str, Any]:
    """Everything in plain words: the ends of the network, its layers, and what is left to do."""
    network = plan.network
    return {
        "network": network.name,
        "configuration": configuration.name,
        "notes": list(network.notes),
        "input": _ends(network.input_tensor),
        "output": _ends(network.tensors[plan.output]),
        "activation_bytes": memory.size,
        "left_to_host": [
            {"operator": o.number, "kind": str(o.kind), "beta": o.beta, "output": _ends(network.tensors[o.output])}
            for o in plan.left_to_host
        ],
        "layers": [
            {
                "operator": layer.operator.number,
                "kind": str(layer.operator.kind),
                "op": layer.op.name,
                "tensor": layer.output,
                "shape": list(network.tensors[layer.output].shape),
                "address": memory.addresses[layer.output],
                "kernel": list(layer.kernel),
                "stride": list(layer.stride),
                "macs": layer.macs,
                "clocks": clocks_of(layer, configuration),
            }
            for layer in plan.layers
        ],
    }


def _ends(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name, "shape": list(tensor.shape), "scale": tensor.scale, "zero_point": tensor.zero_point
    }  # fmt: skip
