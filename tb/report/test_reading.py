"""What lies in a campaign's folder is read whole, or refused in a sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ocellus.errors import BadInput
from ocellus_sim.report.reading import Campaign

from .campaigns import job, mixed, passing, result, write_campaign


def report(*homes: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """`make report`, without make."""
    env = {**os.environ, "RUN": " ".join(str(home) for home in homes)}
    command = [sys.executable, "-m", "ocellus_sim.report"]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120)


def test_the_command_writes_three_files_and_says_the_verdict(tmp_path: Path):
    home = mixed(tmp_path / "night")
    done = report(home, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 of 6 runs did not pass")
    assert {"report.html", "results.json", "junit.xml"} <= {path.name for path in home.iterdir()}
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_the_last_campaign_is_reported_by_default(tmp_path: Path):
    home = passing(tmp_path / "build" / "regress" / "nightly-1")
    (home.parent / "latest").symlink_to(home.name)
    assert report(cwd=tmp_path).returncode == 0
    assert (home / "report.html").exists()


def test_a_name_alone_is_looked_for_among_the_campaigns(tmp_path: Path):
    home = passing(tmp_path / "build" / "regress" / "try")
    done = report(Path("try"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("build/regress/try/report.html, and beside it")
    assert (home / "report.html").exists()


def test_without_any_campaign_it_says_so(tmp_path: Path):
    done = report(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "ocellus: RUN: found no campaign in build/regress, allowed the folder of one; `make regress` makes one\n"
    )


def test_a_folder_that_is_no_campaign_is_refused_in_a_sentence(tmp_path: Path):
    done = report(tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"ocellus: RUN: found no campaign.json in {tmp_path}, allowed a campaign's folder\n"
    assert list(tmp_path.iterdir()) == []


def lines_of(home: Path, change: Callable[[list[str]], list[str]]) -> Path:
    path = home / "results.jsonl"
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))
    return home


def test_a_last_line_that_was_cut_off_is_no_result(tmp_path: Path):
    home = lines_of(passing(tmp_path / "night"), lambda lines: [*lines[:-1], lines[-1][:40]])
    assert [run.outcome for run in Campaign.read([home]).runs] == ["passed", "no result"]
    whole_but_for_its_end = lines_of(passing(tmp_path / "other"), lambda lines: [lines[0], lines[1][:-1]])
    assert [run.outcome for run in Campaign.read([whole_but_for_its_end]).runs] == ["passed", "no result"]


def test_a_broken_line_in_the_middle_is_refused(tmp_path: Path):
    home = lines_of(passing(tmp_path / "night"), lambda lines: [lines[0][:40] + "\n", lines[1]])
    with pytest.raises(BadInput) as refused:
        Campaign.read([home])
    assert str(refused.value) == f"{home}/results.jsonl: line 1: found no result in it, allowed a result a line"
    assert report(home, cwd=tmp_path).returncode == 2


def test_a_result_of_a_job_that_nobody_planned_is_refused(tmp_path: Path):
    home = write_campaign(tmp_path / "night", [job("line", 1)], [result(job("line", 11))])
    with pytest.raises(BadInput, match=r"line 1: found a result of line-11-10, allowed jobs of campaign\.json"):
        Campaign.read([home])


@pytest.mark.parametrize("text", ["{", "[]", '{"jobs": [{"name": "x"}]}', '{"suite": "smoke"}'])
def test_a_campaign_json_of_something_else_is_refused(tmp_path: Path, text: str):
    home = passing(tmp_path / "night")
    (home / "campaign.json").write_text(text)
    with pytest.raises(BadInput, match="allowed what a campaign wrote"):
        Campaign.read([home])


def test_counts_of_something_else_are_refused(tmp_path: Path):
    home = passing(tmp_path / "night")
    (home / "coverage.json").write_text(json.dumps({"total": {"lines": 3}, "files": []}))
    with pytest.raises(BadInput, match="allowed counts of lines and branches"):
        Campaign.read([home])


def test_of_two_results_of_a_job_the_first_counts(tmp_path: Path):
    one = job("line")
    home = write_campaign(tmp_path / "night", [one], [result(one, "failed", "x", "y"), result(one)])
    assert [run.outcome for run in Campaign.read([home]).runs] == ["failed"]


def test_shards_are_one_campaign_and_a_job_of_both_counts_once(tmp_path: Path):
    jobs = [job("line", seed) for seed in (1, 11, 21, 31)]
    one = write_campaign(tmp_path / "1", jobs[:3], [result(jobs[0])])
    two = write_campaign(tmp_path / "2", jobs[2:], [result(jobs[2]), result(jobs[3], "failed", "x", "y")])
    campaign = Campaign.read([one, two])
    assert {run.job.seed: (run.outcome, run.home.name) for run in campaign.runs} == {
        1: ("passed", "1"), 11: ("no result", "1"), 21: ("passed", "2"), 31: ("failed", "2"),
    }  # fmt: skip
    assert report(one, two, cwd=tmp_path).stdout.startswith("2 of 4 runs did not pass")
    assert (one / "report.html").exists()
    other = passing(tmp_path / "3", commit="fedcba987654")
    with pytest.raises(BadInput, match=r"found commit fedcba987654 in .*, allowed 0123456789ab, as in"):
        Campaign.read([one, other])


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path):
    home = passing(tmp_path / "night")
    (home / "report.html").mkdir()
    done = report(home, cwd=tmp_path)
    assert done.returncode == 2
    assert "allowed a folder that can be written" in done.stderr
