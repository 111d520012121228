"""The one screen at the end of a run."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ocellus.formats import Mode
from ocellus_sim.cosim.traces import short
from ocellus_sim.scenes import CLASSES, pairs

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


def _seen(plan: Plan, results: Sequence[FrameResult]) -> Panel:
    shown = Table(box=None, pad_edge=False, expand=False)
    for title, justify in (("frame", "right"), ("in the scene", "left"), ("the sensor reported", "left")):
        shown.add_column(title, justify=justify)  # type: ignore[arg-type]  # rich wants literals
    most = MOST_OBJECTS // max(len(results[:8]), 1)
    for result in results[:8]:
        name = str(plan.seed(result.index)) if not plan.options.photograph else str(result.index)
        for number, (truth, found) in enumerate(_rows(plan, result, most)):
            shown.add_row("" if number else name, truth, found)
    if len(results) > 8:
        shown.add_row("...", f"{len(results) - 8} more: metadata.jsonl", "")
    return Panel(shown, title="what was there", title_align="left", border_style="dim")


def _rows(plan: Plan, result: FrameResult, most: int) -> Iterator[tuple[Text, Text]]:
    """Each object of the scene beside the detection that recall counts for it."""
    photograph, mute = plan.options.photograph is not None, plan.options.mode == Mode.IMAGE
    known = tuple(plan.file.class_names) == CLASSES and not photograph
    truth = result.scene.objects if known or mute else ()
    both = pairs(truth, [o for record in result.records for o in record.objects])
    # By class, and from left to right, within what was found, what was missed and what is not there.
    both.sort(key=lambda pair: (None in pair, pair[0] is None, *_place(pair[0] or pair[1])))
    silence = "no record leaves in this mode" if mute else "" if both else "nothing"
    if not truth:
        why = "a photograph: nobody says" if photograph else "nothing" if known else "the network has other classes"
        yield Text(why, "dim"), Text(silence, "dim")
    names = dict(enumerate(plan.file.class_names))
    for number, (real, claim) in enumerate(both[:most]):
        left = Text("(not there)" if known else "", "dim") if real is None else _text(real, real.name)
        if claim is not None:
            right = _text(claim, names.get(claim.class_index, f"class {claim.class_index}"))
            right.append(f"  {claim.width}x{claim.height}  score {claim.score}")
        else:
            right = Text(silence * (number == 0) if mute else "-", "dim")
        yield left, right
    if rest := both[most:]:
        missed, wrong = sum(claim is None for _, claim in rest), sum(real is None for real, _ in rest)
        parts = [f"{missed} missed"] * bool(missed and not mute) + [f"{wrong} not there"] * bool(wrong and known)
        yield Text(f"and {len(rest)} more", "dim"), Text(", ".join(parts), "dim")


def _place(o: Any) -> tuple[int, int]:
    return o.class_index, o.left


def _text(o: Any, name: str) -> Text:
    return Text(f"{name:<8} ({o.centre_x}, {o.centre_y})", _style(o.class_index))


def _agreement(plan: Plan, results: Sequence[FrameResult]) -> Panel:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("stage")
    shown.add_column("compared", justify="right")
    shown.add_column("gateware against golden model")
    elements: dict[str, int] = {}
    verdicts: dict[str, Text] = {}
    for result in results:
        differ: set[str] = set()
        for check in result.checks:
            name = "layers" if check.stage.startswith("layer ") else check.stage
            elements[name] = elements.get(name, 0) + check.elements
            verdict = verdicts.setdefault(name, Text("equal", "green"))
            if check.difference is None:
                continue
            if not follows(name, differ, plan.options.mode):
                if verdict.plain in ("equal", "follows"):
                    verdicts[name] = Text(check.difference.message.splitlines()[0], "bold red")
            elif verdict.plain == "equal":
                verdicts[name] = Text("follows", "dim")
            differ.add(name)
    for name, verdict in verdicts.items():
        title = f"every layer ({len(plan.program.host['layers'])})" if name == "layers" else name
        shown.add_row(title, f"{elements[name]:,}", verdict)
    return Panel(shown, title="agreement", title_align="left", border_style="dim")


def follows(stage: str, differ: Collection[str], mode: Mode) -> bool:
    """Whether a difference at ``stage`` may come from stages in front of it, which ``differ`` too."""
    if stage == "image" or (stage == "bytes" and mode == Mode.IMAGE):
        return not {"raw", "bytes"}.isdisjoint(differ)  # pixels pass no other stage
    return bool(differ)


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
    turns = {name: seconds for name, seconds in split.items() if name != "golden"}
    percent = hundredths(list(turns.values()))
    shares = ", ".join(f"{name} {turns[name]:.2f} s ({share} %)" for name, share in zip(turns, percent, strict=True))
    shares += f"; golden {split['golden']:.2f} s beside it"
    return Panel(
        Group(shown, Text(f"split: {shares}", style="dim")),
        title=f"wall time: {facts['wall_seconds']:.1f} s",
        title_align="left",
        border_style="dim",
    )


def hundredths(parts: Sequence[float]) -> list[int]:
    """Whole percents of the parts, rounded so that they add up to 100."""
    exact = [100 * part / (sum(parts) or 1) for part in parts]
    found = [int(share) for share in exact]
    last = sorted(range(len(parts)), key=lambda n: found[n] - exact[n])
    for n in last[: round(sum(exact)) - sum(found)]:
        found[n] += 1
    return found


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
