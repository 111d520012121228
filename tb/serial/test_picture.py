"""Records as boxes in a terminal."""

import os
from dataclasses import replace

from rich.console import Console

from ocellus.board.picture import Picture
from ocellus.records import DetectedObject, Record, RecordFlag, parse_record

from .test_commands import make_record


def test_a_picture_has_a_box_for_each_object_and_its_name():
    record = parse_record(make_record(7))
    boxes = (
        DetectedObject(0, 55, 0, 0, 0, 0, 1920, 1080, "gear"),
        DetectedObject(1, -3, 0, 0, 1920, 1080, 1920, 1080),
        DetectedObject(2, 9, 0, 0, 3839, 2159, 1, 1, "dot"),
    )
    console = Console(width=44, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 - ends with the process
    drawn = Picture((3840, 2160), (42, 20)).draw(Record(**vars(record) | {"objects": boxes, "flags": RecordFlag(0)}))
    console.print(drawn)
    console.file.close()
    lines = console.export_text().splitlines()
    assert "frame 7: 3 objects" in lines[0]
    assert "network 00abcdef" in lines[-1]
    assert lines[1:-1] == [
        "│┌gear 55───────────┐                    │",
        *["││                  │                    │"] * 4,
        "│└──────────────────┘┌class 1 -3────────┐│",
        *["│                    │                  ││"] * 3,
        "│                    │              dot 9│",
        "│                    └──────────────────▪│",
    ]


def test_a_picture_writes_no_name_over_another():
    """Names in their boxes' sides, else beside them; where there is no room at all the box stays without."""
    record = parse_record(make_record(7))
    boxes = (
        DetectedObject(0, 55, 0, 0, 400, 200, 1600, 1600, "gear"),
        DetectedObject(1, 40, 0, 0, 500, 300, 300, 400, "stain"),
        DetectedObject(2, 30, 0, 0, 900, 300, 300, 400, "chip"),
        DetectedObject(3, 20, 0, 0, 800, 200, 300, 400, "scratch"),
    )
    console = Console(width=44, record=True, file=open(os.devnull, "w"))  # noqa: SIM115 - ends with the process
    console.print(Picture((3840, 2160), (42, 20)).draw(replace(record, objects=boxes)))
    console.file.close()
    text = console.export_text()
    print(text)
    for o in boxes:
        assert text.count(f"{o.class_name} {o.score}") == 1
