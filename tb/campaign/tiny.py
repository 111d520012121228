"""Campaigns of the smallest runs of the whole sensor that there are."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from ocellus_sim.campaign import folder as folders
from ocellus_sim.campaign.campaign import Campaign
from ocellus_sim.campaign.folder import RESULTS, Folder
from ocellus_sim.campaign.job import Job
from ocellus_sim.campaign.options import NAMES
from tb.interrupts import interruptible

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"SIZE": "384x216", "CONFIG": "tiny"}


def planned(path: Path, jobs: int, frames: int = 1, **more: str) -> list[str]:
    """A campaign's folder in which nothing has run yet; the names of its jobs."""
    campaign = Campaign(
        "smoke", False, [Job("small", "sensor", 100 * n, frames, SMALL | more, cost=5.0) for n in range(1, jobs + 1)]
    )
    with Folder(path) as folder:
        folder.plan(campaign.facts())
    return [job.name for job in campaign.jobs]


def begin(**variables: object) -> subprocess.Popen[str]:
    """`make regress`."""
    env = {name: value for name, value in os.environ.items() if name not in NAMES}
    env |= {name: str(value) for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "ocellus_sim.campaign"], cwd=ROOT, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=interruptible,
    )  # fmt: skip


def end(campaign: subprocess.Popen[str], seconds: float = 300) -> tuple[int, str, str]:
    """Status and both outputs; killed when it takes too long."""
    try:
        out, err = campaign.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        campaign.send_signal(signal.SIGKILL)
        out, err = campaign.communicate()
        raise AssertionError(f"it took more than {seconds} s\n{out}\n{err}") from None
    return campaign.returncode, out, err


def lines(path: Path) -> Counter[str]:
    """How often each job stands in the results."""
    text = (path / RESULTS).read_text() if (path / RESULTS).exists() else ""
    return Counter(json.loads(line)["job"]["name"] for line in text.splitlines())


def passed(path: Path) -> set[str]:
    """Names of jobs that passed."""
    return {name for name, result in folders.results(path).items() if result.status == "passed"}


def wait_for(path: Path, seconds: float = 300) -> None:
    """Until something is there."""
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.05)
