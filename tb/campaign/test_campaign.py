"""Campaigns of small frames: they pass, are interrupted, killed, resumed; nothing is lost or left behind."""

import json
import shutil
import signal
from pathlib import Path

from ocellus_sim.campaign import folder as folders

from .processes import none_left
from .tiny import begin, end, lines, passed, planned, wait_for


def test_a_campaign_that_is_killed_leaves_no_process_and_is_resumed(tmp_path: Path):
    path = tmp_path / "c"
    first, second = planned(path, 2)
    campaign = begin(OUT=path, JOBS=1)
    wait_for(path / "runs" / second)
    campaign.kill()
    campaign.communicate()
    assert none_left(str(path / "runs"))
    assert lines(path) == {first: 1}
    shutil.rmtree(path / "runs" / second)
    campaign = begin(OUT=path, JOBS=1)
    wait_for(path / "runs" / second)
    status, _, said = end(begin(OUT=path))
    assert (status, said.count("\n")) == (2, 1)
    assert "which the campaign with process number" in said
    status, screen, said = end(campaign)
    assert (status, said) == (0, "")
    assert "2 passed of 2 jobs, 2 frames" in screen
    assert lines(path) == {first: 1, second: 1}
    assert passed(path) == {first, second}
    assert not (path / "runs" / first / "output.log").exists()
    facts = folders.results(path)[first].facts
    assert (facts["bit_exact"], facts["width"], facts["frames"]) == (True, 384, 1)


def test_ctrl_c_ends_all_and_says_how_to_go_on(tmp_path: Path):
    path = tmp_path / "c"
    (name,) = planned(path, 1, frames=50)
    campaign = begin(OUT=path)
    wait_for(path / "runs" / name)
    campaign.send_signal(signal.SIGINT)
    status, _, said = end(campaign, 60)
    assert status == 130
    assert said == f"ocellus: interrupted; go on with: make regress OUT={path}\n"
    assert none_left(str(path / "runs"))
    assert lines(path) == {}


def test_what_did_not_pass_is_told_kept_and_run_again(tmp_path: Path):
    """A mode that does not exist is refused by the run; its neighbour passes all the same."""
    path = tmp_path / "c"
    good, bad = planned(path, 2)
    facts = json.loads((path / folders.PLANNED).read_text())
    facts["jobs"][1]["variables"]["MODE"] = "video"
    (path / folders.PLANNED).write_text(json.dumps(facts))
    status, screen, _ = end(begin(OUT=path))
    assert status == 1
    assert "1 passed, 1 error of 2 jobs" in screen
    result = folders.results(path)[bad]
    assert (result.status, passed(path)) == ("error", {good})
    assert "MODE: found 'video', allowed metadata" in result.message
    assert result.repeat == "make sim SIZE=384x216 CONFIG=tiny MODE=video SEED=200"
    status, screen, _ = end(begin(OUT=path, RERUN="failed", LIST=1))
    assert status == 0
    assert "1 job, 1 frame;" in screen
    assert bad in screen
    assert good not in screen
    status, _, said = end(begin(OUT=path, SUITE="nightly"))
    assert status == 2
    assert said.startswith("ocellus: SUITE: found 'nightly', allowed none, with which the campaign")


def test_a_campaign_of_other_sources_is_not_resumed(tmp_path: Path):
    path = tmp_path / "c"
    planned(path, 1)
    facts = json.loads((path / folders.PLANNED).read_text())
    (path / folders.PLANNED).write_text(json.dumps(facts | {"sources": "0" * 16}))
    status, _, said = end(begin(OUT=path))
    assert status == 2
    assert said.startswith(f"ocellus: OUT: found {path}, which began with other sources (commit ")
    assert not (path / "runs").exists()
