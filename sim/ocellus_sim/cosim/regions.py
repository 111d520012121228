"""Regions: parts of a design with a clock of their own in the simulator, withheld while they are at rest.

An accelerator that waits for the next frame costs the simulator as much as one that works. Here such a part gets a
clock input of its own at the top, and a bit of an output of the top that says whether something else enters it. The
harness (regions.h) looks whether one more clock would change anything in it; if not, it needs none until the bit is
set. Nothing is assumed of the design, so nothing can go wrong by it.

The simulator still works out, clock by clock, what hangs on the inputs of such a part before the first register. A
*shut* region has registers at its border that follow what enters it only when that is different, by a clock that the
harness raises until all has settled: what is in it then costs nothing, and a little more when it works.
"""

# pyright: reportAttributeAccessIssue=false
# The stubs leave out Amaranth's netlist, which is private: its version is pinned for that.
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module, ResetSignal, Signal, Value
from amaranth.hdl import _ir as ir
from amaranth.hdl import _nir as nir
from amaranth.hdl._ir import Fragment, PortDirection

from ocellus_sim.cosim.verilog import CHANGES, REGION_CLOCK, REGION_FEED

Ports = Mapping[str, tuple[Value, PortDirection]]

MOST = 64
"""Regions of a design."""
_PLAIN = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")
"""Names that Verilator leaves as they are: its storage is searched for them (builds.py)."""


@dataclass(frozen=True)
class Region:
    """A part of the design: its place below the component, as names of submodules.

    Attributes
    ----------
    rests : bool
        False for a part of a region that goes on counting when the rest of it has nothing to do: its clock is the
        design's.
    shut : bool
        What enters it reaches it through registers that follow only changes.
    """

    path: tuple[str, ...]
    rests: bool = True
    shut: bool = False

    @property
    def name(self) -> str:
        """As it appears in names of domains and ports."""
        return "__".join(self.path)

    @property
    def domain(self) -> str:
        """The domain that its ``sync`` becomes."""
        return f"sync_{self.name}"


class Whole(Elaboratable):
    """A component elaborated before it gets its place."""

    def __init__(self, fragment: Fragment) -> None:
        self._fragment = fragment

    def elaborate(self, platform: object) -> Fragment:
        """What it was given."""
        return self._fragment


def divide(component: Fragment, resting: Sequence[str], pausing: Sequence[str]) -> list[Region]:
    """Give parts of the component a domain of their own; returns them, the deepest first.

    ``resting`` has the paths of parts that mostly have nothing to do, such as ``"cnn"``, and ``"-cnn.accounts"`` for a
    part of one that is never at rest; these are shut. ``pausing`` has parts that work often, and seldom for long.
    """
    regions = [Region((*path.removeprefix("-").split("."),), not path.startswith("-"), shut=True) for path in resting]
    regions += [Region((*path.split("."),)) for path in pausing]
    if sum(region.rests for region in regions) > MOST:
        raise ValueError(f"resting, pausing: found {len(regions)} parts, allowed {MOST}")
    regions.sort(key=lambda region: -len(region.path))
    for region in regions:
        if not all(_PLAIN.fullmatch(name) for name in region.path):
            raise ValueError(f"resting, pausing: found {'.'.join(region.path)}, allowed words of a to z, 0 to 9 and _")
        parent = component
        for depth, name in enumerate(region.path, 1):
            names = [known for _, known, _ in parent.subfragments]
            if name not in names:
                raise ValueError(f"resting: no part {name!r} in the component, which has {', '.join(map(str, names))}")
            part, _, place = parent.subfragments[names.index(name)]
            if depth == len(region.path):
                renamed = DomainRenamer({"sync": region.domain})(part)
                parent.subfragments[names.index(name)] = (renamed, name, place)
            parent = part
    return regions


def add_clocks(m: Module, regions: list[Region], reset: Signal) -> Ports:
    """Domains of the regions; each has a register of its own between the top's reset and its own."""
    ports = {}
    for region in regions:
        clock = Signal(name=REGION_CLOCK + region.name) if region.rests else ClockSignal("sync")
        inside, outside = ClockDomain(region.domain), ClockDomain(f"outside_{region.name}", reset_less=True)
        m.domains += [inside, outside]
        m.d.comb += [ClockSignal(inside.name).eq(clock), ClockSignal(outside.name).eq(clock)]
        m.d[outside.name] += ResetSignal(inside.name).eq(reset)
        for port in (clock, Signal(name=REGION_FEED + region.name) if region.shut else None):
            if region.rests and isinstance(port, Signal):
                ports[port.name] = (port, PortDirection.Input)
    return ports


