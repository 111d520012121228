"""Processes that never outlive us: each is held by a pipe that the system closes when we are gone."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")


class Stopped(RuntimeError):  # noqa: N818 - nothing is wrong
    """The process was ended because nobody wants its result any more."""


class Children:
    """What a campaign, or a worker, has running. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        seconds: float,
        wanted: Callable[[], bool] = lambda: True,
        each_second: Callable[[], None] = lambda: None,
    ) -> int | None:
        """Status of the command, 128 + n for signal n; None when it took longer than ``seconds`` and was killed.

        Parameters
        ----------
        log
            Takes its output.
        wanted
            Asked about once a second.
        each_second
            Called as often: for progress.

        Raises
        ------
        Stopped
            After `stop`, or when it is not wanted any more.
        """
        end = time.monotonic() + seconds
        with log.open("wb") as out:
            with self._lock:
                if self._stopped:
                    raise Stopped
                process = subprocess.Popen(
                    [sys.executable, "-S", str(KEEPER), *command],
                    cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT,
                    start_new_session=True,  # a terminal's Ctrl-C is for the campaign, which then ends its children
                )  # fmt: skip
                self._running.add(process)
            try:
                while True:
                    try:
                        status = process.wait(timeout=max(0.0, min(1.0, end - time.monotonic())))
                        break
                    except subprocess.TimeoutExpired:
                        each_second()
                        if not wanted():
                            self._end(process)
                            raise Stopped from None
                        if time.monotonic() >= end:
                            self._end(process)
                            return None
            finally:
                with self._lock:
                    self._running.discard(process)
                self._end(process)
        if self._stopped:
            raise Stopped
        return status

    def stop(self) -> None:
        """End all, and start no more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                assert process.stdin is not None
                process.stdin.close()

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
