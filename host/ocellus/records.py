"""A record of the sensor: what it saw in one frame."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from . import formats
from .errors import BadInput
from .formats import RecordFlag

HEADER_BYTES = formats.RECORD_HEADER.bits // 8
TRAILER_BYTES = formats.RECORD_TRAILER.bits // 8
OBJECT_BYTES = formats.OBJECT.bits // 8
EMPTY_BYTES = HEADER_BYTES + TRAILER_BYTES
MAGIC = formats.RECORD_MAGIC.to_bytes(4, "little")


@dataclass(frozen=True)
class DetectedObject:
    """Something seen: ``score`` is the int8 the network gave, places are full-frame pixels."""

    class_index: int
    score: int
    centre_x: int
    centre_y: int
    left: int
    top: int
    width: int
    height: int
    class_name: str | None = None


@dataclass(frozen=True)
class Record:
    """What the sensor reported of one frame; ``timestamp`` and the durations count sensor clocks."""

    version: int
    flags: RecordFlag
    frame_counter: int
    timestamp: int
    network_id: int
    readout_clocks: int
    inference_clocks: int
    lines_lost: int
    frames_skipped: int
    clocks_busy: int
    clocks_weights: int
    clocks_requantiser: int
    clocks_input: int
    objects: tuple[DetectedObject, ...]

    def named(self, classes: Sequence[str]) -> "Record":
        """The same record with names in its objects, as far as ``classes`` has them."""
        names = dict(enumerate(classes))
        return replace(
            self, objects=tuple(replace(o, class_name=names.get(o.class_index, o.class_name)) for o in self.objects)
        )

    def as_json(self) -> dict[str, Any]:
        """The record as plain data: one line of JSON Lines. docs/decoder.md lists the keys."""
        return {
            "frame_counter": self.frame_counter,
            "timestamp": self.timestamp,
            "network_id": self.network_id,
            "readout_clocks": self.readout_clocks,
            "inference_clocks": self.inference_clocks,
            "lines_lost": self.lines_lost,
            "frames_skipped": self.frames_skipped,
            "clocks_busy": self.clocks_busy,
            "clocks_weights": self.clocks_weights,
            "clocks_requantiser": self.clocks_requantiser,
            "clocks_input": self.clocks_input,
            "flags": [flag.name for flag in RecordFlag if flag in self.flags],
            "version": self.version,
            "objects": [
                {
                    "class": o.class_index,
                    **({} if o.class_name is None else {"name": o.class_name}),
                    "score": o.score,
                    "centre": [o.centre_x, o.centre_y],
                    "box": [o.left, o.top, o.width, o.height],
                }
                for o in self.objects
            ],
        }


def parse_record(data: bytes) -> Record:
    """Read one record as it stands in a packet's payload.

    Raises
    ------
    BadInput
        Naming the first part that is not as docs/metadata.md has it.
    """
    # First of all: a record of another version may be shorter than the shortest of this one.
    if len(data) > 4 and data[:4] == MAGIC and data[4] != formats.RECORD_VERSION:
        raise BadInput(f"record: found format version {data[4]}, allowed {formats.RECORD_VERSION}")
    if len(data) < EMPTY_BYTES:
        raise BadInput(f"record: found {len(data)} bytes, allowed {EMPTY_BYTES} and more")
    header = formats.RECORD_HEADER.unpack(int.from_bytes(data[:HEADER_BYTES], "little"))
    trailer = formats.RECORD_TRAILER.unpack(int.from_bytes(data[-TRAILER_BYTES:], "little"))
    length = EMPTY_BYTES + OBJECT_BYTES * header["object_count"]
    if header["magic"] != formats.RECORD_MAGIC or trailer["end"] != formats.RECORD_END:
        raise BadInput(f"record: found the marks {data[:4]!r} and {data[-4:]!r}, allowed b'OCEL' and b'LECO'")
    if header["object_count"] > formats.MAX_OBJECTS or len(data) != length or header["length"] != length:
        raise BadInput(
            f"record: found {len(data)} bytes, {header['length']} announced, for {header['object_count']} objects, "
            f"allowed {EMPTY_BYTES} + {OBJECT_BYTES} for each of up to {formats.MAX_OBJECTS} objects"
        )
    crc = zlib.crc32(data[:-TRAILER_BYTES])
    if trailer["crc"] != crc:
        raise BadInput(f"record: found checksum {trailer['crc']:#010x}, allowed {crc:#010x}")
    objects = tuple(
        DetectedObject(**formats.OBJECT.unpack(int.from_bytes(data[at : at + OBJECT_BYTES], "little")))
        for at in range(HEADER_BYTES, len(data) - TRAILER_BYTES, OBJECT_BYTES)
    )
    same = {f.name: header[f.name] for f in fields(Record) if f.name not in ("flags", "objects")}
    return Record(flags=RecordFlag(header["flags"]), objects=objects, **same)


def class_names(path: str | Path) -> list[str]:
    """Names of a network's classes from a JSON file, such as a network's description.

    Parameters
    ----------
    path
        Holds a list, or an object with a list under ``classes``; entries are names, or objects with a ``name``.

    Raises
    ------
    BadInput
        When the file holds anything else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or lists in lists without end
        raise BadInput(f"{path}: found no JSON ({error}), allowed a list of class names") from None
    entries = content.get("classes") if isinstance(content, dict) else content
    names = [e.get("name") if isinstance(e, dict) else e for e in entries] if isinstance(entries, list) else [None]
    if not all(isinstance(name, str) for name in names):
        raise BadInput(f"{path}: found no list of class names, allowed a JSON list of them or an object with 'classes'")
    return [str(name) for name in names]