def netlist(fragment: Fragment, ports: Ports, top: str, regions: list[Region]) -> nir.Netlist:
    """Amaranth's netlist of the whole (`build_netlist`, with the regions' borders put in before ports are made)."""
    design = fragment.prepare(ports=ports, hierarchy=(top,))
    whole = nir.Netlist()
    ir._emit_netlist(whole, design, all_undef_to_ff=False)
    whole.check_comb_cycles()
    whole.resolve_all_nets()
    if changes := _enclose(whole, regions):
        whole.top.ports_o[CHANGES] = nir.Value(changes)
    ir._compute_net_flows(whole)
    ir._compute_ports(whole)
    ir._compute_ionet_dirs(whole)
    ir._compute_io_ports(whole, design.ports)
    return whole


class _Border(nir.Netlist):
    """What a region sees instead of what enters it; stands for a netlist in ``Cell.resolve_nets``."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[nir.Net, nir.Net] = {}

    def resolve_net(self, net: nir.Net) -> nir.Net:
        """The net behind the border."""
        return self.seen.get(net, net)

    def resolve_value(self, value: nir.Value) -> nir.Value:
        """The nets behind the border."""
        return nir.Value(self.resolve_net(net) for net in value)


def _enclose(whole: nir.Netlist, regions: list[Region]) -> list[nir.Net]:
    """Registers for what enters each region; returns for each, in the order of names, whether it differs from them.

    They follow the clock, or, where the region is shut, its feed, and then are what the region sees.
    """
    inputs = whole.top.ports_i
    changes = []
    for region, (cells, nets) in sorted(_entering(whole, regions).items(), key=lambda item: item[0].name):
        module = next(i for i, m in enumerate(whole.modules) if m.name[2:] == region.path)
        # An assertion between registers could see new states with old inputs.
        shut = region.shut and not any(isinstance(cell, nir.AsyncProperty) for cell in cells)
        clock = nir.Net.from_cell(0, inputs[REGION_FEED + region.name if shut else "clk"][0])
        border, differs = _Border(), []
        for run in _runs(sorted(nets)):
            seen = whole.add_value_cell(len(run), nir.FlipFlop(
                module, data=run, init=0, clk=clock, clk_edge="pos", arst=nir.Net.from_const(0), attributes={},
                src_loc=None,
            ))  # fmt: skip
            differs += whole.add_value_cell(1, nir.Operator(module, operator="!=", inputs=(run, seen), src_loc=None))
            border.seen |= zip(run, seen, strict=True)
        if shut:
            for cell in cells:
                cell.resolve_nets(border)
        else:
            inputs.pop(REGION_FEED + region.name, None)
        found = nir.Operator(module, operator="r|", inputs=(nir.Value(differs),), src_loc=None)
        changes += whole.add_value_cell(1, found) if differs else nir.Value.zeros()
    return changes


def _runs(nets: Sequence[nir.Net]) -> Iterator[nir.Value]:
    """Sorted nets as values of neighbours: bits of one word stay together."""
    begin = 0
    for end in range(1, len(nets) + 1):
        if end == len(nets) or nets[end] != nets[end - 1] + 1:
            yield nir.Value(nets[begin:end])
            begin = end


def _entering(whole: nir.Netlist, regions: list[Region]) -> dict[Region, tuple[list[nir.Cell], set[nir.Net]]]:
    """The cells of each region, and the nets that they use and other parts drive, clocks apart."""
    clocks: dict[Any, Region] = {}
    apart = {nir.Net.from_cell(0, whole.top.ports_i["rst"][0])}  # the reset wakes every region
    for region in (region for region in regions if region.rests):
        start, _ = whole.top.ports_i[REGION_CLOCK + region.name]
        clocks[nir.Net.from_cell(0, start)] = region
    modules = [_home(module.name[2:], regions) for module in whole.modules]  # behind "top", "component"
    # A clocked cell is where its clock is, any other where it stands.
    homes = [clocks.get(getattr(cell, "clk", None), modules[cell.module_idx]) for cell in whole.cells]
    apart |= clocks.keys()
    found: dict[Region, tuple[list[nir.Cell], set[nir.Net]]] = {r: ([], set()) for r in clocks.values()}
    for cell, home in zip(whole.cells, homes, strict=True):
        if home is not None:
            cells, nets = found[home]
            cells.append(cell)
            nets |= {
                net for net in cell.input_nets()
                if not net.is_const and net not in apart and homes[net.cell] is not home
            }  # fmt: skip
    return found


def _home(path: tuple[str, ...], regions: list[Region]) -> Region | None:
    """The innermost region around a module."""
    around = [region for region in regions if path[: len(region.path)] == region.path]
    inner = max(around, key=lambda region: len(region.path), default=None)
    return inner if inner is not None and inner.rests else None
