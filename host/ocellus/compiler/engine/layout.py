"""How wide a storage's rows are in memory: the pitch that keeps its readers and writers free of bank conflicts."""

from ...program_formats import LayerOp
from .geometry import Pitches, clocks, walk
from .layers import ArrayLayer, Plan
from .lower_weighted import MAX_PASSES


def pitches(plan: Plan) -> Pitches:
    """A pitch for every storage; storages that one epilogue combines share theirs.

    The fewest clocks win, then the fewest words. Rows are ``words a pixel`` planes of ``columns`` words each, then
    unused words.
    """
    found: Pitches = {}
    for group in _groups(plan):
        least = max(plan.shapes[name][1] * plan.words(name) for name in group)
        touching = [layer for layer in plan.layers if {layer.source, layer.output, layer.operand} & group]
        candidates = range(least, least + plan.sizes.banks)
        best = min(candidates, key=lambda pitch: (_clocks(plan, touching, group, pitch), pitch))
        found.update(dict.fromkeys(group, best))
    return found


def _groups(plan: Plan) -> list[set[str]]:
    """Storages that must lie alike, in the order in which they are first written."""
    groups: list[set[str]] = [{name} for name in plan.shapes]
    for layer in plan.layers:
        if layer.operand is None:
            continue
        alike = [group for group in groups if group & {layer.operand, layer.output}]
        groups[groups.index(alike[0])] = set().union(*alike)
        for group in alike[1:]:
            groups.remove(group)
    return groups


def _clocks(plan: Plan, layers: list[ArrayLayer], group: set[str], pitch: int) -> int:
    """Clocks of the layers that touch the group, when all else suits them."""
    total = 0
    for layer in layers:
        in_pitch, out_pitch = (pitch if name in group else None for name in (layer.source, layer.output))
        way = walk(layer, plan.sizes, in_pitch, out_pitch)
        if layer.op is LayerOp.WINDOW and not layer.shared and way.passes[0] * way.passes[1] > MAX_PASSES:
            return 1 << 40
        total += clocks(layer, way, plan.sizes, layer.out_shape[0])
    return total
