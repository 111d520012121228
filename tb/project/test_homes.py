"""Every stage has its four homes under one name, and every page is on the map."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("readout", "isp", "tensor", "cnn", "metadata", "link")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_gateware_golden_model_test_and_page(stage: str):
    for home in (
        f"hdl/ocellus_hdl/{stage}/{stage}.py",
        f"sim/ocellus_sim/golden/{stage}.py",
        f"tb/{stage}/test_{stage}.py",
        f"docs/{stage}.md",
    ):
        assert (ROOT / home).is_file(), f"{home} is missing"


def test_every_page_is_on_the_map():
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    index = (ROOT / "docs" / "index.md").read_text()
    assert pages
    assert sorted(page for page in pages if f"]({page})" not in index) == []


def test_files_stay_short_enough_to_read():
    """The house's limit; files made by tools live elsewhere."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("host", "sim", "hdl", "tb", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 350
    }
    assert long == {}
