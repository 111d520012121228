"""C++ that leads the harness to the parts of one model: its ports (model.h) and regions (regions.h)."""

import re
from collections.abc import Iterator

from ocellus_sim.cosim.verilog import CHANGES, DRIVE, REGION_CLOCK, REGION_FEED, TOP, TopPort


def written(ports: list[TopPort], root: str) -> str:
    """``Model::connect`` of the model with these ports; ``root`` is the header of Verilator's storage."""

    def data(port: TopPort) -> str:
        return f"reinterpret_cast<uint8_t*>(&top->{port.cpp_name})"

    lines = ['#include "model.h"', '#include "regions.h"', "", "void Model::connect() {"]
    clocks = sorted((p for p in ports if p.name.startswith(REGION_CLOCK)), key=lambda port: port.region)
    for p in ports:
        if p.name == DRIVE:
            lines.append(f"    drive = {data(p)};")
        elif p.name == CHANGES:
            lines.append(f"    regions.changes = {data(p)}, regions.bytes = sizeof(top->{p.cpp_name});")
        elif not p.internal:
            facts = f'"{p.name}", {p.width}, {str(p.is_input).lower()}'
            lines.append(f"    ports.push_back({{{facts}, {data(p)}, sizeof(top->{p.cpp_name})}});")
    for clock in clocks:
        feed = next((data(p) for p in ports if p.name == REGION_FEED + clock.region), "nullptr")
        lines.append(f'    regions.add("{clock.region.replace("__", ".")}", {data(clock)}, {feed});')
    if clocks:
        lines += _stretches([clock.region.split("__") for clock in clocks], root)
    return "\n".join([*lines, "}", ""])


def _stretches(regions: list[list[str]], root: str) -> Iterator[str]:
    """Which regions' clocks write which memory; and the clocks, as they are and as they last were: no state."""

    def stretch(name: str, writers: int) -> str:
        where = f"size_t(reinterpret_cast<uint8_t*>(&top->rootp->{name}) - storage())"
        return f"    regions.memories.push_back({{{where}, sizeof(top->rootp->{name}), {writers}ULL}});"

    for name in re.findall(rf"^\s*VlUnpacked<.*> ({TOP}__DOT__component__DOT__\w+);", root, re.MULTILINE):
        # Regions are named by plain words (regions.py), which Verilator leaves as they are.
        place = name.split("__DOT__")[2:]
        yield stretch(name, sum(1 << n for n, path in enumerate(regions) if place[: len(path)] == path))
    for name in sorted(set(re.findall(rf"\b(?:__Vtrigprevexpr___TOP__)?{REGION_CLOCK}\w+", root))):
        yield stretch(name, 0)
