"""The three files of a report, each put into its place whole."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ocellus.errors import BadInput

from . import timeline
from .figures import Figures
from .junit import junit
from .page import page
from .reading import Campaign

PAGE, RESULTS, JUNIT = "report.html", "results.json", "junit.xml"


def write(folder: Path, *shards: Path) -> Figures:
    """``report.html``, ``results.json`` and ``junit.xml`` in ``folder``, of the campaign there and its other shards.

    :class:`BadInput` when a folder is no campaign's, or a file of it cannot be read or written.
    """
    figures = Figures.of(Campaign.read([folder, *shards]))
    try:
        chosen = timeline.chosen(figures.campaign.runs)
        trace = timeline.write_trace(folder, *chosen) if chosen else None
        for name, text in (
            (RESULTS, json.dumps(figures.as_json(), indent=1) + "\n"),
            (JUNIT, junit(figures.campaign)),
            (PAGE, page(figures, trace)),
        ):
            _put(folder / name, text)
    except OSError as error:
        raise BadInput(f"{folder}: found {error.strerror}, allowed a folder that can be written") from None
    return figures


def _put(path: Path, text: str) -> None:
    """Whole or not at all; who reads the old one meanwhile goes on reading it."""
    part = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        part.write_text(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def latest(campaigns: Path) -> Sequence[Path]:
    """The campaign that began last."""
    link = campaigns / "latest"
    if (link / "campaign.json").is_file():
        return [link.resolve()]
    raise BadInput(f"RUN: found no campaign in {campaigns}, allowed the folder of one; `make regress` makes one")
