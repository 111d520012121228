"""The executor of many machines: a dask scheduler hands the jobs to its workers, and to others when one dies."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import Client, Future
from distributed.comm.core import connect as knock_at
from distributed.scheduler import KilledWorker

from ocellus.errors import BadInput

from . import errand, sources
from .errand import SHELF, Errand
from .executor import LostExecutor
from .folder import RUNS, writing
from .job import Job, Result
from .models import Model
from .parcels import Parcel, scatter
from .plan import ROOT
from .work import Order, never_ran

CONNECT_SECONDS = 5
POLL_SECONDS = 0.2


class DaskExecutor:
    """Workers of a scheduler; their runs' files are fetched into ``folder``.

    Parameters
    ----------
    folder
        The campaign's.
    client
        Of the scheduler: `connect`; closed by `stop`.
    models
        By the jobs' names; simulators and programs are sent as bytes, once.
    """

    def __init__(self, folder: Path, client: Client, models: Mapping[str, Model]) -> None:
        self._folder, self._models = folder, models
        self._client: Any = client  # its methods are typed as if they were always awaited
        self._campaign = uuid4().hex[:8]
        self._parcels: dict[tuple[tuple[str, Path], ...], str] = {}
        self._futures: dict[Future, Job] = {}

    @property
    def width(self) -> int:
        """Threads of all workers together."""
        return sum(self._client.nthreads().values())

    @property
    def running(self) -> list[Job]:
        """Jobs that are with a worker."""
        with_workers = {key for keys in self._client.processing().values() for key in keys}
        return [job for future, job in self._futures.items() if future.key in with_workers]

    def results(self, orders: Sequence[Order], patience: float) -> Iterator[Result | None]:
        """Each result as it comes; None after every ``patience`` seconds without one."""
        for place, order in enumerate(orders):
            future = self._client.submit(
                errand.run, self._errand(order), key=f"{order.job.name}-{self._campaign}", priority=-place, pure=False
            )
            self._futures[future] = order.job
        heard = time.monotonic()
        while self._futures:
            for future in [future for future in self._futures if future.done()]:
                result = self._result(future)
                del self._futures[future]
                heard = time.monotonic()
                yield result
            if self._client.status != "running" and self._client.status != "connecting":
                raise self._lost()
            time.sleep(POLL_SECONDS)
            if time.monotonic() - heard > patience:
                heard = time.monotonic()
                yield None

    def stop(self) -> None:
        """Let go of all jobs: the workers end those that they have begun."""
        with contextlib.suppress(Exception):  # the scheduler may be what is gone
            self._client.cancel(list(self._futures))
            for digest in self._parcels.values():
                self._client.set_metadata([SHELF, self._campaign, digest], b"")
        self._client.close(timeout=2)

    def _lost(self) -> LostExecutor:
        return LostExecutor("SCHEDULER: found it gone in mid-run, allowed one that stays until the last job is done")

    def _errand(self, order: Order) -> Errand:
        job, model = order.job, self._models.get(order.job.name, Model())
        files = {}
        for value in job.variables.values():
            if (path := ROOT / value).is_file():
                beside = path.with_suffix(".json")  # a network's description
                names = {p.name: p for p in (path, beside) if p.is_file()}
                files[value] = (self._sent(names), path.name)
        build = {p.name: p for p in sorted(order.simulator.iterdir()) if p.is_file()} if order.simulator else {}
        program = Path(model.program)
        return Errand(
            job, sources.digest(tests=job.kind == "stage"), self._campaign, order.coverage, self._sent(build),
            self._sent({program.name: program}) if model.program else "", files,
        )  # fmt: skip

    def _sent(self, files: Mapping[str, Path]) -> str:
        """The digest of a parcel that lies with the scheduler; empty for no files."""
        if not files:
            return ""
        key = tuple(sorted(files.items()))
        if key not in self._parcels:
            parcel = Parcel.pack(files)
            self._client.set_metadata([SHELF, self._campaign, parcel.digest], parcel.data)
            self._parcels[key] = parcel.digest
        return self._parcels[key]

    def _result(self, future: Future) -> Result:
        """What a worker sent, its files unpacked; an error where none was left to send anything."""
        job = self._futures[future]
        try:
            line, files = future.result(timeout=60)
        except KilledWorker as error:
            return never_ran(job, f"{error.allowed_failures + 1} workers died while they did it", "")
        except Exception as error:  # whatever went wrong over there
            if future.status in ("cancelled", "lost"):
                raise self._lost() from None
            return never_ran(job, f"the worker said: {type(error).__name__}: {error}", "")
        result = Result.from_line(line)
        if not files:
            return result
        with writing(self._folder / RUNS):
            scatter(files, self._folder / RUNS / job.name)
        return replace(result, folder=f"{RUNS}/{job.name}")


def connect(address: str) -> Client:
    """A client of the scheduler; :class:`BadInput` when nobody answers within some seconds."""

    async def knock() -> None:
        (await knock_at(address, timeout=CONNECT_SECONDS)).abort()

    for name in ("distributed", "distributed.client"):  # what they complain about is told in a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        # First by hand: a client that failed would go on complaining, and what answers may be no scheduler at all.
        asyncio.run(asyncio.wait_for(knock(), CONNECT_SECONDS))
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception:
        raise BadInput(f"SCHEDULER: no dask scheduler answers at {address} within {CONNECT_SECONDS} s") from None
