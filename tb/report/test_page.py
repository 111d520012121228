"""The page holds what matters, parses, loads nothing, leads nowhere that is not there, and can be read."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ocellus_sim.drawing import PALETTE
from ocellus_sim.report import write
from ocellus_sim.report.reading import Campaign

from .campaigns import REPEAT, job, mixed, passing, result, write_campaign

VOID = {"meta", "img", "br", "link", "input", "hr"}
LOADS = {"src", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href"}


class Page(HTMLParser):
    """Text, anchors and addresses of a page; tags that do not close are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.identities: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.labelled: list[str] = []
        self.pieces: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.identities.append(value or "")
            elif name == "href":
                (self.loads if tag in ("link", "use", "image") else self.links).append(value or "")
            elif name == "aria-labelledby":
                self.labelled += (value or "").split()
            elif name in LOADS:
                self.loads.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th", "dt", "dd", "li", "title"):
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        """As one reads it, with single spaces."""
        return " ".join("".join(self.pieces).split())


def empty(home: Path) -> Path:
    """A campaign without a run."""
    return write_campaign(home, [], [])


def killed(home: Path) -> Path:
    """A campaign that ended before its first result."""
    return write_campaign(home, [job("line"), job("link", kind="stage")], [])


def page_of(home: Path) -> Page:
    write(home)
    return Page((home / "report.html").read_text())


@pytest.mark.parametrize("make", [mixed, passing, empty, killed])
def test_the_page_parses_loads_nothing_and_every_link_leads_somewhere(tmp_path: Path, make):
    home = make(tmp_path / "night")
    if make is mixed:
        (home / "coverage.json").write_text(json.dumps(COUNTED))
    page = page_of(home)
    assert len(set(page.identities)) == len(page.identities)
    assert set(page.labelled) <= set(page.identities)
    assert all(address.startswith("data:image/png;base64,") for address in page.loads)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "use", "image"}
    text = (home / "report.html").read_text()
    assert "@import" not in text
    assert "url(" not in text
    for address in page.links:
        if address.startswith("#"):
            assert address[1:] in page.identities, address
        elif not address.startswith("https://"):
            assert (home / address).is_file(), address


def test_what_did_not_pass_stands_there_with_message_picture_and_what_to_type(tmp_path: Path):
    home = mixed(tmp_path / "night")
    page = page_of(home)
    assert (
        "4 of 6 runs did not pass: 2 found a difference, 1 ended without a verdict, 1 left no result (commit "
        in page.text
    )
    for run in Campaign.read([home]).runs:
        if run.outcome != "passed":
            assert f"run-{run.job.name}" in page.identities
            for line in run.result.message.splitlines() if run.result else ():
                assert html.escape(line) in html.escape(page.text, quote=True)
    assert REPEAT in page.text
    assert "assert <test_words>" in page.text, "each test of a stage that failed is there, not the first alone"
    assert "the campaign was stopped, or killed" in page.text
    assert len(page.loads) == 1
    assert "runs/small-21-10/simulation.log" in page.links
    assert "4711" in page.text


def test_a_campaign_that_passed_says_so_in_a_sentence(tmp_path: Path):
    page = page_of(passing(tmp_path / "night", commit="0123456789ab-dirty"))
    assert (
        "All 2 runs passed: 10 frames through the whole sensor, equal to the golden model in every stage, "
        "and 3 tests of single stages (commit 0123456789ab, with changes; on host-a)." in page.text
    )
    assert "What did not pass" not in page.text
    assert "0123456789ab, with changes that are not committed" in page.text
    assert "make regress COV=1" in page.text
    assert "timeline-wide-title" in page.identities
    assert "timeline.perfetto.json" in page.links


@pytest.mark.parametrize("make", [empty, killed])
def test_nothing_that_ran_is_never_taken_for_passed(tmp_path: Path, make):
    home = make(tmp_path / "night")
    page = page_of(home)
    assert json.loads((home / "results.json").read_text())["passed"] is False
    assert page.text.startswith("Not passed: night")
    assert ("Nothing ran" if make is empty else "2 of 2 runs did not pass: 2 left no result (commit ") in page.text
    assert "there is no frame to show" in page.text


def test_hostile_text_stays_text(tmp_path: Path):
    bad = job("line")
    home = write_campaign(
        tmp_path / "night", [bad], [result(bad, "error", "</pre><script>alert(1)</script>", "'\"<b>")]
    )
    page = page_of(home)
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text


COUNTED = {
    "total": {"lines": 40, "lines_hit": 36, "branches": 10, "branches_hit": 9},
    "files": [
        {"file": "hdl/ocellus_hdl/isp/isp.py", "stage": "isp", "lines": 30, "lines_hit": 26, "branches": 8,
         "branches_hit": 7, "missed": [12, 4, 5, 6, 12], "missed_branches": [[14, "else"]]},
        {"file": "hdl/ocellus_hdl/link/link.py", "stage": "link", "lines": 10, "lines_hit": 10, "branches": 2,
         "branches_hit": 2, "missed": []},
    ],
}  # fmt: skip


def test_lines_and_branches_are_shown_by_stage_and_file(tmp_path: Path):
    home = passing(tmp_path / "night")
    (home / "coverage.json").write_text(json.dumps(COUNTED))
    page = page_of(home)
    assert "90.0 % of 40 lines, 90.0 % of 10 branches" in page.text
    assert "4 lines and 1 branch." in page.text
    assert "hdl/ocellus_hdl/isp/isp.py 26 of 30 7 of 8 4-6, 12 14 else" in page.text


def luminance(colour: str) -> float:
    """Of WCAG 2: relative luminance of ``#rrggbb``."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_bars_stand_out_in_light_and_in_dark():
    light, dark = PALETTE.split("@media")
    for palette in (light, dark):
        colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", palette))
        assert len(colours) == 16
        for ground in ("paper", "raised"):
            for name in ("ink", "muted", "good", "bad", "warn", "link"):
                assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in ("readout", "isp", "tensor", "cnn", "metadata", "link-stage"):
            assert contrast(colours[name], colours["paper"]) >= 3, name
