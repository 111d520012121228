"""What each board came to, in the page for all to see; a build that has become slower or larger is told."""

import sys
from dataclasses import dataclass

from rich.console import Console

from ..tools import ROOT
from .report import Report

PAGE = ROOT / "docs" / "numbers.md"
MARK = "<!-- boards: the table below is written by `make numbers ARGS=--page` -->\n"
PERCENT = 5
"""Of what the page says, so much may be lost before somebody has to look."""
HEADINGS = ("board", "size", "chip", "seed", "MHz", "wanted", "LUT4", "FF", "block RAM", "multipliers", "minutes",
            "SHA-256")  # fmt: skip


@dataclass(frozen=True)
class BoardNumbers:
    """A board's figures; None is what was not reached."""

    name: str
    configuration: str
    device: str
    seed: int
    fmax_mhz: float | None
    target_mhz: float
    lut4: int
    ff: int
    bram: int
    mult: int
    tool_minutes: float
    digest: str | None

    @classmethod
    def of(cls, report: Report) -> "BoardNumbers":
        """Of a build."""
        return cls(
            name=report.board,
            configuration=report.configuration,
            device=report.device,
            seed=report.seed,
            fmax_mhz=None if report.fmax_mhz is None else round(report.fmax_mhz, 1),
            target_mhz=report.target_mhz,
            lut4=report.cells["LUT4"],
            ff=report.cells["TRELLIS_FF"],
            bram=report.cells["DP16KD"],
            mult=report.cells["MULT18X18D"],
            tool_minutes=round(sum(report.minutes.values()), 1),
            digest=report.sha256 or None,
        )

    def cells(self) -> list[str]:
        """A line of the table."""
        found = (self.fmax_mhz, self.target_mhz, self.lut4, self.ff, self.bram, self.mult, self.tool_minutes)
        figures = ("-" if figure is None else f"{figure:,}" for figure in found)
        return [self.name, self.configuration, self.device, str(self.seed), *figures, self.digest or "-"]

    @classmethod
    def from_cells(cls, cells: list[str]) -> "BoardNumbers":
        """Of a line of the table."""
        name, configuration, device, seed, fmax, target, *counts, minutes, digest = (c.replace(",", "") for c in cells)
        lut4, ff, bram, mult = (int(count) for count in counts)
        return cls(
            name, configuration, device, int(seed), None if fmax == "-" else float(fmax), float(target),
            lut4, ff, bram, mult, float(minutes), None if digest == "-" else digest,
        )  # fmt: skip


def lines(names: list[str], numbers: dict[str, BoardNumbers]) -> list[list[str]]:
    """Of the table, a board a line, whether it was built or not."""
    unknown = ["-"] * (len(HEADINGS) - 1)
    return [numbers[name].cells() if name in numbers else [name, *unknown] for name in names]


def below(text: str, mark: str) -> tuple[str, str, str]:
    """A page: up to and with a mark, what is written below it, and the rest from the next heading or mark on."""
    before, found, after = text.partition(mark)
    if not found:
        raise ValueError(f"page: found no line {mark.strip()}")
    ends = (at for at in (after.find("\n#"), after.find("\n<!--")) if at >= 0)
    end = min(ends, default=len(after))
    return before + found, after[:end], after[end:]


def markdown(table: list[list[str]]) -> str:
    """A table's text."""
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def text(names: list[str], numbers: dict[str, BoardNumbers]) -> str:
    """The boards' part of the page."""
    return markdown([[*HEADINGS], ["---"] * len(HEADINGS), *lines(names, numbers)])


def written(text: str, mark: str, what: str) -> str:
    """A page with something else below a mark."""
    before, _, after = below(text, mark)
    return before + what + after


def committed() -> dict[str, BoardNumbers]:
    """The boards that the page has figures of."""
    _, table, _ = below(PAGE.read_text(), MARK)
    rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines() if line)
    found = (BoardNumbers.from_cells(row) for row in list(rows)[2:] if row[1] != "-")
    return {numbers.name: numbers for numbers in found}


def worse(found: BoardNumbers, before: BoardNumbers) -> list[str]:
    """Which figures are worse than before by more than is allowed."""
    said = []
    if found.fmax_mhz is not None and before.fmax_mhz is not None:
        least = before.fmax_mhz * (100 - PERCENT) / 100
        if found.fmax_mhz < least:
            said.append(f"found {found.fmax_mhz:.1f} MHz, committed {before.fmax_mhz:.1f}, allowed {least:.2f} or more")
    kinds = {"LUT4": "lut4", "FF": "ff", "block RAMs": "bram", "multipliers": "mult"}
    for kind, name in kinds.items():
        count, was = getattr(found, name), getattr(before, name)
        most = was * (100 + PERCENT) // 100
        if count > most:
            said.append(f"found {count:,} {kind}, committed {was:,}, allowed {most:,} or fewer")
    return said


def judged(report: Report, console: Console, *, renewed: bool = False) -> int:
    """Exit status of a build: 1 when a clock is missed, or it is worse than the page says, which is then told.

    Nothing is compared where the page is to be ``renewed``.
    """
    found = BoardNumbers.of(report)
    said = [f"{net} reaches {reached:.1f} MHz of {wanted:.1f}" for net, (reached, wanted) in report.missed.items()]
    if report.failure:
        said.append(report.failure)
    before = committed().get(found.name)
    if before is None or before.configuration != found.configuration:
        console.print(f"{found.name}: not compared: docs/numbers.md has no figures of it with {found.configuration}")
    elif not renewed and (differences := worse(found, before)):
        said.append(f'{"; ".join(differences)}; `make numbers ARGS="{found.name} --page"` renews docs/numbers.md')
    for sentence in said:
        print(f"ocellus: {found.name}: {sentence}", file=sys.stderr)
    return int(bool(said))
