"""The timeline as a trace that https://ui.perfetto.dev and chrome://tracing open: Chrome's Trace Event Format."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from .timeline_frame import CLOCK_HZ, FrameTimes, Stretch

CHIP = 1
"""The trace's one process; its threads are the tracks."""
FRAME, LAYERS = "frame", "layers"
"""Tracks beside those of the stages."""

Event = dict[str, Any]


def trace(frames: Sequence[FrameTimes], title: str) -> str:
    """The file's text.

    Times are microseconds at 74.25 MHz from the run's reset, in whole nanoseconds; a stretch ends one nanosecond early,
    so that a reader that cuts fractions never sees two of them overlap. Exact clocks are in each event's arguments.
    """
    stages = list(dict.fromkeys(stage for frame in frames for stage in frame.busy))
    tracks = {track: number for number, track in enumerate((FRAME, *stages, LAYERS), 1)}
    events = [
        *_names("sensor", tracks),
        *(event for frame in frames for event in _frame(frame, tracks)),
    ]
    about = {"title": title, "clock": f"{CLOCK_HZ} Hz"}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns", "otherData": about}) + "\n"


def _names(name: str, tracks: dict[str, int]) -> Iterator[Event]:
    yield {"ph": "M", "name": "process_name", "pid": CHIP, "tid": 0, "args": {"name": name}}
    for track, number in tracks.items():
        yield {"ph": "M", "name": "thread_name", "pid": CHIP, "tid": number, "args": {"name": track}}
        yield {"ph": "M", "name": "thread_sort_index", "pid": CHIP, "tid": number, "args": {"sort_index": number}}


def _frame(frame: FrameTimes, tracks: dict[str, int]) -> Iterator[Event]:
    stretch = (frame.begin, frame.begin + frame.clocks)
    yield _complete(tracks[FRAME], "frame", f"seed {frame.seed}", stretch)
    first, last = frame.pixels
    yield _complete(tracks[FRAME], "frame", "lines", (frame.begin + first, frame.begin + last + 1))
    for stage, stretches in frame.busy.items():
        for a, b in stretches:
            yield _complete(tracks[stage], "stage", stage, (frame.begin + a, frame.begin + b))
    for layer in frame.layers:
        name = f"{layer.number} {layer.operator}"
        for a, b in layer.busy:
            at = (frame.begin + a, frame.begin + b)
            yield _complete(tracks[LAYERS], "layer", name, at, tensor=layer.tensor)
    for clock, count in _at_work(frame):
        yield {
            "ph": "C", "name": "stages at work", "pid": CHIP, "tid": 0, "ts": _us(frame.begin + clock),
            "args": {"stages": count},
        }  # fmt: skip
    if frame.record is not None:
        clock = frame.begin + frame.record
        yield {
            "ph": "i", "s": "t", "name": "the record has left", "cat": "record", "pid": CHIP, "tid": tracks[FRAME],
            "ts": _us(clock), "args": {"clock": clock},
        }  # fmt: skip


def _at_work(frame: FrameTimes) -> Iterator[tuple[int, int]]:
    """How many stages work at the same time, at each clock where that changes."""
    steps: dict[int, int] = {0: 0}
    for stretches in frame.busy.values():
        for first, last in stretches:
            steps[first] = steps.get(first, 0) + 1
            steps[last] = steps.get(last, 0) - 1
    count = 0
    for clock in sorted(steps):
        if steps[clock] or clock == 0:
            count += steps[clock]
            yield clock, count


def _complete(track: int, category: str, name: str, at: Stretch, **more: Any) -> Event:
    first, last = (_ns(clock) for clock in at)
    return {
        "ph": "X", "name": name, "cat": category, "pid": CHIP, "tid": track, "ts": first / 1000,
        "dur": max(last - first - 1, 0) / 1000, "args": {"first clock": at[0], "clocks": at[1] - at[0], **more},
    }  # fmt: skip


def _ns(clock: int) -> int:
    return clock * 1_000_000_000 // CLOCK_HZ


def _us(clock: int) -> float:
    return _ns(clock) / 1000
