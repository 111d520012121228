"""What a dask worker does with a job: unpack what it needs, run it, send back result and files."""

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import get_client, get_worker

from . import sources
from .children import Children
from .job import Job
from .parcels import Parcel, gather
from .work import Order, never_ran, perform

SHELF = "ocellus"
"""Where parcels lie with the scheduler, as metadata: workers come and go, and with them what they hold."""


@dataclass(frozen=True)
class Errand:
    """A job on its way; parcels are named by their digests.

    Attributes
    ----------
    sources : str
        Digest of the campaign's sources.
    campaign : str
        On whose part of the shelf its parcels lie: another campaign takes its own away when it ends.
    simulator : str
        Parcel with the build's folder; empty for a stage.
    program : str
        Parcel with the network's program.
    files : mapping
        Of what the variables name: the parcel and the file in it.
    """

    job: Job
    sources: str
    campaign: str
    coverage: bool = False
    simulator: str = ""
    program: str = ""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)


@cache
def _children() -> Children:
    """Of this worker, which may do several jobs at once; they end when it does, however it ends."""
    return Children()


def run(errand: Errand) -> tuple[str, bytes]:
    """The line of the result, and the files that were left."""
    here, job = Path(get_worker().local_directory) / "ocellus", errand.job
    if (found := sources.digest(tests=job.kind == "stage")) != errand.sources:
        said = f"{socket.gethostname()}: found sources {found}, allowed {errand.sources}, those of the campaign"
        return never_ran(job, said, socket.gethostname()).line(), b""

    def fetch(digest: str) -> Path:
        return _fetch(errand.campaign, digest, here / "parcels")

    order = Order(
        job,
        fetch(errand.simulator) if errand.simulator else None,
        {name: str(fetch(parcel) / file) for name, (parcel, file) in errand.files.items()},
        errand.coverage,
        here / "build",
    )
    if errand.program:
        _shelve(fetch(errand.program), here / "build" / "programs")
    folder = here / "runs" / f"{job.name}-{uuid4().hex[:8]}"
    try:
        result = perform(order, folder, _children(), _still_wanted())
        return result.line(), gather(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _still_wanted() -> Callable[[], bool]:
    """Whether the scheduler wants this task: it lets go of it when the campaign is interrupted, or gone."""
    worker = get_worker()
    tasks, key = worker.state.tasks, worker.get_current_task()
    return lambda: key in tasks and tasks[key].state == "executing"


def _fetch(campaign: str, digest: str, store: Path) -> Path:
    """The folder of a parcel, asked for where it is not here yet."""
    if (store / digest).is_dir():
        return store / digest
    client: Any = get_client()  # its methods are typed as if they were always awaited
    data = client.get_metadata([SHELF, campaign, digest])
    return Parcel(digest, data).unpack(store)


def _shelve(folder: Path, programs: Path) -> None:
    """Programs lie where a run looks for them."""
    programs.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        part = programs / f"{path.name}.{uuid4().hex[:8]}"
        shutil.copyfile(path, part)
        part.replace(programs / path.name)
