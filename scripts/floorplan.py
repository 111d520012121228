"""Where multipliers and block RAMs go on an LFE5U-85F, so that wires are short.

Both lie in rows that cross the whole chip, far from one another: what of the design stands side by side is said here,
the placer does the rest around it. Places in a row: thirteen quads of four multipliers, and of four RAMs between them.
Each half of a word's channels has a row of the array, and around it the RAMs of its activations and of its weights.

    Y 82  weights 0, 1, 4, 5
       70  activations 0, 1, 4, 5           | metadata, readout, link, serial
       58  array 0, 1, 4, 5                 | tensor
       46  activations, weights 2, 3, 6, 7  | isp, tensor
       34  array 2, 3, 6, 7                 | isp, metadata
       22  weights 2, 3, 6, 7, and what else cnn has
       10  lanes
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ocellus_hdl.cnn.words import HALVES, half_of

Cells = Mapping[str, Mapping[str, Any]]
"""Of a netlist as Yosys writes it, by name."""
Floorplan = Callable[[Cells], dict[str, str]]
"""The place of each multiplier and block RAM, by its cell's name."""

RAM, MULTIPLIER = "DP16KD", "MULT18X18D"

QUADS = (*range(4, 67, 9), *range(69, 123, 9))
"""X of each one's first multiplier in nextpnr's grid; rows of multipliers are Y 10, 34, 58, of RAMs 22, 46, 70, 82."""
COLUMNS, LANES, INPUTS, CHANNELS = 8, 16, 4, 8
WHOLE, WIDTH = range(4 * len(QUADS)), 36
"""Places of a row; those for a row of the array's pairs and for RAMs of activations, from the left."""
NINTH = 8
"""The pixel that is in no pair."""
ARRAY = (58, 34)
"""The row of multipliers of each half."""
ACTIVATIONS = (70, 46)
"""The row of RAMs beside it."""
BEYOND = (82, 22)
"""The row of RAMs behind ``ACTIVATIONS`` for the first half, on the array's other side for the second."""
CUT = re.compile(r"_from_(\d+)")
"""A piece of a block of RAMs, in its name, and where in the word it begins."""
REST = range(8, 44)
"""Where in the lowest row the RAMs of what else there is are spread."""


def multiplier(y: int, n: int) -> str:
    """The n-th multiplier from the left."""
    quad, i = divmod(n, 4)
    offset = (0, 1, 4, 5)[i]
    return f"X{QUADS[quad] + offset}/Y{y}/MULT18_{offset}"


def ram(y: int, n: int) -> str:
    """The n-th block RAM from the left."""
    quad, i = divmod(n, 4)
    return f"X{QUADS[quad] + 2 * i}/Y{y}/EBR{i}"


