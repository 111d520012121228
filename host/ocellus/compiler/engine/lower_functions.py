"""Functions of one value: a table behind the layer that makes it, a clamp where that is all, or nothing at all."""

from dataclasses import replace

import numpy as np

from ...program_formats import Epilogue
from ..graph import Operator, Tensor
from .copies import copied
from .scaling import table_of
from .storages import Storages

_VALUES = np.arange(-128, 128)


def lower_function(storages: Storages, operator: Operator) -> None:
    """QUANTIZE, LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU and the RELU family."""
    (x,), output = storages.tensors(operator)
    apply_table(storages, operator, x, output, table_of(storages, operator, x, output))


def apply_table(storages: Storages, operator: Operator, x: Tensor, output: Tensor, table: tuple[int, ...]) -> None:
    """Into the layers that make ``x`` when nobody else reads it, otherwise behind a copy."""
    plan = storages.plan
    storage = plan.stored_as[x.name]
    if (np.array(table) == _VALUES).all():
        plan.stored_as[output.name] = storage
        plan.notes.append(f"{operator} changes nothing and is left out")
        return
    layers = [plan.layers[n] for n in plan.writers(storage)]
    alone = len(storages.readers(x.name)) == 1 and list(plan.stored_as.values()).count(storage) == 1
    plain = all(layer.epilogue is Epilogue.PLAIN and not layer.partial for layer in layers)
    if not (layers and alone and plain) or plan.readers(storage) or x.name in (plan.network.output, plan.input):
        shape = plan.shapes[storage]
        copy = copied((operator,), storage, storages.store(output, shape), shape)
        storages.add(replace(copy, table=table))
        return
    shape = plan.shapes.pop(storage)
    del plan.stored_as[x.name]
    output_storage = storages.store(output, shape)
    low, high = min(table), max(table)
    for n in plan.writers(storage):
        layer = plan.layers[n]
        changed = replace(layer, operators=(*layer.operators, operator), output=output_storage)
        if (np.array(table) == np.clip(_VALUES, low, high)).all():
            ends = (min(max(end, low), high) for end in (layer.minimum, layer.maximum))
            minimum, maximum = ends
            plan.layers[n] = replace(changed, minimum=minimum, maximum=maximum)
        else:
            plan.layers[n] = replace(changed, table=table)
    plan.notes.append(f"{operator} is fused into {layers[0].operators[0]}")
