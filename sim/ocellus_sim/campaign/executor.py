"""Who does the jobs: what a campaign asks of an executor, and the local one, which has processes of this machine."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from .children import Children, Stopped
from .folder import RUNS
from .job import Job, Result
from .models import Model
from .work import Order, perform


class LostExecutor(RuntimeError):  # noqa: N818 - nobody erred here
    """Whoever did the jobs is gone in mid-run; the message is a sentence for the user."""


class Executor(Protocol):
    """Does jobs in the order given, several at a time."""

    @property
    def width(self) -> int:
        """How many at a time."""
        ...

    @property
    def running(self) -> list[Job]:
        """Jobs that are being done now."""
        ...

    def results(self, orders: Sequence[Order], patience: float) -> Iterator[Result | None]:
        """Each result as it comes; None after every ``patience`` seconds without one."""
        ...

    def stop(self) -> None:
        """End what runs; nothing stays behind."""
        ...


Maker = Callable[[Path, Mapping[str, Model]], Executor]
"""Makes an executor for the campaign in a folder, whose jobs, by name, run on these models."""


class LocalExecutor:
    """Processes of this machine; their files lie in ``folder`` at once.

    Parameters
    ----------
    folder
        The campaign's.
    width
        Jobs at a time.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.width = width
        self._runs = folder.resolve() / RUNS
        self._children = Children()
        self._lock = threading.Lock()
        self._running: list[Job] = []
        self._threads: list[threading.Thread] = []

    @property
    def running(self) -> list[Job]:
        """Jobs that are being done now."""
        with self._lock:
            return list(self._running)

    def results(self, orders: Sequence[Order], patience: float) -> Iterator[Result | None]:
        """Each result as it comes; None after every ``patience`` seconds without one."""
        waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
        for order in orders:
            waiting.put(order)
        done: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(waiting, done), name=f"job {n}", daemon=True)
            for n in range(min(self.width, len(orders)))
        ]
        for thread in self._threads:
            thread.start()
        left = len(orders)
        while left:
            try:
                result = done.get(timeout=patience)
            except queue.Empty:
                yield None
                continue
            if isinstance(result, BaseException):
                raise result
            left -= 1
            yield result

    def stop(self) -> None:
        """End what runs; nothing stays behind."""
        self._children.stop()
        for thread in self._threads:
            thread.join()

    def _work(self, waiting: "queue.SimpleQueue[Order]", done: "queue.SimpleQueue[Result | BaseException]") -> None:
        while True:
            try:
                order = waiting.get_nowait()
            except queue.Empty:
                return
            with self._lock:
                self._running.append(order.job)
            try:
                folder = self._runs / order.job.name
                result = perform(order, folder, self._children)
                done.put(replace(result, folder=f"{RUNS}/{order.job.name}" if folder.exists() else ""))
            except Stopped:
                return
            except BaseException as error:  # handed to the thread that waits for results
                done.put(error)
                return
            finally:
                with self._lock:
                    self._running.remove(order.job)
