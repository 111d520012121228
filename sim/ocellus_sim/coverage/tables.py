"""Coverage on the screen: by stage and file, and by group of situations."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ocellus_sim.coverage import functional
from ocellus_sim.coverage.seen import STAGES


def percent(hit: int, all_: int) -> str:
    """``100`` where nothing is missed, and only there."""
    return "" if not all_ else "100" if hit == all_ else f"{min(100 * hit / all_, 99.9):.1f}"


def ranges(lines: Iterable[int]) -> str:
    """Lines as ``3, 5-7``."""
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def show_code(console: Console, summary: Mapping[str, Any]) -> None:
    """Lines and branches by file, stages together, what is missed at the end of the row."""
    table = Table(title="Lines and branches of the gateware", title_justify="left", box=None, pad_edge=False)
    table.add_column("file")
    for name in ("lines", "%", "branches", "%"):
        table.add_column(name, justify="right")
    table.add_column("missed lines; branches")
    by_stage: dict[str, list[Mapping[str, Any]]] = {}
    for file in summary["files"]:
        by_stage.setdefault(file["stage"], []).append(file)
    for stage, files in by_stage.items():
        table.add_row(f"[bold]{stage}[/]", *_figures(_sum(files)), style="bold")
        for file in files:
            missed = [line for line, _ in file["missed_branches"]]
            places = "; ".join(filter(None, (ranges(file["missed"]), ranges(missed))))
            table.add_row(f"  {file['file'].rpartition('/')[2]}", *_figures(file), places)
    table.add_row("all", *_figures(summary["total"]), style="bold")
    console.print(table)
    excluded = sum(len(file["excluded"]) for file in summary["files"])
    console.print(f"{excluded} lines and branches that nothing can reach are left out: tb/coverage.toml says why.\n")


def show_functional(console: Console, hits: functional.Hits, stages: Sequence[str]) -> None:
    """Groups, how many of their points were met, and those that were not."""
    table = Table(title="Situations", title_justify="left", box=None, pad_edge=False)
    for name, justify in (("group", "left"), ("met", "right"), ("of", "right"), ("%", "right"), ("not met", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich wants literals
    met = every = 0
    for name, group in functional.groups().items():
        points = {p: n for p, n in hits.get(name, {}).items() if asked(name, p, stages)}
        if not points:
            continue
        missed = [point for point, number in points.items() if not number]
        met, every = met + len(points) - len(missed), every + len(points)
        figures = (str(len(points) - len(missed)), str(len(points)), percent(len(points) - len(missed), len(points)))
        table.add_row(group.title, *figures, "; ".join(missed))
    table.add_row("all", str(met), str(every), percent(met, every), style="bold")
    console.print(table)


def asked(group: str, point: str, stages: Sequence[str]) -> bool:
    """Whether a point is about one of these stages: its group's name begins with the stage's, or else its own."""
    first = group.partition(" ")[0]
    return (first if first in STAGES else point.partition(" ")[0]) in stages


def _sum(files: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    names = ("lines", "lines_hit", "branches", "branches_hit")
    return {name: sum(file[name] for file in files) for name in names}


def _figures(counts: Mapping[str, Any]) -> list[str]:
    found = []
    for what in ("lines", "branches"):
        hit, all_ = counts[f"{what}_hit"], counts[what]
        found += [f"{hit}/{all_}" if all_ else "", percent(hit, all_)]
    return found
