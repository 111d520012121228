"""What a record tells: how many objects, at which edges of the frame, which flags."""

from collections.abc import Iterator

from ocellus import formats
from ocellus.formats import RecordFlag
from ocellus.settings import MetadataSettings
from ocellus_sim.coverage.functional import Situation

GROUP = "metadata records"
_HEADER, _OBJECT = formats.RECORD_HEADER.bits // 8, formats.OBJECT.bits // 8


def of_record(record: bytes, s: MetadataSettings) -> Iterator[Situation]:
    """Of a whole record, header to trailer."""
    header = formats.RECORD_HEADER.unpack(int.from_bytes(record[:_HEADER], "little"))
    count, flags = header["object_count"], header["flags"]
    objects = [
        formats.OBJECT.unpack(int.from_bytes(record[at : at + _OBJECT], "little"))
        for at in range(_HEADER, _HEADER + count * _OBJECT, _OBJECT)
    ]  # fmt: skip
    size = {0: "no object", 1: "one object", formats.MAX_OBJECTS: "64 objects"}
    found = {size.get(count, "some objects"): True}
    found |= {flag.name.lower().replace("_", " "): bool(flags & flag) for flag in RecordFlag if flag.name}
    found["heatmap"] = not flags & RecordFlag.VECTOR
    if found["heatmap"]:
        found |= {
            "box cut off at the left": any(o["left"] == 0 for o in objects),
            "box cut off at the top": any(o["top"] == 0 for o in objects),
            "box cut off at the right": any(o["left"] + o["width"] == s.frame_w - 1 for o in objects),
            "box cut off at the bottom": any(o["top"] + o["height"] == s.frame_h - 1 for o in objects),
            "box without width": any(o["width"] == 0 for o in objects),
            "box without height": any(o["height"] == 0 for o in objects),
            "score at the threshold": any(o["score"] == s.threshold for o in objects),
            "highest score": any(o["score"] == 127 for o in objects),
            "one cell": (s.grid_w, s.grid_h) == (1, 1),
            "one row of cells": s.grid_h == 1 < s.grid_w,
            "one column of cells": s.grid_w == 1 < s.grid_h,
            "most classes": s.classes == 16,
        }
    else:
        scores = [o["score"] for o in objects]
        found |= {
            "largest value alone": s.top_k == 1,
            "16 largest values": s.top_k == formats.MAX_TOP_K,
            "fewer values than asked for": count < s.top_k,
            "equal values": len(set(scores)) < len(scores),
        }
    yield from ((GROUP, name) for name, there in found.items() if there)
