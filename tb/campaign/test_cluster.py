"""The same campaign on a real scheduler with workers, one of which is killed in mid-run."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import none_left, with_word
from .tiny import ROOT, begin, end, lines, passed, planned


class Cluster:
    """A scheduler and its workers, each a process with a folder of its own, as if on hosts of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.address = f"tcp://127.0.0.1:{self._scheduler()}"
        self.workers = [self._worker(name) for name in ("one", "two")]

    def _start(self, name: str, *command: str, **env: str) -> subprocess.Popen[bytes]:
        folder = self.folder / name
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=folder, stdout=log, stderr=subprocess.STDOUT,
                env=os.environ | env, start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)
        return process

    def _scheduler(self) -> int:
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.scheduler = self._start("scheduler", "distributed.cli.dask_scheduler", *options)
        until = time.monotonic() + 60
        while not (found := re.search(rb"tcp://127\.0\.0\.1:(\d+)", (self.folder / "scheduler" / "log").read_bytes())):
            assert time.monotonic() < until, (self.folder / "scheduler" / "log").read_text()
            time.sleep(0.1)
        return int(found[1])

    def _worker(self, name: str) -> subprocess.Popen[bytes]:
        """No compiler on its path, and a store of builds of its own, which is empty: it must not build."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name)
        local = ("--local-directory", str(self.folder / name))
        (self.folder / "bin").mkdir(exist_ok=True)
        env = {"PATH": str(self.folder / "bin"), "OCELLUS_BUILD": str(self.folder / name / "build")}
        return self._start(name, "distributed.cli.dask_worker", self.address, *options, *local, **env)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    made = Cluster(tmp_path)
    yield made
    made.close()


def busy(cluster: Cluster, name: str) -> bool:
    """Whether a job runs in a worker's folder."""
    return bool(with_word(f"OCELLUS_RUN_FOLDER={cluster.folder / name}"))


def wait_until_busy(cluster: Cluster, name: str, campaign: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 400
    while not busy(cluster, name):
        assert campaign.poll() is None, campaign.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_worker_killed_in_mid_run_costs_no_result_and_none_counts_twice(cluster: Cluster, tmp_path: Path):
    path = tmp_path / "c"
    names = planned(path, 5)
    campaign = begin(OUT=path, EXECUTOR="dask", SCHEDULER=cluster.address)
    wait_until_busy(cluster, "one", campaign)
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    assert none_left(f"OCELLUS_RUN_FOLDER={cluster.folder / 'one'}"), "the job outlived its worker"
    status, screen, said = end(campaign)
    assert (status, said) == (0, ""), screen
    assert lines(path) == dict.fromkeys(names, 1)
    assert passed(path) == set(names)
    assert all((path / "runs" / name / "result.json").exists() for name in names)
    built = [found for name in ("one", "two") for found in (cluster.folder / name).rglob("build.log")]
    assert len(built) <= 2, "what was sent, and nothing that was built"
    assert not (cluster.folder / "two" / "build" / "cosim").exists()


def test_an_interrupted_campaign_leaves_nothing_running_on_the_workers(cluster: Cluster, tmp_path: Path):
    path = tmp_path / "c"
    planned(path, 2, frames=50)
    campaign = begin(OUT=path, EXECUTOR="dask", SCHEDULER=cluster.address)
    wait_until_busy(cluster, "two", campaign)
    campaign.send_signal(signal.SIGINT)
    status, _, said = end(campaign, 60)
    assert (status, said.count("\n")) == (130, 1), said
    assert none_left("OCELLUS_RUN_FOLDER=" + str(cluster.folder), 30)
    assert lines(path) == {}


def test_a_scheduler_that_goes_away_ends_the_campaign_with_a_sentence(cluster: Cluster, tmp_path: Path):
    path = tmp_path / "c"
    planned(path, 2, frames=50)
    campaign = begin(OUT=path, EXECUTOR="dask", SCHEDULER=cluster.address)
    wait_until_busy(cluster, "one", campaign)
    cluster.scheduler.kill()
    status, screen, said = end(campaign, 120)
    assert status == 1, screen
    assert said.startswith("ocellus: SCHEDULER: found it gone in mid-run")
    assert f"go on with: make regress EXECUTOR=dask SCHEDULER={cluster.address} OUT={path}" in said
    assert said.count("\n") == 1
    assert "2 no result" in screen


def test_the_package_asks_for_dask_only_where_it_is_wanted():
    """Who runs campaigns on one machine need not have it."""
    code = "import sys, ocellus_sim.campaign.__main__ as m; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
