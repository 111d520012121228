"""A campaign on the screen: a live bar on a terminal, plain lines elsewhere; a short table at the end."""

import time
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ocellus_sim.counted import count

from .campaign import Campaign, remaining, totals
from .executor import Executor
from .job import Result

PLAIN_SECONDS = 30.0
"""Between lines about nothing new, where nobody watches a bar."""
MESSAGE_LINES, FAILURES, RUNNING = 3, 20, 8
COLOURS = {"passed": "green", "failed": "red", "error": "magenta", "no result": "yellow"}


class Screen:
    """Shows a campaign while it runs; a context manager."""

    def __init__(self, campaign: Campaign, console: Console) -> None:
        self._campaign, self._console = campaign, console
        self._bar = Progress(
            BarColumn(40), TextColumn("{task.completed:.0f}/{task.total:.0f}"), TextColumn("{task.description}"),
            console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=max(len(campaign.jobs), 1))
        self._live = Live(console=console, transient=True, refresh_per_second=4) if console.is_terminal else None
        self._since: dict[str, float] = {}
        self._spoke = 0.0
        self._making = ""

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def making(self, what: str) -> None:
        """Something is being built before the jobs start."""
        if self._live:
            self._bar.update(self._task, completed=len(self._campaign.done), description="before the jobs start")
            self._live.update(Group(self._bar, Text(f"  building {what} ...", style="dim")))
        elif what != self._making:
            self._console.print(f"building {what} ...", highlight=False, markup=False)
        self._making = what

    def heard(self, executor: Executor, result: Result | None) -> None:
        """A result, or the passing of time."""
        if result is not None and (self._live is None or result.status != "passed"):
            self._console.print(self._line(result), highlight=False, soft_wrap=True)
        running, now = executor.running, time.monotonic()
        self._since = {job.name: self._since.get(job.name, now) for job in running}
        spent = {name: now - since for name, since in self._since.items()}
        done = len(self._campaign.done)
        counts = totals(self._campaign.jobs, self._campaign.done)
        bad = counts["failed"] + counts["error"]
        left = remaining(self._campaign.left, spent, self._campaign.done, executor.width)
        about = f"{bad} failed" if bad else "all passed" if done else "no result yet"
        idle = "" if executor.width else ", no worker yet"
        if self._live:
            self._bar.update(self._task, completed=done, description=f"{about}, {span(left)} left{idle}")
            lines = [f"  {name}  {span(seconds)}" for name, seconds in spent.items()]
            if len(lines) > RUNNING:
                lines[RUNNING:] = [f"  and {len(lines) - RUNNING} more"]
            self._live.update(Group(self._bar, Text("\n".join(lines), style="dim")))
        elif now - self._spoke > PLAIN_SECONDS or result is not None:
            if result is None:
                running_now = f"; running: {', '.join(list(spent)[:3])}" if spent else ""
                words = f"{done}/{len(self._campaign.jobs)} done, {about}, {span(left)} left{idle}{running_now}"
                self._console.print(words, highlight=False, soft_wrap=True)
            self._spoke = now

    def _line(self, result: Result) -> Text:
        text = Text(f"{len(self._campaign.done)}/{len(self._campaign.jobs)} ")
        text.append(result.status, COLOURS[result.status])
        text.append(f" {result.job.name} {span(result.seconds)}")
        if result.message:
            text.append(f"  {first_line(result.message)}")
        return text


def show_end(campaign: Campaign, path: Path, seconds: float, console: Console) -> None:
    """What failed, and how to see it again; how many passed; where all of it lies."""
    bad = campaign.not_passed
    if bad:
        table = Table("job", "", "message", "again", expand=True, show_lines=True)
        for result in bad[:FAILURES]:
            message = "\n".join(result.message.splitlines()[:MESSAGE_LINES])
            status = Text(result.status, COLOURS[result.status])
            table.add_row(Text(result.job.name), status, Text(message), Text(result.repeat))
        console.print(table)
        if len(bad) > FAILURES:
            console.print(f"and {len(bad) - FAILURES} more, in {path / 'results.jsonl'}", highlight=False)
    counts = totals(campaign.jobs, campaign.done)
    frames = sum(r.job.frames for r in campaign.done.values() if r.status == "passed")
    words = Text(", ").join(Text(f"{n} {name}", COLOURS[name]) for name, n in counts.items() if n or name == "passed")
    whole = f"of {count(len(campaign.jobs), 'job')}, {count(frames, 'frame')}, in {span(seconds)}"
    console.print(words, whole, highlight=False)
    page = path / "report.html"
    console.print(f"report: {page}" if page.exists() else f"results: {path / 'results.jsonl'}", highlight=False)


def show_list(campaign: Campaign, width: int, console: Console) -> None:
    """What would run."""
    table = Table("job", "variables", "expected", box=None)
    for job in campaign.left:
        typed = " ".join(f"{name}={value}" for name, value in job.variables.items())
        what = typed or "-" if job.kind == "sensor" else f"tests of tb/{job.test}, seed {job.seed}"
        table.add_row(job.name, Text(what), span(job.cost))
    console.print(table)
    jobs = campaign.left
    frames = sum(job.frames for job in jobs)
    if not jobs:
        console.print("every job has a result already", highlight=False)
        return
    time_left = span(remaining(jobs, {}, {}, width))
    whole = f"{count(len(jobs), 'job')}, {count(frames, 'frame')}; {time_left} on {width} at a time, once built"
    console.print(whole, highlight=False)


def first_line(text: str) -> str:
    """Of a message."""
    return text.strip().partition("\n")[0][:300]


def span(seconds: float) -> str:
    """Time as people say it."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
