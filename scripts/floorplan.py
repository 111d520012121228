"""Where the multipliers and block RAMs of the accelerator go on an LFE5U-85F, so that wires are short.

Both lie in rows that cross the whole chip, far from one another: what of the design stands side by side is said here,
the placer does the rest around it. From below the rows are lanes; whatever is small; the array; activations; the array;
weights. Places in a row: thirteen quads of four multipliers, and of four RAMs between them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Cells = Mapping[str, Mapping[str, Any]]
"""Of a netlist as Yosys writes it, by name."""
Floorplan = Callable[[Cells], dict[str, str]]
"""The place of each multiplier and block RAM, by its cell's name."""

QUADS = (*range(4, 67, 9), *range(69, 123, 9))
"""X of each one's first multiplier in nextpnr's grid; rows of multipliers are Y 10, 34, 58, of RAMs 22, 46, 70, 82."""
COLUMNS, LANES = 8, 16
ASIDE = {5: (34, 4), 7: (58, 4), 10: (34, 8)}
"""Lanes that find no room in their row, by their number from the left: row and quad in those of the array."""
SCALES = (58, 8)
"""Row and quad of the multipliers that scale the operands of an addition."""
LEFT_FREE = 5
"""RAMs left of the weights."""
REST = 17
"""Where the RAMs of the lowest row begin: in its middle."""
RAM_BITS = 18
WORD_BITS = 128


def multiplier(y: int, n: int) -> str:
    """The n-th multiplier from the left."""
    quad, i = divmod(n, 4)
    offset = (0, 1, 4, 5)[i]
    return f"X{QUADS[quad] + offset}/Y{y}/MULT18_{offset}"


def ram(y: int, n: int) -> str:
    """The n-th block RAM from the left."""
    quad, i = divmod(n, 4)
    return f"X{QUADS[quad] + 2 * i}/Y{y}/EBR{i}"


def spread(places: Sequence[str], count: int) -> list[str]:
    """So many of the places, evenly."""
    return [places[n * len(places) // count] for n in range(count)]


def digits(name: str) -> list[int]:
    """All numbers in a name, the last first."""
    return [int(d) for d in re.findall(r"\d+", name)][::-1]


def bit(name: str) -> tuple[int, int]:
    """Of a RAM of weights: the first bit of a word that it holds, and its block. Two words and a quarter are a row."""
    block, slice_ = digits(name)[-1], digits(name)[0]
    words = 2 * WORD_BITS // RAM_BITS
    # A quarter belongs to no one word: its two RAMs stand among those of the others.
    return (slice_ * RAM_BITS % WORD_BITS if slice_ < words else (2 + 3 * (slice_ - words)) * RAM_BITS), block


def array(multipliers: Iterable[str]) -> dict[str, str]:
    """The pairs of products, column by column from left to right; of the ninth pixel's, one a column."""
    found = sorted((m for m in multipliers if ".array." in m), key=lambda name: digits(name)[::-1])
    ninth = [m for m in found if "pair_8_" in m]
    columns = [[m for m in found if m not in ninth and digits(m)[0] // 2 == g] + [ninth[g]] for g in range(COLUMNS)]
    aside = {*ASIDE.values(), SCALES}
    places = [multiplier(y, n) for n in range(4 * len(QUADS)) for y in (34, 58) if (y, n // 4) not in aside]
    return dict(zip([m for column in columns for m in column], spread(places, len(found)), strict=True))


def lanes(multipliers: Sequence[str]) -> dict[str, str]:
    """Requantiser lanes from left to right: those of a column of the array are neighbours."""
    order = [lane for g in range(COLUMNS) for lane in range(g, LANES, COLUMNS)]
    row = iter([(10, quad) for quad in range(len(QUADS))])
    quads = {lane: ASIDE.get(n) or next(row) for n, lane in enumerate(order)}
    return {
        m: multiplier(y, 4 * quad + i)
        for lane, (y, quad) in quads.items()
        for i, m in enumerate(sorted(m for m in multipliers if f".lane_{lane}." in m))
    }


def accelerator(cells: Cells) -> dict[str, str]:
    """Of `ocellus_hdl.cnn.Cnn`, configuration `ecp5`."""
    multipliers = sorted(name for name, cell in cells.items() if cell["type"] == "MULT18X18D")
    rams = sorted(name for name, cell in cells.items() if cell["type"] == "DP16KD")
    wheel = sorted((name for name in rams if ".wheel." in name), key=digits)
    weights = sorted((name for name in rams if ".weights." in name), key=bit)
    rest = [name for name in rams if name not in {*wheel, *weights}]
    scales = [name for name in multipliers if ".combiner." in name]
    all_rams = range(4 * len(QUADS))
    half = len(all_rams) // 2
    sides = [ram(46, n) for n in all_rams[:half]], [ram(46, n) for n in all_rams[half:]]
    halves = [place for side in sides for place in spread(side, len(wheel) // 2)]
    above = [ram(y, n) for n in all_rams for y in (70, 82)]
    return {
        **array(multipliers),
        **lanes(multipliers),
        **dict(zip(scales, (multiplier(SCALES[0], 4 * SCALES[1] + n) for n in range(len(scales))), strict=True)),
        **dict(zip(wheel, halves, strict=True)),
        **dict(zip(weights, above[LEFT_FREE:][: len(weights)], strict=True)),
        **dict(zip(rest, (ram(22, REST + n) for n in range(len(rest))), strict=True)),
    }
