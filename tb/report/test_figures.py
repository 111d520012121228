"""What a report counts: outcomes, features, situations, speed; each worked out by hand for a small campaign."""

import json
from pathlib import Path

import pytest

from ocellus_sim.campaign.plan import Feature, Plan
from ocellus_sim.counted import count
from ocellus_sim.report import tally, words, write
from ocellus_sim.report.figures import Figures
from ocellus_sim.report.planned import seen, verdicts
from ocellus_sim.report.reading import Campaign
from ocellus_sim.report.situations import groups
from ocellus_sim.report.trend import chart, trend

from .campaigns import job, mixed, passing, result, stage_tests, write_campaign


def test_outcomes_are_counted_and_what_did_not_pass_comes_first(tmp_path: Path):
    campaign = Campaign.read([mixed(tmp_path / "night")])
    assert tally.outcomes(campaign.runs) == {"passed": 2, "failed": 2, "error": 1, "no result": 1}
    rows = tally.rows(campaign, {"line": "4K frames"})
    assert [row.good for row in rows] == [False, False, False, False, True]
    line = next(row for row in rows if row.test == "line")
    assert (line.shows, line.frames, line.counts["passed"], line.counts["error"]) == ("4K frames", 10, 1, 1)
    assert {row.test: row.tests for row in rows}["host"] == 5


def test_a_feature_is_shown_only_when_every_one_of_its_tests_ran_and_passed(tmp_path: Path):
    names = {
        "shown": ("link::test_a_line", "link::test_a_pixel"), "failing": ("link::test_a_pixel", "host::test_bytes"),
        "partly run": ("link::test_a_pixel", "isp::test_a_pixel"), "not run": ("link::test_a_frame", "image"),
        "missing": (),
    }  # fmt: skip
    plan = Plan((), (), [Feature("link", name, tests, "done" if tests else "missing") for name, tests in names.items()])
    found = seen(plan, Campaign.read([mixed(tmp_path / "night")]).runs)
    assert [item.shown for item in found] == list(names)
    assert found[1].failing == ["host::test_bytes"]
    assert found[3].absent == ["link::test_a_frame", "image"], "skipped, and without a result: neither was shown"


def test_a_test_passes_only_when_it_did_with_every_parameter_and_seed(tmp_path: Path):
    jobs = [job("link", 1, "stage"), job("link", 2, "stage"), job("line", 1), job("line", 11)]
    results = [
        result(jobs[0], tests=stage_tests()),
        result(jobs[1], "failed", "x", "y", tests=[*stage_tests(), *stage_tests("test_a_line[5-6]")[-1:]]),
        result(jobs[2]),
        result(jobs[3], "error", "it died", "make sim"),
    ]
    found = verdicts(Campaign.read([write_campaign(tmp_path / "night", jobs, results)]).runs)
    assert found == {"link::test_a_line": False, "link::test_a_pixel": True, "line": False}


def test_situations_are_summed_over_runs_and_held_against_the_plan(tmp_path: Path):
    plan = tmp_path / "coverage.toml"
    plan.write_text(
        '[[group]]\nname = "stalls"\ntitle = "Stalls"\n[group.points]\n'
        '"readout none" = "moves"\n"readout in" = "owes"\n"readout out" = "waits"\n'
    )
    jobs = [job("line", 1), job("line", 11)]
    campaign = Campaign.read([write_campaign(tmp_path / "night", jobs, [result(j) for j in jobs])])
    stalls, modes = groups(campaign.runs, plan)
    assert {point.name: point.hits for point in stalls.points} == {
        "readout none": 4, "readout in": 0, "readout out": 0,
    }  # fmt: skip
    assert [point.name for point in stalls.missed] == ["readout in", "readout out"]
    assert (modes.name, modes.points[0].hits) == ("modes", 2)


def test_speed_is_pixels_over_seconds_and_is_held_against_the_campaign_before(tmp_path: Path):
    passing(tmp_path / "a", "2026-02-01T00:00:00+00:00", seconds=82.944)
    passing(tmp_path / "b", "2026-02-02T00:00:00+00:00", seconds=41.472)
    passing(tmp_path / "later", "2026-04-01T00:00:00+00:00", seconds=1.0)
    passing(tmp_path / "counted", "2026-02-03T00:00:00+00:00", seconds=800.0, coverage=True)
    (passing(tmp_path / "broken", "2026-02-04T00:00:00+00:00") / "results.jsonl").write_text("{}\n{}\n")
    found = trend(Campaign.read([passing(tmp_path / "now", seconds=20.736)]))
    (speed,) = found.speeds
    assert (speed.test, speed.frames) == ("line", 10)
    assert speed.now == pytest.approx(4.0)
    assert speed.before == pytest.approx(2.0)
    assert speed.change == "+100 %"
    assert [name for _, name, _ in found.history] == ["a", "b", "now"]
    drawing = chart(found, 1120, "speed")
    assert drawing is not None
    assert drawing.svg().count("<circle") == 3
    assert chart(trend(Campaign.read([passing(tmp_path / "elsewhere" / "alone")])), 1120, "speed") is None


def test_results_json_says_what_the_page_says(tmp_path: Path):
    home = mixed(tmp_path / "night")
    figures = write(home)
    found = json.loads((home / "results.json").read_text())
    assert isinstance(figures, Figures)
    assert found["verdict"] == figures.sentence
    assert found["passed"] is False
    assert found["counts"] == {"passed": 2, "failed": 2, "error": 1, "no result": 1}
    assert {run["name"]: run["outcome"] for run in found["runs"]} == {
        "line-1-10": "passed", "small-21-10": "failed", "line-11-10": "error", "image-31-10": "no result",
        "link-1": "passed", "host-1": "failed",
    }  # fmt: skip
    assert (found["frames"], found["tests"]) == (20, 8)
    assert found["megapixels_per_second"] == {"line": pytest.approx(4.147), "small": pytest.approx(4.147)}


def test_numbers_read_well():
    assert [words.duration(s) for s in (0.424, 0.996, 9.94, 12.4, 59.6, 200, 7500)] == [
        "0.42 s", "1.0 s", "9.9 s", "12 s", "1 min 00 s", "3 min 20 s", "2 h 05 min",
    ]  # fmt: skip
    assert (count(1, "frame"), count(2300, "frame")) == ("1 frame", "2,300 frames")
    assert (words.share(9999, 10000), words.share(3, 3), words.share(0, 0)) == ("99.9 %", "100 %", "-")