def spread(places: Sequence[Any], count: int) -> list[Any]:
    """So many of the places, evenly."""
    return [places[n * len(places) // count] for n in range(count)]


def digits(name: str) -> list[int]:
    """All numbers in a name, the last first."""
    return [int(d) for d in re.findall(r"\d+", name)][::-1]


def array(multipliers: Iterable[str]) -> dict[str, str]:
    """The pairs of products: channels 0, 1, 4, 5 in one row, 2, 3, 6, 7 in the other, and from left to right.

    Of pair (k, n), n is four times the output and the input of a convolution; the ninth pixel's are of two outputs.
    """
    rows: list[list[tuple[int, int, int, str]]] = [[], []]
    for name in multipliers:
        found = re.search(r"\.pair_(\d+)_(\d+)\.", name)
        if found:
            k, n = map(int, found.groups())
            output, i = divmod(n, INPUTS)
            rows[i // 2].append((output + (i % 2 if k == NINTH else 0), k, i, name))
    places = {y: [multiplier(y, n) for n in range(WIDTH)] for y in ARRAY}
    return {
        name: place
        for y, row in zip(ARRAY, rows, strict=True)
        for (*_, name), place in zip(sorted(row), spread(places[y], len(row)), strict=True)
    }


def along(names: Iterable[str]) -> list[tuple[float, str]]:
    """RAMs of blocks of one word each, by the place of their bits in it, 0 to 1; some blocks are cut."""
    of_block: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: ([int(at) for at in CUT.findall(name)], digits(name))):
        of_block.setdefault(CUT.sub("", name.rpartition(".")[0]), []).append(name)
    return sorted((n / len(block), name) for block in of_block.values() for n, name in enumerate(block))


def lanes(multipliers: Sequence[str], scales: Sequence[str]) -> dict[str, str]:
    """Requantiser lanes from left to right: those of a column of the array are neighbours. Behind them the scales."""
    order = [lane for g in range(COLUMNS) for lane in range(g, LANES, COLUMNS)]
    found = [m for lane in order for m in sorted(m for m in multipliers if f".lane_{lane}." in m)]
    return {m: multiplier(10, n) for n, m in enumerate([*found, *scales])}


def accelerator(cells: Cells, part: str = "design.") -> dict[str, str]:
    """Of `ocellus_hdl.cnn.Cnn`, configuration `ecp5`, as the ``part`` of a design; none of what is beside it.

    ``ValueError`` for a block RAM or a multiplier whose name says nothing of where it belongs.
    """
    own = {name: cell["type"] for name, cell in sorted(cells.items()) if name.startswith(part)}
    multipliers = [name for name, kind in own.items() if kind == MULTIPLIER]
    rams = [name for name, kind in own.items() if kind == RAM]
    wheel = along(name for name in rams if ".wheel." in name)
    weights = along(name for name in rams if ".weights." in name)
    rest = [name for name in rams if ".wheel." not in name and ".weights." not in name]
    scales = [name for name in multipliers if ".combiner." in name]
    bels = {**array(multipliers), **lanes(multipliers, scales)}
    bels |= zip(rest, (ram(BEYOND[-1], n) for n in spread(REST, len(rest))), strict=True)
    for half in range(HALVES):
        activations = [name for at, name in wheel if half_of(int(at * CHANNELS)) == half]
        places = [ram(ACTIVATIONS[half], n) for n in range(WIDTH)]
        bels |= zip(activations, spread(places, len(activations)), strict=True)
        of_half = [name for _, name in weights if f"_half_{half}_" in name]
        taken = {*bels.values()}
        behind = [(n, BEYOND[half]) for n in WHOLE if ram(BEYOND[half], n) not in taken]
        gaps = [(n, ACTIVATIONS[half]) for n in range(WIDTH) if ram(ACTIVATIONS[half], n) not in taken]
        beside = sorted([*behind, *spread(gaps, max(0, len(of_half) - len(behind)))])
        bels |= zip(of_half, spread([ram(y, n) for n, y in beside], len(of_half)), strict=True)
    if lost := [name for name in own if own[name] in (RAM, MULTIPLIER) and name not in bels]:
        raise ValueError(f"{len(lost)} block RAMs and multipliers have no place, {lost[0]} among them")
    return bels


BESIDE = (
    (RAM, ("isp", "tensor"), [ram(ACTIVATIONS[1], n) for n in reversed(WHOLE)]),
    (RAM, ("metadata", "readout", "link", "serial"), [ram(ACTIVATIONS[0], n) for n in reversed(WHOLE)]),
    (MULTIPLIER, ("isp", "metadata"), [multiplier(ARRAY[1], n) for n in reversed(WHOLE)]),
    (MULTIPLIER, ("tensor",), [multiplier(ARRAY[0], n) for n in reversed(WHOLE)]),
)
"""The other stages' cells of a kind, in order, and the places for them; those that are taken count no more."""


def camera(cells: Cells) -> dict[str, str]:
    """Of the chip of a board (`ocellus_hdl.boards.Top`) with configuration `ecp5`."""
    bels = accelerator(cells, "camera.sensor.cnn.")
    for kind, stages, places in BESIDE:
        taken = {*bels.values()}
        free = [place for place in places if place not in taken]
        for stage in stages:
            own = (name for name, cell in cells.items() if cell["type"] == kind and name not in bels)
            names = sorted((name for name in own if f".{stage}." in name), key=lambda name: (digits(name)[:1], name))
            for name in names[: len(free)]:  # the placer finds one for the others
                bels[name] = free.pop(0)
    return bels
