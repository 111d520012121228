"""Which stage and which layer was busy when: a VCD file that opens at once in GTKWave, with a save file beside it."""

from collections.abc import Iterable
from math import log2
from pathlib import Path
from typing import Any

from vcd import VCDWriter
from vcd.gtkw import GTKWColor, GTKWSave

from .observation import BUSY_STAGES, Observation, spans
from .plan import Plan

CLOCK_HZ = 74_250_000
_PS = 1_000_000_000_000

_COLOURS = {
    "readout": GTKWColor.red, "isp": GTKWColor.orange, "tensor": GTKWColor.yellow, "cnn": GTKWColor.green,
    "metadata": GTKWColor.blue, "link": GTKWColor.violet,
}  # fmt: skip


def picoseconds(clock: int) -> int:
    """Time of a clock at 74.25 MHz."""
    return clock * _PS // CLOCK_HZ


def write_timeline(path: Path, plan: Plan, observations: Iterable[Observation]) -> None:
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
