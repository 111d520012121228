"""A suite becomes jobs: as many frames as the plan says, the same on every machine, dealt to shards with none left."""

from collections import Counter

import pytest

from ocellus.errors import BadInput
from ocellus_sim.campaign import suite
from ocellus_sim.campaign.job import Job
from ocellus_sim.campaign.options import Options
from ocellus_sim.campaign.plan import Feature, NamedRun, Plan, Stage
from ocellus_sim.campaign.suite import Costs, longest_first

PLAN = Plan(
    [Stage("isp", 90, {"nightly": 2, "weekly": 4}), Stage("link", 30, {"smoke": 1, "nightly": 1})],
    [
        NamedRun("line", "", {}, 1001, {"smoke": 2, "nightly": 25}),
        NamedRun("small", "", {"SIZE": "384x216"}, 1, {"nightly": 10}),
        NamedRun("photograph", "", {"FRAME": "no/such.jpg"}, 1, {"nightly": 1}),
    ],
    [Feature("isp", "it shines", ["line"], "done")],
)


def jobs(**variables: str) -> list[Job]:
    return suite.jobs(PLAN, Options.read(variables))[0]


def test_a_suite_has_the_plans_stages_and_frames_in_jobs_of_a_few():
    found = {job.name: job for job in jobs(SUITE="nightly")}
    assert set(found) == {"isp-1", "isp-2", "link-1", "line-1001-10", "line-1011-10", "line-1021-5", "small-1-10"}
    assert found["line-1021-5"].seed + found["line-1021-5"].frames == 1001 + 25
    assert found["small-1-10"].variables == {"SIZE": "384x216"}
    assert (found["isp-2"].kind, found["isp-2"].seed) == ("stage", 2)
    assert {job.name for job in jobs()} == {"link-1", "line-1001-2"}


def test_a_run_whose_files_are_not_there_is_left_out_and_that_is_told():
    _, told = suite.jobs(PLAN, Options.read({"SUITE": "nightly"}))
    assert told == ["photograph: left out, no/such.jpg is not there"]


def test_seeds_are_a_test_s_frames_or_runs():
    frames = Counter()
    for job in jobs(SUITE="nightly", SEEDS="12"):
        frames[job.test] += max(job.frames, 1)
    assert frames == {"isp": 12, "link": 12, "line": 12, "small": 12}


def test_a_filter_takes_names_that_hold_it_and_is_refused_where_none_does():
    assert {job.test for job in jobs(SUITE="nightly", FILTER="li")} == {"link", "line"}
    with pytest.raises(BadInput, match="FILTER: found 'small', allowed parts of link, line"):
        jobs(FILTER="small")


def test_the_longest_come_first_and_what_was_measured_counts():
    costs = [job.cost for job in jobs(SUITE="nightly")]
    assert costs == sorted(costs, reverse=True)
    known = longest_first(jobs(SUITE="nightly"), Costs({"small": 100.0, "isp": 5.0}))
    assert known[0].name == "small-1-10"
    assert known[0].cost == 1000.0
    assert {job.cost for job in known if job.test == "isp"} == {5.0}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_shards_are_complete_and_disjoint(count: int):
    whole = [job.name for job in jobs(SUITE="nightly")]
    assert len(whole) == 7
    parts = [[job.name for job in jobs(SUITE="nightly", SHARD=f"{i}/{count}")] for i in range(1, count + 1)]
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shards_do_not_depend_on_what_was_measured_here():
    """Another machine has other campaigns behind it; its shard must be the rest all the same."""
    names = {job.name for job in jobs(SUITE="nightly", SHARD="1/2")}
    known = longest_first(jobs(SUITE="nightly", SHARD="1/2"), Costs({"small": 1000.0}))
    assert {job.name for job in known} == names
