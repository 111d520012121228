"""Which bits of the cells in Yosys' text of a netlist are constants."""

import re

_TOKEN = re.compile(
    r"(?P<width>\d+)'(?P<bits>[01xz-]+)|(?P<number>(?<!\S)-?\d+(?!\S))"
    r"|(?P<wire>[\\$]\S+)(?: \[(?P<high>\d+)(?::(?P<low>\d+))?\])?"
)
"""Bits, a number of 32 bits, a signal or a part of one."""


def bits_of_cells(rtlil: str) -> dict[str, dict[str, str]]:
    """For each cell the bits of each port, lowest first: ``0``, ``1``, ``x``, and ``s`` where a signal is."""
    widths: dict[str, int] = {}
    cells: dict[str, dict[str, str]] = {}
    cell: dict[str, str] = {}
    for line in rtlil.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "wire":
            widths[words[-1]] = int(words[words.index("width") + 1]) if "width" in words else 1
        elif words[0] == "cell":
            cell = cells.setdefault(words[2].removeprefix("\\"), {})
        elif words[0] == "connect" and line.startswith("    "):
            cell[words[1].lstrip("\\")] = _bits(line.split(maxsplit=2)[2], widths)
    return cells


def _bits(signal: str, widths: dict[str, int]) -> str:
    parts = []
    for token in _TOKEN.finditer(signal):
        if token["bits"]:
            parts.append(token["bits"].rjust(int(token["width"]), token["bits"][0])[::-1])
        elif token["number"]:
            parts.append(f"{int(token['number']) & 0xFFFF_FFFF:032b}"[::-1])
        else:
            high, low = token["high"], token["low"]
            parts.append(
                "s" * (widths[token["wire"]] if high is None else 1 if low is None else int(high) - int(low) + 1)
            )
    return "".join(reversed(parts))


def nothing(bits: str, mode: str, bit: int, ctrlbit: int | None) -> bool:
    """Whether a fault of that kind at that bit leaves everything as it is."""
    if mode in ("const0", "const1"):
        return bits[bit] == mode[-1]
    if mode in ("cnot0", "cnot1"):
        assert ctrlbit is not None
        return bits[ctrlbit] not in ("s", mode[-1])
    return False
