"""Regions: large parts of a design with a clock of their own in the simulator, withheld while they are at rest.

An accelerator that waits for the next frame costs the simulator as much as one that works. Here such a part gets a
clock input of its own at the top, and the top one more output: all that enters the part from outside. The harness
(regions.h) looks whether one more clock would change anything in it; if not, it needs none until something enters that
is different. Nothing is assumed of the design, so nothing can go wrong by it.
"""

# pyright: reportAttributeAccessIssue=false
# The stubs leave out Amaranth's netlist, which is private: its version is pinned for that.
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module, ResetSignal, Signal, Value
from amaranth.hdl import _ir as ir
from amaranth.hdl import _nir as nir
from amaranth.hdl._ir import Fragment, PortDirection

from ocellus_sim.cosim.verilog import REGION_CLOCK, REGION_INPUTS

Ports = Mapping[str, tuple[Value, PortDirection]]


@dataclass(frozen=True)
class Region:
    """A part of the design: its place below the component, as names of submodules.

    Attributes
    ----------
    rests : bool
        False for a part of a region that goes on counting when the rest of it has nothing to do: its clock is the
        design's.
    """

    path: tuple[str, ...]
    rests: bool = True

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


def divide(component: Fragment, wanted: Sequence[str]) -> list[Region]:
    """Give parts of the component a domain of their own; returns them, the deepest first.

    ``wanted`` has paths such as ``"cnn"``, and ``"-cnn.accounts"`` for a part of one that is never at rest.
    """
    regions = [Region(tuple(path.removeprefix("-").split(".")), not path.startswith("-")) for path in wanted]
    regions.sort(key=lambda region: -len(region.path))
    for region in regions:
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
        if isinstance(clock, Signal):
            ports[clock.name] = (clock, PortDirection.Input)
    return ports


def netlist(fragment: Fragment, ports: Ports, top: str, regions: list[Region]) -> nir.Netlist:
    """Amaranth's netlist of the whole (`build_netlist`, with the regions' outputs put in before ports are made)."""
    design = fragment.prepare(ports=ports, hierarchy=(top,))
    whole = nir.Netlist()
    ir._emit_netlist(whole, design, all_undef_to_ff=False)
    whole.check_comb_cycles()
    whole.resolve_all_nets()
    for region, nets in _entering(whole, regions):
        whole.top.ports_o[REGION_INPUTS + region.name] = nir.Value(nets)
    ir._compute_net_flows(whole)
    ir._compute_ports(whole)
    ir._compute_ionet_dirs(whole)
    ir._compute_io_ports(whole, design.ports)
    return whole


def _entering(whole: nir.Netlist, regions: list[Region]) -> Iterator[tuple[Region, list[nir.Net]]]:
    """For each region the nets that its cells use and other parts drive, clocks apart."""
    clocks: dict[Any, Region] = {}
    for region in (region for region in regions if region.rests):
        start, _ = whole.top.ports_i[REGION_CLOCK + region.name]
        clocks[nir.Net.from_cell(0, start)] = region
    modules = [_home(module.name[2:], regions) for module in whole.modules]  # behind "top", "component"
    # A clocked cell is where its clock is, any other where it stands.
    homes = [clocks.get(getattr(cell, "clk", None), modules[cell.module_idx]) for cell in whole.cells]
    # The reset apart as well: it wakes every region.
    apart = {nir.Net.from_cell(0, whole.top.ports_i["rst"][0]), *clocks}
    entering: dict[Region, set[nir.Net]] = {region: set() for region in regions if region.rests}
    for cell, home in zip(whole.cells, homes, strict=True):
        if home is not None:
            entering[home] |= {
                net for net in cell.input_nets()
                if not net.is_const and net not in apart and homes[net.cell] is not home
            }  # fmt: skip
    for region, nets in entering.items():
        yield region, sorted(nets)


def _home(path: tuple[str, ...], regions: list[Region]) -> Region | None:
    """The innermost region around a module."""
    around = [region for region in regions if path[: len(region.path)] == region.path]
    inner = max(around, key=lambda region: len(region.path), default=None)
    return inner if inner is not None and inner.rests else None
