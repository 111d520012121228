"""Stairs as layers: where one multiplication does not round as ONNX Runtime does, layers run again and are added."""

from dataclasses import replace

import numpy as np

from ..graph import Operator
from ..onnx_stairs import Stair
from .copies import IDENTITY
from .layers import ArrayLayer, Combination
from .quotients import EXACT_SUM
from .storages import Storages


def stacked(storages: Storages, operator: Operator, base: ArrayLayer, stairs: list[Stair]) -> list[ArrayLayer]:
    """``base`` once for each stair; each adds what it makes to what those before it have made.

    The biases of ``base`` count for every stair, its factors for none.
    """
    layers: list[ArrayLayer] = []
    for n, stair in enumerate(stairs):
        layer = _shared_out(base, stair)
        if len(stairs) > 1:
            last = n == len(stairs) - 1
            shape = storages.plan.shapes[base.output]  # an operand lies as the output does
            layer = replace(
                layer,
                zero_point=stair.zero_point,
                minimum=stair.minimum,
                maximum=stair.maximum,
                output=base.output if last else storages.temporary(operator, shape),
                partial=base.partial or not last,
            )
            if layers:
                before = stairs[n - 1].total if n > 1 else stairs[0].base
                points = (stair.base, before, stair.total)
                sum_of_both = Combination(layers[-1].output, points, EXACT_SUM[1], (EXACT_SUM[0], EXACT_SUM[0]))
                layer = replace(layer, combination=sum_of_both)
        layers.append(layer)
    return layers


def _shared_out(base: ArrayLayer, stair: Stair) -> ArrayLayer:
    """With the stair's factors and biases; channels without a share in it are constants that add nothing."""
    channels = base.out_shape[2]
    shares = stair.shares * channels if len(stair.shares) == 1 else stair.shares
    counts = np.array([share is not None for share in shares])
    more = np.array([0 if share is None else share.bias for share in shares], np.int64)
    biases = np.where(counts, base.biases.astype(np.int64) + more, 0)
    weights = base.weights
    if weights is not None and not counts.all():
        axis = (slice(None), None, None, None) if weights.ndim == 4 else (None, None, slice(None))
        weights = np.where(counts[axis], weights, 0).astype(weights.dtype)
    return replace(
        base,
        weights=weights,
        biases=biases.astype(np.int32),
        factors=tuple(IDENTITY if share is None else share.factor for share in shares),
    )
