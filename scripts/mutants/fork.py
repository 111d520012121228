"""A simulator's process that forks: a process a mutant, some at a time, and each told of when it ends."""

import ctypes
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cocotb import _shutdown

ORDERS = "OCELLUS_MUTANTS"
"""The variable that names a file of JSON: ``bench``, ``filter``, ``mutants``, ``jobs``, ``seconds``."""
PR_SET_PDEATHSIG = 1
LOST = 99
"""Status of a forked process that did not come to its tests."""
SAID = "mutant: "


def branch(orders: dict[str, Any]) -> int | None:
    """The number of the mutant in a forked process; None in the first, when all others have ended."""
    running: dict[int, tuple[int, float]] = {}
    ended = 0
    for number in orders["mutants"]:
        while len(running) >= orders["jobs"]:
            ended += _reap(running, orders["seconds"])
        sys.stdout.flush()
        if (process := os.fork()) == 0:
            try:
                _become(number, orders)
            except BaseException as error:
                print(f"mutant {number}: {error!r}", file=sys.stderr, flush=True)
                os._exit(LOST)
            return number
        running[process] = (number, time.monotonic())
    while running:
        ended += _reap(running, orders["seconds"])
    assert ended == len(orders["mutants"])
    return None


def _reap(running: dict[int, tuple[int, float]], seconds: float) -> int:
    """Tells of each process that has ended and ends those that are late; how many."""
    time.sleep(0.005)
    ended = 0
    for process, (number, begin) in list(running.items()):
        found, status = os.waitpid(process, os.WNOHANG)
        late = not found and time.monotonic() > begin + seconds
        if late:
            os.kill(process, signal.SIGKILL)
            found, status = os.waitpid(process, 0)
        if found:
            del running[process]
            said = {
                "number": number,
                "status": os.waitstatus_to_exitcode(status),
                "late": late,
                "seconds": round(time.monotonic() - begin, 2),
            }
            print(SAID + json.dumps(said), flush=True)
            ended += 1
    return ended


def _become(number: int, orders: dict[str, Any]) -> None:
    """A run's folder, results and output of its own."""
    # The mark that ends a simulator with its parent is not handed on.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    run = Path(os.environ["OCELLUS_RUN"])
    folder = run / str(number)
    folder.mkdir(exist_ok=True)
    for name in ("arguments.pickle", "parameters.json"):
        shutil.copyfile(run / name, folder / name)
    log = os.open(folder / "simulation.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    os.environ |= {
        "OCELLUS_RUN": str(folder),
        "OCELLUS_MUTANT": str(number),
        "COCOTB_RESULTS_FILE": str(folder / "results.xml"),
        "COCOTB_TEST_FILTER": orders["filter"],
    }
    # Verilator's pool of threads, which nothing uses, is not forked, and waited for at a regular end.
    _shutdown.register(lambda: os._exit(0))
