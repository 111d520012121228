"""Which stage and which layer was busy when: for GTKWave (VCD and a save file), as a picture, and as a Chrome trace."""

from collections.abc import Sequence
from math import log2
from pathlib import Path
from typing import Any

from vcd import VCDWriter
from vcd.gtkw import GTKWColor, GTKWSave

from ocellus.formats import PacketType

from .observation import BUSY_STAGES, Observation, spans
from .plan import Plan
from .timeline_chart import chart
from .timeline_frame import CLOCK_HZ, FrameTimes, Layer
from .timeline_trace import trace

_PS = 1_000_000_000_000

_COLOURS = {
    "readout": GTKWColor.red, "isp": GTKWColor.orange, "tensor": GTKWColor.yellow, "cnn": GTKWColor.green,
    "metadata": GTKWColor.blue, "link": GTKWColor.violet,
}  # fmt: skip


def picoseconds(clock: int) -> int:
    """Time of a clock at 74.25 MHz."""
    return clock * _PS // CLOCK_HZ


def write_timelines(folder: Path, plan: Plan, observations: Sequence[Observation]) -> None:
    """Of every frame ``timeline.vcd`` with its save file and ``timeline.perfetto.json``; of the first the picture."""
    write_vcd(folder / "timeline.vcd", plan, observations)
    frames = [frame_times(plan, number, seen) for number, seen in enumerate(observations)]
    (folder / "timeline.svg").write_text(chart(frames[0]).svg(alone=True) + "\n")
    frame = plan.options.frame
    title = f"{frame.width}x{frame.height}, network {plan.file.name}, configuration {plan.options.configuration.name}"
    (folder / "timeline.perfetto.json").write_text(trace(frames, title))


def frame_times(plan: Plan, number: int, seen: Observation) -> FrameTimes:
    """What the taps tell of a frame's time."""
    begin, end = seen.clocks
    found = {
        name: tuple((first - begin, last - begin) for first, last in stretches)
        for name, stretches in spans(seen.busy, seen.clocks).items()
    }
    layers = tuple(
        Layer(n, layer["op"].lower(), layer["tensor"], found.get(f"layer {n}", ()))
        for n, layer in enumerate(plan.program.host["layers"])
    )
    left, (first, last) = record_clock(seen), seen.raw_clocks if len(seen.raw) else seen.clocks
    return FrameTimes(
        seed=plan.seed(number), frame=plan.options.frame, live=plan.settings.readout.live, begin=begin,
        clocks=end - begin, pixels=(first - begin, last - begin), record=None if left is None else left - begin,
        busy={name: found[name] for name in BUSY_STAGES if name in found}, layers=layers,
    )  # fmt: skip


def record_clock(seen: Observation) -> int | None:
    """The clock at which the last byte of the frame's record left the chip."""
    start, found = 0, None
    for word in seen.packet_ends.nonzero()[0]:
        if seen.link[8 * start + 2] == PacketType.RECORD:
            found = int(seen.stamps["out"][word])
        start = int(word) + 1
    return found


def write_vcd(path: Path, plan: Plan, observations: Sequence[Observation]) -> None:
    """``path`` and the GTKWave save file beside it."""
    layers = [f"{n} {layer['op'].lower()}" for n, layer in enumerate(plan.program.host["layers"])]
    events: dict[int, dict[str, Any]] = {0: {}}
    end = 0
    for number, seen in enumerate(observations):
        begin, end = seen.clocks
        events.setdefault(begin, {})["frame"] = plan.seed(number)
        for name, stretches in spans(seen.busy, seen.clocks).items():
            for first, last in stretches:
                if name.startswith("layer "):
                    layer = int(name.split()[1])
                    events.setdefault(first, {}).update(layer=layer, layer_name=layers[layer : layer + 1])
                    events.setdefault(last, {}).setdefault("layer_name", [])
                else:
                    events.setdefault(first, {})[name] = 1
                    events.setdefault(last, {})[name] = 0
    with path.open("w") as file, VCDWriter(file, timescale="1 ps", comment="busy stages of the sensor") as vcd:
        stages = {name: vcd.register_var("sensor", name, "wire", 1, 0) for name in BUSY_STAGES}
        layer_index = vcd.register_var("sensor.network", "layer", "integer", 16, 0)
        layer_name = vcd.register_var("sensor.network", "layer_name", "string", None, "-")
        frame = vcd.register_var("sensor", "seed", "integer", 32, 0)
        for clock in sorted(events):
            at = picoseconds(clock)
            for name, value in events[clock].items():
                if name in stages:
                    vcd.change(stages[name], at, value)
                elif name == "layer":
                    vcd.change(layer_index, at, value)
                elif name == "layer_name":
                    vcd.change(layer_name, at, (value[0] if value else "-").replace(" ", "_"))
                elif name == "frame":
                    vcd.change(frame, at, value)
        vcd.close(picoseconds(end))
    _write_save_file(path, end)


def _write_save_file(path: Path, end: int) -> None:
    with path.with_suffix(".gtkw").open("w") as file:
        save = GTKWSave(file)
        save.dumpfile(path.name, abspath=False)
        save.treeopen("sensor.")
        save.signals_width(180)
        save.size(1400, 640)
        # Found by trying: a window of this size shows 2 ** (z + 2.2) time units at zoom -z, so this is the whole run.
        save.zoom_markers(2 - log2(max(picoseconds(end), 4)))
        save.trace("sensor.seed", datafmt="dec")
        for name in BUSY_STAGES:
            save.trace(f"sensor.{name}", color=_COLOURS[name])
        with save.group("network"):
            save.trace("sensor.network.layer_name", datafmt="ascii", color=GTKWColor.green)
            save.trace("sensor.network.layer", datafmt="dec", color=GTKWColor.green)
