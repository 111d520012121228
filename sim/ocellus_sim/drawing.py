"""Small drawings as SVG: a canvas that text, bars and lines are put on, with one palette for light and for dark."""

from collections.abc import Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape, quoteattr

PALETTE = """\
:root{--paper:#ffffff;--raised:#f5f6f8;--ink:#16191d;--muted:#5a626d;--rule:#d5d9df;--band:#e9ecf0;
--good:#1a7f45;--bad:#c0232c;--warn:#8f5a00;--link:#0b5cad;
--readout:#c2410c;--isp:#b07a00;--tensor:#5b7f12;--cnn:#0f766e;--metadata:#1d64c2;--link-stage:#7c3fbf}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--raised:#1c2026;--ink:#e8eaed;--muted:#a2abb6;--rule:#363c45;
--band:#242930;--good:#4cc27d;--bad:#ff7b7f;--warn:#e3a53c;--link:#7ab5ff;
--readout:#f58a5b;--isp:#dcae3e;--tensor:#a3c64e;--cnn:#4cc4b8;--metadata:#74a9f5;--link-stage:#bf95f0}}
"""
"""Colours by their use. Text in ``ink``, ``muted``, ``good``, ``bad``, ``warn`` and ``link`` has a contrast of at least
4.5 on ``paper`` and on ``raised``, in light and in dark; bars have 3 or more."""

STYLE = """\
.drawing{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
.drawing .small{font-size:11px}.drawing .muted{fill:var(--muted)}.drawing .strong{font-weight:600}
.drawing .rule{stroke:var(--rule);stroke-width:1;fill:none}.drawing .axis{stroke:var(--muted);stroke-width:1;fill:none}
.drawing .band{fill:var(--band)}.drawing .mark{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:4 3;fill:none}
.drawing .curve{stroke-width:2;fill:none}.drawing .dot{stroke:var(--paper);stroke-width:1.5}
.drawing .readout{fill:var(--readout)}.drawing .isp{fill:var(--isp)}.drawing .tensor{fill:var(--tensor)}
.drawing .cnn{fill:var(--cnn)}.drawing .metadata{fill:var(--metadata)}.drawing .link{fill:var(--link-stage)}
.drawing .cnn-curve{stroke:var(--cnn)}.drawing .metadata-curve{stroke:var(--metadata)}
.drawing .readout-curve{stroke:var(--readout)}
"""


class Drawing:
    """A canvas of ``width`` x ``height`` units, of pixels where it is shown at its own size.

    Parameters
    ----------
    title, description : str
        What a screen reader says, and a browser shows under the pointer.
    name : str
        Unique on the page: other elements of the drawing are called after it.
    """

    def __init__(self, width: float, height: float, title: str, description: str, name: str) -> None:
        self.width, self.height = width, height
        self._title, self._description, self._name = title, description, name
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        """One line of text; ``y`` is its base line."""
        self._parts.append(f'<text x="{_n(x)}" y="{_n(y)}"{_kind(kind)} text-anchor="{anchor}">{escape(text)}</text>')

    def bar(self, x: float, y: float, width: float, height: float, kind: str, says: str = "") -> None:
        """A filled rectangle; ``says`` appears under the pointer."""
        inner = f"<title>{escape(says)}</title>" if says else ""
        at = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._parts.append(f"<rect {at}{_kind(kind)}>{inner}</rect>" if inner else f"<rect {at}{_kind(kind)}/>")

    def bars(self, stretches: Sequence[tuple[float, float]], y: float, height: float, kind: str, says: str) -> None:
        """Bars from ``left`` to ``right`` on one line, as one element."""
        path = "".join(f"M{_n(a)} {_n(y)}H{_n(b)}v{_n(height)}H{_n(a)}z" for a, b in stretches)
        self._parts.append(f'<path d="{path}"{_kind(kind)}><title>{escape(says)}</title></path>')

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Straight from point to point."""
        path = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._parts.append(f'<path d="M{path}"{_kind(kind)}/>')

    def shape(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A filled polygon."""
        self._parts.append(f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in points)}"{_kind(kind)}/>')

    def dot(self, x: float, y: float, says: str, kind: str = "cnn") -> None:
        """A point of a curve."""
        self._parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="4" class="dot {kind}"><title>{escape(says)}</title></circle>'
        )

    def svg(self, alone: bool = False) -> str:
        """The SVG element; ``alone``: a file of its own, which brings colours and style along."""
        style = f"<style>{PALETTE}{STYLE}svg{{background:var(--paper)}}</style>" if alone else ""
        names = f'aria-labelledby="{self._name}-title {self._name}-description"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" class="drawing" role="img" {names}>{style}'
            f"<title id={quoteattr(self._name + '-title')}>{escape(self._title)}</title>"
            f"<desc id={quoteattr(self._name + '-description')}>{escape(self._description)}</desc>"
            f"{''.join(self._parts)}</svg>"
        )


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round values between two, no more than ``most`` steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    power = 10.0 ** floor(log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= most)
    return [round(step * n, 12) for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _kind(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _n(value: float) -> str:
    """A coordinate, no longer than it needs to be."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
