"""The situations of tb/coverage.toml that a run of the whole sensor has met, told from its plan and what was seen."""

from collections.abc import Iterator, Sequence

from ocellus.formats import Mode
from ocellus.settings import UHD, Window
from ocellus_sim.coverage import functional
from ocellus_sim.coverage.functional import Hits, Situation
from ocellus_sim.coverage.situations import isp, metadata, program, tensor
from ocellus_sim.scenes.truth import DEFECTS, PARTS

from .exposure import FrameResult
from .options import name_of
from .plan import Plan


def covered(plan: Plan, frames: Sequence[FrameResult]) -> Hits:
    """Hits by group and point: the number of frames that met it, at most one a frame."""
    hits: Hits = {}
    always = {*_of_plan(plan), *program.of_program(plan.program)}
    for frame in frames:
        for situation in always | set(_of_frame(plan, frame)):
            functional.check(situation)
            group, point = situation
            found = hits.setdefault(group, {})
            found[point] = found.get(point, 0) + 1
    functional.cover((group, point) for group, points in hits.items() for point in points)
    return hits


def _of_plan(plan: Plan) -> Iterator[Situation]:
    options, readout = plan.options, plan.settings.readout
    yield "sensor modes", name_of(options.mode)
    yield "sensor runs", f"configuration {options.configuration.name}"
    yield "sensor runs", "live readout" if readout.live else "waiting readout"
    yield "sensor runs", "4K" if options.frame == UHD else "another size"
    yield "sensor runs", _window(plan, options.roi)
    yield "sensor runs", "frames one after the other" if options.frames > 1 else "one frame"
    yield "sensor runs", "another network" if options.model else "the line's network"
    yield from tensor.of_settings(plan.settings.tensor, options.frame)


def _window(plan: Plan, roi: Window | None) -> str:
    frame = plan.options.frame
    if roi is None or (roi.width, roi.height) == (frame.width, frame.height):
        return "whole frame looked at"
    left, top = roi.x == 0, roi.y == 0
    right, bottom = roi.x + roi.width == frame.width, roi.y + roi.height == frame.height
    return "window in a corner" if (left or right) and (top or bottom) else "window inside"


def _of_frame(plan: Plan, frame: FrameResult) -> Iterator[Situation]:
    if plan.options.photograph is not None:
        picture = plan.options.photograph.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
        yield "sensor scenes", "photograph" if picture else "raw file"
    else:
        names = {thing.name for thing in frame.scene.objects}
        yield from (("sensor scenes", name) for name in names)
        if not names:
            yield "sensor scenes", "empty belt"
        if names & set(PARTS) and not names & set(DEFECTS):
            yield "sensor scenes", "parts without a flaw"
    yield from isp.of_pictures(frame.scene.raw, plan.settings.isp)
    yield from tensor.of_picture(frame.want.rgb, plan.settings.tensor)
    if plan.options.mode != Mode.IMAGE and len(frame.got.record):
        yield from metadata.of_record(frame.got.record, plan.settings.metadata)
