"""How a storage's rows lie in memory: the pitch that keeps its readers and writers free of bank conflicts."""

from collections.abc import Sequence
from math import gcd

from ...program_formats import LayerOp
from .geometry import Layout, Layouts, total_clocks, walk
from .layers import Plan
from .lower_weighted import MAX_PASSES


class LayoutChooser:
    """Finds layouts for a plan whose layers run in steps of some rows; storages that one epilogue combines lie alike.

    The fewest clocks win, then the fewest words.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.groups = [
            (group, [n for n, x in enumerate(plan.layers) if {x.source, x.output, x.operand} & group])
            for group in alike(plan)
        ]
        self._known: dict[tuple[int, ...], Layout] = {}

    def layouts(self, rows: Sequence[int]) -> Layouts:
        """A layout for every storage; ``rows`` are those of each layer's steps."""
        found: Layouts = {}
        for number, (group, touching) in enumerate(self.groups):
            key = (number, *(rows[n] for n in touching))
            if key not in self._known:
                self._known[key] = self._best(group, touching, rows)
            found.update(dict.fromkeys(group, self._known[key]))
        return found

    def _best(self, group: set[str], touching: Sequence[int], rows: Sequence[int]) -> Layout:
        plan, banks = self.plan, self.plan.sizes.banks
        columns = max(plan.shapes[name][1] for name in group)
        planes = max(plan.words(name) for name in group)
        ways: list[tuple[int, int, int, Layout]] = []
        for pitch in range(planes * columns, planes * columns + banks):
            plane_pitch = columns + (pitch - columns) % banks
            planar = planes * plane_pitch < pitch
            layout = Layout(plane_pitch if planar else pitch, planar)
            width = planes * plane_pitch if planar else pitch
            words = sum(ring_estimate(plan, name, rows, layout.pitch) * width for name in group)
            ways.append((self._clocks(group, touching, rows, layout.pitch), words, width, layout))
        return min(ways, key=lambda way: way[:3])[3]

    def _clocks(self, group: set[str], touching: Sequence[int], rows: Sequence[int], pitch: int) -> int:
        """Clocks of the layers that touch the group, when all else suits them."""
        total = 0
        for n in touching:
            layer = self.plan.layers[n]
            in_pitch, out_pitch = (pitch if name in group else None for name in (layer.source, layer.output))
            way = walk(layer, self.plan.sizes, in_pitch, out_pitch)
            if layer.op is LayerOp.WINDOW and not layer.shared and way.passes[0] * way.passes[1] > MAX_PASSES:
                return 1 << 40
            total += total_clocks(layer, way, self.plan.sizes, rows[n])
        return total


def ring_estimate(plan: Plan, name: str, rows: Sequence[int], pitch: int) -> int:
    """Rows of a ring between layers that take turns, in steps of ``rows`` rows."""
    made = max((rows[n] for n in plan.writers(name)), default=1)
    live, reaches = made, False
    for n in plan.readers(name):
        layer = plan.layers[n]
        if layer.operand == name:
            live = max(live, made + rows[n])
        reach = (layer.kernel[0] - 1) * layer.dilation[0] + 1
        kept = max(reach - layer.stride[0], 0)
        reaches = reaches or kept > 0
        live = max(live, kept + max(made, rows[n] * layer.stride[0]))
    unit = plan.sizes.banks // gcd(pitch, plan.sizes.banks) if reaches or name == plan.input else 1
    return min(-(-live // unit) * unit, plan.shapes[name][0])


def alike(plan: Plan) -> list[set[str]]:
    """Storages that must lie alike, in the order in which they are first written."""
    groups: list[set[str]] = [{name} for name in plan.shapes]
    for layer in plan.layers:
        if layer.operand is None:
            continue
        same = [group for group in groups if group & {layer.operand, layer.output}]
        groups[groups.index(same[0])] = set().union(*same)
        for group in same[1:]:
            groups.remove(group)
    return groups


def row_words(plan: Plan, name: str, layout: Layout) -> int:
    """Words that a row takes, unused ones included."""
    return plan.words(name) * layout.pitch if layout.planar else layout.pitch
