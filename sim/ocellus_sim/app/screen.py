"""The one screen at the end of a run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ocellus.formats import Mode
from ocellus_sim.compare import Difference
from ocellus_sim.cosim.traces import short

from .exposure import FrameResult
from .pictures import colour_of
from .plan import Plan
from .result import layer_clocks
from .timeline import CLOCK_HZ

MOST_OBJECTS = 24
"""Lines for what was in the scenes."""


def show(console: Console, plan: Plan, results: Sequence[FrameResult], facts: Mapping[str, Any], folder: Path) -> None:
    """Scene and report, agreement, clocks, wall time, and where the files are."""
    console.print()
    console.print(_heading(plan, facts))
    console.print(_seen(plan, results))
    console.print(_agreement(plan, results))
    console.print(_clocks(plan, results, facts))
    console.print(_wall(facts))
    console.print(_verdict(facts, folder), soft_wrap=True)  # a command in one line


def _heading(plan: Plan, facts: Mapping[str, Any]) -> Text:
    options = plan.options
    frames = f"{facts['frames']} frames" if facts["frames"] > 1 else "1 frame"
    what = str(options.photograph) if options.photograph else f"seed {options.seed}"
    return Text(
        f"{frames} of {options.frame.width}x{options.frame.height}, {what}, network {plan.file.name}, "
        f"configuration {options.configuration.name} ({options.configuration.macs} MACs), mode {facts['mode']}",
        style="bold",
    ) + Text(f"\nseed {facts['seed']}, commit {facts['commit']}, {named(facts['versions'])}", style="not bold dim")


def named(tools: Mapping[str, str]) -> str:
    """The versions that matter, in one line."""
    return ", ".join(f"{name} {tools[name]}" for name in ("verilator", "amaranth", "cocotb", "python"))


def _style(index: int) -> str:
    return "rgb({},{},{})".format(*colour_of(index))


def _first(objects: Iterable[Any], most: int) -> list[Any]:
    """By class, and from left to right: no more than fit on the screen."""
    return sorted(objects, key=lambda o: (o.class_index, o.left))[:most]


def _seen(plan: Plan, results: Sequence[FrameResult]) -> Panel:
    names = plan.file.class_names
    shown = Table(box=None, pad_edge=False, expand=False)
    for title, justify in (("frame", "right"), ("in the scene", "left"), ("the sensor reported", "left")):
        shown.add_column(title, justify=justify)  # type: ignore[arg-type]  # rich wants literals
    most = MOST_OBJECTS // max(len(results[:8]), 1)
    for result in results[:8]:
        truth, found = Text(), Text()
        for real in _first(result.scene.objects, most):
            truth.append(f"{real.name:<8} ({real.centre_x}, {real.centre_y})\n", _style(real.class_index))
        if not result.scene.objects:
            truth.append("a photograph: nobody says" if plan.options.photograph else "nothing", "dim")
        objects = [o for record in result.records for o in record.objects]
        for o in _first(objects, most):
            name = dict(enumerate(names)).get(o.class_index, f"class {o.class_index}")
            found.append(
                f"{name:<8} ({o.centre_x}, {o.centre_y})  {o.width}x{o.height}  score {o.score}\n",
                _style(o.class_index),
            )
        if not objects:
            found.append("no record leaves in this mode" if plan.options.mode == Mode.IMAGE else "nothing", "dim")
        for text, every in ((truth, result.scene.objects), (found, objects)):
            if len(every) > most:
                text.append(f"and {len(every) - most} more", "dim")
        truth.rstrip()
        found.rstrip()
        shown.add_row(str(plan.seed(result.index)) if not plan.options.photograph else str(result.index), truth, found)
    if len(results) > 8:
        shown.add_row("...", f"{len(results) - 8} more: metadata.jsonl", "")
    return Panel(shown, title="what was there", title_align="left", border_style="dim")


def _agreement(plan: Plan, results: Sequence[FrameResult]) -> Panel:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("stage")
    shown.add_column("compared", justify="right")
    shown.add_column("gateware against golden model")
    groups: dict[str, list[tuple[int, Difference | None]]] = {}
    for result in results:
        for check in result.checks:
            name = "layers" if check.stage.startswith("layer ") else check.stage
            groups.setdefault(name, []).append((check.elements, check.difference))
    for name, checks in groups.items():
        bad = next((difference for _, difference in checks if difference), None)
        title = f"every layer ({len(plan.program.host['layers'])})" if name == "layers" else name
        verdict = Text("equal", "green") if bad is None else Text(bad.message.splitlines()[0], "bold red")
        shown.add_row(title, f"{sum(n for n, _ in checks):,}", verdict)
    return Panel(shown, title="agreement", title_align="left", border_style="dim")


def _bar(part: float, width: int = 28) -> str:
    return "█" * max(round(part * width), 1 if part > 0 else 0)


def _clocks(plan: Plan, results: Sequence[FrameResult], facts: Mapping[str, Any]) -> Panel:
    stages: Mapping[str, int] = facts["cycles_per_stage"]
    shown = Table(box=None, pad_edge=False)
    for title in ("stage", "clocks a frame", "at 74.25 MHz", ""):
        shown.add_column(title, justify="right" if title[:1] in ("c", "a") else "left")
    most = max(stages.values()) or 1
    for name, clocks in stages.items():
        shown.add_row(name, f"{clocks:,}", f"{clocks / CLOCK_HZ * 1e3:.3f} ms", Text(_bar(clocks / most), "cyan"))
    layers = sorted(enumerate(layer_clocks(plan, results[0])), key=lambda item: -item[1])[:3]
    slow = ", ".join(f"{n} {plan.program.host['layers'][n]['op'].lower()} {c:,}" for n, c in layers)
    frame = plan.options.frame
    rate = CLOCK_HZ / max(frame.clocks_per_frame, stages["cnn"])
    text = Text(
        f"slowest layers: {slow}\n"
        f"a frame every {max(frame.clocks_per_frame, stages['cnn']):,} clocks: {rate:.1f} frames a second on the chip; "
        f"simulated at {facts['megapixels_per_second']:.2f} megapixels a second",
        style="dim",
    )
    return Panel(Group(shown, text), title="clocks", title_align="left", border_style="dim")


def _wall(facts: Mapping[str, Any]) -> Panel:
    parts: Mapping[str, float] = facts["wall_seconds_by_part"]
    shown = Table.grid(padding=(0, 2))
    most = max(parts.values(), default=1) or 1
    for name, seconds in parts.items():
        shown.add_row(name, f"{seconds:.2f} s", Text(_bar(seconds / most), "magenta"))
    split: Mapping[str, float] = facts["split"]
    whole = sum(split.values()) or 1
    shares = ", ".join(f"{name} {seconds:.2f} s ({seconds / whole:.0%})" for name, seconds in split.items())
    return Panel(
        Group(shown, Text(f"split: {shares}", style="dim")),
        title=f"wall time: {facts['wall_seconds']:.1f} s",
        title_align="left",
        border_style="dim",
    )


def _verdict(facts: Mapping[str, Any], folder: Path) -> Text:
    text = Text()
    if facts["bit_exact"]:
        text.append("bit exact  ", "bold green")
    else:
        difference = facts["first_difference"]
        text.append("NOT bit exact", "bold red")
        text.append(f" in frame {difference['frame']} (seed {difference['seed']}), stage {difference['stage']}")
        text.append(f", clock {difference['clock']:,}\n" if difference["clock"] is not None else "\n")
        text.append(f"{difference['message']}\n")
        if difference["crop"]:
            text.append(f"picture: {short(folder)}/{difference['crop']}\n")
        text.append(f"again: {difference['command']}", "bold")
    if facts["recall"] is not None:
        text.append("" if facts["bit_exact"] else "\n")
        text.append(f"recall {facts['recall']:.3f}, precision {facts['precision']:.3f}")
    text.append(f"\n{short(folder)}/  overlay.png, heatmap.png, timeline.gtkw, metadata.jsonl, result.json", "dim")
    return text
