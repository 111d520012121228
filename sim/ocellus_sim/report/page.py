"""The page: one HTML file that needs nothing else, from the templates beside this module."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ocellus_sim.app.timeline_chart import NARROW, WIDE
from ocellus_sim.counted import count
from ocellus_sim.drawing import PALETTE, STYLE

from . import planned, tally, timeline, trend
from .figures import Figures
from .words import duration, share


def page(figures: Figures, trace: str | None) -> str:
    """The HTML; ``trace`` is the address of the timeline's trace."""
    environment = Environment(
        loader=PackageLoader("ocellus_sim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(count=count, duration=duration, share=share)
    chosen = timeline.chosen(figures.campaign.runs)
    sizes = ((WIDE, "speed-wide"), (NARROW, "speed-narrow"))
    curves = [trend.chart(figures.trend, width, name) for width, name in sizes]
    return environment.get_template("page.html").render(
        f=figures,
        campaign=figures.campaign,
        style=Markup(PALETTE + STYLE + environment.get_template("page.css").render()),
        circumstances=tally.circumstances(figures.campaign),
        frames=tally.frames(figures.campaign.runs),
        tests=tally.tests(figures.campaign.runs),
        stages=planned.by_stage(figures.features),
        timeline=[Markup(picture) for picture in timeline.pictures(chosen[1])] if chosen else None,
        timed=chosen[0] if chosen else None,
        curves=[Markup(curve.svg()) for curve in curves if curve],
        trace=trace,
    )
