"""The timeline as a picture: the stages over the whole frame; below, enlarged, the network's layers and the record."""

from collections.abc import Sequence
from dataclasses import dataclass

from ocellus_sim.drawing import Drawing, ticks

from .timeline_frame import CLOCK_HZ, FrameTimes, Stretch, milliseconds

WIDE, NARROW = 1120, 358
"""Widths that suit a desktop's page and a phone's."""
_MOST_LAYERS = 48
_LANE, _BAR, _HEADING, _AXIS = 24, 14, 52, 22


@dataclass(frozen=True)
class _Lane:
    """One line of the picture; ``note`` says how long it took in all."""

    name: str
    kind: str
    busy: Sequence[Stretch]
    clocks: int

    @property
    def note(self) -> str:
        return f"{self.clocks:,} clocks, {duration(self.clocks)}"


def duration(clocks: int) -> str:
    """In the unit that suits it."""
    ms = milliseconds(clocks)
    return f"{ms:.3f} ms" if ms >= 0.1 else f"{ms * 1e3:.2f} µs"


class _Section:
    """A part of the picture with its own scale: clocks ``begin`` to ``end`` over the whole width."""

    def __init__(self, drawing: Drawing, y: float, span: Stretch, lanes: Sequence[_Lane]) -> None:
        self.drawing, self.lanes = drawing, lanes
        self.begin, self.end = span
        self.narrow = drawing.width < 640
        self.left, self.right = (4.0, drawing.width - 8) if self.narrow else (168.0, drawing.width - 182)
        self.lane = _LANE + (10 if self.narrow else 0)
        self.top = y + _AXIS
        self.bottom = self.top + len(lanes) * self.lane
        self.foot = self.bottom + _AXIS

    def x(self, clock: float) -> float:
        """Where a clock is."""
        share = (clock - self.begin) / max(self.end - self.begin, 1)
        return self.left + min(max(share, 0), 1) * (self.right - self.left)

    def draw(self) -> None:
        """Axes and lanes."""
        steps = 4 if self.narrow else 10
        for ms in ticks(milliseconds(self.begin), milliseconds(self.end), steps):
            at = self.x(ms * CLOCK_HZ / 1e3)
            self.drawing.line([(at, self.top - 4), (at, self.bottom)], "rule")
            self._label(at, self.top - 9, f"{ms:g} ms")
        for clock in ticks(self.begin, self.end, steps - 1 if self.narrow else steps - 2):
            at = self.x(clock)
            self.drawing.line([(at, self.bottom), (at, self.bottom + 4)], "axis")
            self._label(at, self.bottom + 16, f"{clock:,.0f}")
        if not self.narrow:
            self.drawing.text(self.left - 12, self.bottom + 16, "clocks", "small muted", "end")
        self.drawing.line([(self.left, self.bottom), (self.right, self.bottom)], "axis")
        for number, lane in enumerate(self.lanes):
            self._lane(lane, self.top + number * self.lane)

    def _label(self, x: float, y: float, text: str) -> None:
        edge = 4 * len(text) + 2  # half of what the text may take
        anchor = "start" if x - edge < 0 else "end" if x + edge > self.drawing.width else "middle"
        self.drawing.text(x, y, text, "small muted", anchor)

    def _lane(self, lane: _Lane, y: float) -> None:
        if self.narrow:
            self.drawing.text(self.left, y + 12, lane.name, "small")
            self.drawing.text(self.right - 6, y + 12, lane.note, "small muted", "end")
            y += 11
        else:
            self.drawing.text(self.left - 12, y + 16, lane.name, "", "end")
            self.drawing.text(self.right + 12, y + 16, lane.note, "small muted")
        places = _visible([
            (self.x(first), self.x(last)) for first, last in lane.busy if last > self.begin and first < self.end
        ])  # fmt: skip
        if places:
            self.drawing.bars(places, y + 5, _BAR, lane.kind, f"{lane.name}: {lane.note}")

    def mark(self, clock: int, text: str) -> None:
        """A dashed line through all lanes."""
        at = self.x(clock)
        self.drawing.line([(at, self.top - 30), (at, self.bottom)], "mark")
        room = at + 6 + 6.5 * len(text) < self.drawing.width
        self.drawing.text(at + (6 if room else -6), self.top - 23, text, "small strong", "start" if room else "end")


