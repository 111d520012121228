"""The timeline in the report: which run's frame it is, and its pictures and trace."""

from collections.abc import Iterable
from pathlib import Path

from ocellus_sim.app.timeline_chart import NARROW, WIDE, chart
from ocellus_sim.app.timeline_frame import FrameTimes
from ocellus_sim.app.timeline_trace import trace

from .reading import Run

TRACE = "timeline.perfetto.json"


def chosen(runs: Iterable[Run]) -> tuple[Run, FrameTimes] | None:
    """The first frame of the passed run with the largest frame; None where no run tells its times."""
    found = []
    for run in runs:
        data = run.facts.get("frame_times")
        if run.outcome != "passed" or not data:
            continue
        try:
            times = FrameTimes.from_json(data)
        except (KeyError, TypeError, ValueError):
            continue  # of another version
        if times.busy:
            found.append((run, times))
    return max(found, key=lambda item: item[1].frame.width * item[1].frame.height, default=None)


def pictures(times: FrameTimes) -> tuple[str, str]:
    """SVG for a wide and for a narrow page."""
    return chart(times, WIDE, "timeline-wide").svg(), chart(times, NARROW, "timeline-narrow").svg()


def write_trace(folder: Path, run: Run, times: FrameTimes) -> str:
    """The trace beside the page; the file's name."""
    (folder / TRACE).write_text(trace([times], f"{run.job.name}, seed {times.seed}"))
    return TRACE
