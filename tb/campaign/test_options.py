"""What may be typed behind `make regress`; the rest is refused in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocellus.errors import BadInput
from ocellus_sim.campaign.options import NAMES, Options

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_given_is_the_smoke_suite_on_every_core():
    options = Options.read({"HOME": "/root", "SUITE": ""})
    assert (options.suite, options.seeds, options.executor, options.shard) == ("smoke", None, "local", (1, 1))
    assert options.jobs == len(os.sched_getaffinity(0))
    assert (options.rerun, options.list_only, options.coverage, options.out) == (False, False, False, None)


def test_everything_given_is_read():
    given = {"SUITE": "weekly", "SEEDS": "7", "FILTER": "net", "COV": "1", "SHARD": "2/8", "OUT": "a/b", "LIST": "1"}
    options = Options.read({**given, "EXECUTOR": "dask", "SCHEDULER": "tcp://head:8786"})
    assert (options.suite, options.seeds, options.filter, options.coverage) == ("weekly", 7, "net", True)
    assert (options.shard, options.out, options.list_only) == ((2, 8), Path("a/b"), True)
    assert (options.executor, options.scheduler) == ("dask", "tcp://head:8786")


def test_what_goes_on_goes_on_where_it_was():
    options = Options.read({"SUITE": "weekly", "EXECUTOR": "dask", "SCHEDULER": "tcp://head:8786"})
    assert options.go_on(Path("c")) == "make regress EXECUTOR=dask SCHEDULER=tcp://head:8786 OUT=c"
    assert Options.read({"RERUN": "failed", "JOBS": "3"}).go_on(Path("c")) == "make regress JOBS=3 OUT=c"


BAD = [
    ({"SUITE": "hourly"}, "SUITE: found 'hourly', allowed smoke, nightly, weekly"),
    ({"SEEDS": "x"}, "SEEDS: found 'x', allowed whole numbers from 1"),
    ({"SEEDS": "0"}, "SEEDS: found '0', allowed whole numbers from 1"),
    ({"JOBS": "two"}, "JOBS: found 'two', allowed whole numbers from 1"),
    ({"SHARD": "3/2"}, "SHARD: found '3/2', allowed i/n with i from 1 to n"),
    ({"SHARD": "0/2"}, "SHARD: found '0/2'"),
    ({"SHARD": "1"}, "SHARD: found '1'"),
    ({"COV": "yes"}, "COV: found 'yes', allowed 0, 1"),
    ({"LIST": "all"}, "LIST: found 'all', allowed 0, 1"),
    ({"RERUN": "all"}, "RERUN: found 'all', allowed failed"),
    ({"RERUN": "failed", "SEEDS": "3"}, "RERUN: found SEEDS beside it"),
    ({"EXECUTOR": "slurm"}, "EXECUTOR: found 'slurm', allowed local, dask"),
    ({"EXECUTOR": "dask"}, "SCHEDULER: found none, allowed with EXECUTOR=dask an address"),
    ({"EXECUTOR": "dask", "SCHEDULER": "head"}, "SCHEDULER: found 'head'"),
    ({"SCHEDULER": "tcp://head:8786"}, "SCHEDULER: found 'tcp://head:8786', allowed with EXECUTOR=dask alone"),
    ({"EXECUTOR": "dask", "SCHEDULER": "tcp://head:8786", "JOBS": "3"}, "JOBS: found '3', allowed without"),
]


@pytest.mark.parametrize(("variables", "says"), BAD)
def test_anything_else_is_refused_with_what_is_allowed(variables: dict[str, str], says: str):
    with pytest.raises(BadInput) as refusal:
        Options.read(variables)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SUITE": "hourly"}, "SUITE: found 'hourly', allowed smoke, nightly, weekly"),
        ({"FILTER": "zebra"}, "FILTER: found 'zebra', allowed parts of "),
        ({"OUT": "docs"}, "OUT: found docs, which holds "),
        ({"OUT": "Makefile"}, "OUT: found Makefile (File exists)"),
        ({"OUT": "no/such", "RERUN": "failed"}, "RERUN: found no campaign in no/such"),
        (
            {"EXECUTOR": "dask", "SCHEDULER": "tcp://127.0.0.1:9"},
            "SCHEDULER: no dask scheduler answers at tcp://127.0.0.1:9 within 5 s",
        ),
    ],
)
def test_the_command_says_one_sentence_and_ends_with_2(variables: dict[str, str], says: str):
    env = {name: value for name, value in os.environ.items() if name not in NAMES} | variables
    command = [sys.executable, "-m", "ocellus_sim.campaign"]
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2, ran.stderr
    assert ran.stderr.startswith("ocellus: " + says)
    assert ran.stderr.count("\n") == 1
    assert not (ROOT / "no").exists()
