"""A trace in VCD made into FST, a tenth of its size, which viewers open at once.

Verilator could write FST itself, but needs headers of zlib and lz4 for it that no wheel brings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pylibfst

lib, ffi = pylibfst.lib, pylibfst.ffi


def convert(vcd: Path, fst: Path) -> list[str]:
    """Write ``fst`` with all that ``vcd`` holds; returns the full names of its signals.

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
            handles, names = _declarations(lines, writer)
            _changes(lines, writer, handles)
    finally:
        lib.fstWriterClose(writer)
    return names


def _declarations(lines: Iterator[str], writer: Any) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Scopes and variables; of each code its handle and width, and the full names."""
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
                handle = lib.fstWriterCreateVar(
                    writer, lib.FST_VT_VCD_WIRE, lib.FST_VD_IMPLICIT, int(width), text.encode(), known
                )
                handles.setdefault(code, (handle, int(width)))
                names.append(".".join([*scope, text]))
            case ["$enddefinitions", "$end"]:
                return handles, names
    raise ValueError("The trace ends before its definitions do.")


def _changes(lines: Iterator[str], writer: Any, handles: dict[str, tuple[int, int]]) -> None:
    for line in lines:
        first = line[:1]
        if first == "#":
            lib.fstWriterEmitTimeChange(writer, int(line[1:]))
        elif first == "b":
            value, code = line[1:].split()
            handle, width = handles[code]
            lib.fstWriterEmitValueChange(writer, handle, value.rjust(width, "0").encode())
        elif first in "01xz" and first:
            handle, _ = handles[line[1:].rstrip("\n")]
            lib.fstWriterEmitValueChange(writer, handle, first.encode())
