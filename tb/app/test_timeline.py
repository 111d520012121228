"""The timeline of a frame as a picture and as a trace, from plain data: no simulation is needed to draw one."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from ocellus.settings import UHD
from ocellus_sim.app.timeline_chart import NARROW, WIDE, chart
from ocellus_sim.app.timeline_frame import CLOCK_HZ, FrameTimes, Layer
from ocellus_sim.app.timeline_trace import trace

SVG = "{http://www.w3.org/2000/svg}"
KEYS = {
    "X": {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"},
    "C": {"name", "ph", "ts", "pid", "tid", "args"},
    "M": {"name", "ph", "pid", "tid", "args"},
    "i": {"name", "cat", "ph", "ts", "pid", "tid", "s", "args"},
}
"""Of the Trace Event Format: complete, counter, metadata and instant events, and what each has to hold here."""
METADATA = {"process_name": str, "thread_name": str, "thread_sort_index": int}


def frame(seed: int, begin: int) -> FrameTimes:
    """A 4K frame of two layers that take turns."""
    turns = [(100_000 * n, 100_000 * n + 40_000) for n in range(1, 24)]
    return FrameTimes(
        seed=seed, frame=UHD, live=True, begin=begin, clocks=2_430_000, pixels=(12, 2_375_860), record=2_429_999,
        busy={
            "readout": ((12, 2_375_861),), "cnn": tuple(turns), "metadata": ((2_400_000, 2_430_000),),
            "link": ((2_429_972, 2_430_000),),
        },
        layers=(
            Layer(0, "window", "first <&> layer", tuple((a, a + 20_000) for a, _ in turns)),
            Layer(1, "point", "second", tuple((a + 20_000, b) for a, b in turns)),
        ),
    )  # fmt: skip


@pytest.fixture
def events() -> list[dict]:
    """The trace of two frames."""
    found = json.loads(trace([frame(7, 17_950), frame(8, 2_600_000)], "two"))
    assert set(found) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert found["displayTimeUnit"] in ("ms", "ns")
    return found["traceEvents"]


def test_every_event_holds_what_the_format_asks_of_its_kind(events: list[dict]):
    assert {event["ph"] for event in events} == set(KEYS)
    for event in events:
        assert set(event) == KEYS[event["ph"]]
        assert isinstance(event["name"], str)
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert isinstance(event["args"], dict)
        if event["ph"] != "M":
            assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, int) for value in event["args"].values())
        if event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")
        if event["ph"] == "M":
            (value,) = event["args"].values()
            assert isinstance(value, METADATA[event["name"]])
            assert set(event["args"]) == {"name" if event["name"].endswith("_name") else "sort_index"}


def test_every_track_has_a_name_of_its_own(events: list[dict]):
    named = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for e in events if e["ph"] == "X"} == set(named)
    assert list(named.values()) == ["frame", "readout", "cnn", "metadata", "link", "layers"]


def test_complete_events_of_a_track_nest_even_when_fractions_are_cut(events: list[dict]):
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for e in events:
        if e["ph"] == "X":
            first = int(e["ts"] * 1000)
            tracks.setdefault((e["pid"], e["tid"]), []).append((first, first + int(e["dur"] * 1000)))
    for stretches in tracks.values():
        open_until: list[int] = []
        for first, last in sorted(stretches, key=lambda s: (s[0], -s[1])):
            while open_until and open_until[-1] <= first:
                open_until.pop()
            assert not open_until or last <= open_until[-1]
            open_until.append(last)


def test_times_are_microseconds_of_the_clock_and_arguments_the_exact_clocks(events: list[dict]):
    for e in events:
        if e["ph"] == "X":
            assert abs(e["ts"] - e["args"]["first clock"] / CLOCK_HZ * 1e6) <= 0.001
            assert abs(e["dur"] - e["args"]["clocks"] / CLOCK_HZ * 1e6) <= 0.0021
    seconds = [e for e in events if e["ph"] == "X" and e["name"] == "1 point"]
    assert sum(e["args"]["clocks"] for e in seconds) == 2 * 23 * 20_000
    left = [e["args"]["clock"] for e in events if e["ph"] == "i"]
    assert left == [17_950 + 2_429_999, 2_600_000 + 2_429_999]


def test_the_counter_says_how_many_stages_work_at_once(events: list[dict]):
    counts = [e["args"]["stages"] for e in events if e["ph"] == "C"]
    assert max(counts) == 2
    assert counts[-1] == 0


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_picture_shows_stages_layers_blanking_and_the_record_in_words_too(width: int):
    drawing = ElementTree.fromstring(chart(frame(7, 0), width).svg(alone=True))
    shown = [text.text or "" for text in drawing.iter(f"{SVG}text")]
    for text in ("readout", "cnn", "metadata", "link", "0 window", "1 point", "vertical blanking"):
        assert text in shown
    assert shown.count("the record has left: 32.73 ms") == 2
    assert "460,000 clocks, 6.195 ms" in shown
    assert any(text.startswith("each line: 960 clocks of pixels, 140 of blanking") for text in shown)
    identities = [element.attrib["id"] for element in drawing.iter() if "id" in element.attrib]
    assert drawing.get("aria-labelledby") == " ".join(identities)
    description = drawing.find(f"{SVG}desc")
    assert description is not None
    assert "the record has left after 32.727 ms" in (description.text or "")


def test_everything_stands_inside_the_picture():
    for width in (WIDE, NARROW):
        drawing = ElementTree.fromstring(chart(frame(7, 0), width).svg(alone=True))
        height = float(drawing.get("height", "0"))
        for element in drawing.iter():
            assert 0 <= float(element.get("x", 0)) <= width
            assert 0 <= float(element.get("y", 0)) <= height


def test_a_frame_without_record_or_blanking_is_drawn_without_them():
    text = chart(replace(frame(7, 0), record=None, live=False)).svg()
    assert "the record has left" not in text
    assert "vertical blanking" not in text


def test_very_many_layers_are_the_longest_ones_and_the_rest_together():
    few = frame(7, 0)
    many = tuple(Layer(n, "point", f"t{n}", ((n * 1000, n * 1000 + 10 + n),)) for n in range(200))
    text = chart(replace(few, layers=many)).svg()
    assert "152 shorter layers" in text
    assert ">199 point<" in text
    assert ">0 point<" not in text


def test_plain_data_comes_back_as_it_was():
    assert FrameTimes.from_json(json.loads(json.dumps(frame(7, 5).as_json()))) == frame(7, 5)