def chart(times: FrameTimes, width: int = WIDE, name: str = "timeline") -> Drawing:
    """The picture of one frame, ``width`` wide; ``name`` is unique on a page."""
    stages = [_Lane(stage, stage, busy, times.stage_clocks(stage)) for stage, busy in times.busy.items()]
    named = {lane.name: lane for lane in stages}
    ends = [[named[stage] for stage in some if stage in named] for some in (("tensor",), ("metadata", "link"))]
    layers = [*ends[0], *_layer_lanes(times), *ends[1]]
    end = max(times.clocks, times.blanking[1] if times.blanking else 0)
    near = _enlarged(times)
    lane = _LANE + (10 if width < 640 else 0)
    height = 2 * (_HEADING + 2 * _AXIS) + 32 + (len(stages) + len(layers)) * lane
    drawing = Drawing(width, height, f"Timeline of the frame of seed {times.seed}", _described(times), name)
    whole = _Section(drawing, _HEADING, (0, end), stages)
    below = _Section(drawing, whole.foot + _HEADING + 32, near, layers)
    _between(drawing, whole, below)
    drawing.text(
        4, 16, f"The whole frame, {times.frame.width}x{times.frame.height}, {milliseconds(end):.2f} ms", "strong"
    )
    _lines(drawing, times, whole.narrow)
    if times.blanking:
        first, last = (whole.x(clock) for clock in times.blanking)
        drawing.bar(
            first, whole.top, last - first, whole.bottom - whole.top, "band", "vertical blanking: no pixels come"
        )
        drawing.text(first - 6, whole.bottom - 8, "vertical blanking", "small muted", "end")
    enlarged = f"From {milliseconds(near[0]):.2f} ms on, enlarged: layers and record"
    drawing.text(4, below.top - 44, enlarged, "strong")
    for section in (whole, below):
        if times.record is not None:
            section.mark(times.record, f"the record has left: {milliseconds(times.record):.2f} ms")
        section.draw()
    return drawing


def _lines(drawing: Drawing, times: FrameTimes, narrow: bool) -> None:
    frame = times.frame
    blank = frame.clocks_per_line - frame.words_per_line
    text = f"each line: {frame.words_per_line} clocks of pixels, {blank} of blanking"
    if not times.live:
        text += "; the array waits where the network is slower"
    if narrow:
        drawing.text(4, 31, text.partition(";")[0], "small muted")
    else:
        drawing.text(drawing.width - 8, 16, text, "small muted", "end")


def _layer_lanes(times: FrameTimes) -> list[_Lane]:
    """Every layer; of a network of very many the longest ones, in their order."""
    kept = sorted(times.layers, key=lambda layer: -layer.clocks)[:_MOST_LAYERS]
    shown = sorted(kept, key=lambda layer: layer.number)
    lanes = [_Lane(f"{layer.number} {layer.operator}", "cnn", layer.busy, layer.clocks) for layer in shown]
    if rest := [layer for layer in times.layers if layer not in kept]:
        busy = sorted(stretch for layer in rest for stretch in layer.busy)
        lanes.append(_Lane(f"{len(rest)} shorter layers", "cnn", busy, sum(layer.clocks for layer in rest)))
    return lanes


def _enlarged(times: FrameTimes) -> Stretch:
    """From before the last line's end, and each layer's last piece of work, to the end of all."""
    begin = min([times.pixels[1], *(layer.busy[-1][0] for layer in times.layers if layer.busy)])
    return max(begin - (times.clocks - begin) // 20, 0), times.clocks


def _between(drawing: Drawing, whole: _Section, below: _Section) -> None:
    """The shade that leads from a part of one scale to the other."""
    top, bottom = whole.foot - 2, below.top - 62
    corners = [(whole.x(below.begin), top), (whole.x(below.end), top), (below.right, bottom), (below.left, bottom)]
    drawing.shape(corners, "band")


def _visible(places: Sequence[Stretch] | Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Bars at least a pixel wide, those that touch joined."""
    joined: list[tuple[float, float]] = []
    for first, last in places:
        last = max(last, first + 1)
        if joined and first <= joined[-1][1] + 0.2:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _described(times: FrameTimes) -> str:
    """The picture in words."""
    parts = [f"{stage} works for {times.stage_clocks(stage):,} clocks" for stage in times.busy]
    parts += [f"layer {layer.number}, {layer.operator}, for {layer.clocks:,}" for layer in times.layers]
    if times.record is not None:
        parts.append(f"the record has left after {milliseconds(times.record):.3f} ms")
    return "; ".join(parts) + "."
