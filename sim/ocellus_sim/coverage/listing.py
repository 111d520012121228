"""The gateware's source as one page that a browser shows: each line with its count, what was missed marked."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ocellus_sim import whole
from ocellus_sim.coverage import code, counts, functional
from ocellus_sim.coverage.counts import Point
from ocellus_sim.coverage.tables import percent

STYLE = """
:root { color-scheme: light dark; --missed: #d333; --part: #e803; --met: #3a32; --quiet: #8888; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 1em auto; max-width: 80em; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: 0 .8em 0 0; text-align: left; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { font-size: 13px; overflow-x: auto; margin: 0; } pre div { min-width: max-content; }
pre b { display: inline-block; width: 9em; text-align: right; padding-right: 1em; color: GrayText; font-weight: 400; }
.missed { background: var(--missed); } .part { background: var(--part); } .met { background: var(--met); }
.excluded { background: var(--quiet); } summary { cursor: pointer; }
"""


def write(summary: Mapping[str, Any], runs: Sequence[Path], hits: functional.Hits, path: Path) -> None:
    """The page, whole."""
    taken = counts.total(counts.load(run) for run in runs)
    body = [_overview(summary), _situations(hits), *(_file(file, taken) for file in summary["files"])]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    page = f"<!doctype html><html lang=en><head><title>Coverage</title>{head}</head><body>{''.join(body)}</body></html>"
    whole.write_text(path, page)


def _cells(entry: Mapping[str, Any]) -> str:
    cells = ""
    for what in ("lines", "branches"):
        hit, all_ = entry[f"{what}_hit"], entry[what]
        cells += (
            f"<td class=n>{hit}/{all_}</td><td class=n>{percent(hit, all_)} %</td>" if all_ else "<td></td><td></td>"
        )
    return cells


def _overview(summary: Mapping[str, Any]) -> str:
    rows = [f"<tr><td><b>all</b></td>{_cells(summary['total'])}</tr>"]
    rows += [
        f'<tr><td><a href="#{escape(f["file"])}">{escape(f["file"].removeprefix(code.GATEWARE + "/"))}</a></td>'
        f"{_cells(f)}</tr>"
        for f in summary["files"]
    ]  # fmt: skip
    head = "<tr><th>file</th><th>lines</th><th></th><th>branches</th><th></th></tr>"
    return f"<h1>Coverage</h1><table>{head}{''.join(rows)}</table>"


def _situations(hits: functional.Hits) -> str:
    parts = ["<h2>Situations</h2>"]
    for name, group in functional.groups().items():
        points = hits.get(name, {})
        rows = [
            f"<tr class={'met' if points.get(point) else 'missed'}><td>{escape(point)}</td>"
            f"<td class=n>{points.get(point, 0)}</td><td>{escape(meaning)}</td></tr>"
            for point, meaning in group.points.items()
        ]  # fmt: skip
        met = sum(1 for point in group.points if points.get(point))
        parts.append(
            f"<details><summary>{escape(group.title)}: {met} of {len(group.points)}</summary>"
            f"<table>{''.join(rows)}</table></details>"
        )
    return "".join(parts)


def _file(file: Mapping[str, Any], taken: Mapping[Point, int]) -> str:
    name = file["file"]
    missed = set(file["missed"])
    branches: dict[int, list[str]] = {}
    for line, branch in file["missed_branches"]:
        branches.setdefault(line, []).append(branch)
    excluded = {line: why for line, _, why in file["excluded"]}
    hits = {point.line: number for point, number in taken.items() if point.file == name and not point.branch}
    lines = []
    for number, text in enumerate((code.ROOT / name).read_text().splitlines(), 1):
        kind = next(
            (k for k, where in (("missed", missed), ("part", branches), ("excluded", excluded), ("met", hits))
             if number in where), "",
        )  # fmt: skip
        told = "; ".join(branches.get(number, [])) or excluded.get(number, "")
        note = f"  <i>{escape(told)}</i>" if told else ""
        count = f"{hits[number]:,}" if number in hits else "0" if number in missed else ""
        lines.append(f"<div class={kind or 'plain'}><b>{count}</b>{number:4d}  {escape(text)}{note}</div>")
    return f'<h3 id="{escape(name)}">{escape(name)}</h3><pre>{"".join(lines)}</pre>'
