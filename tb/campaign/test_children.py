"""Processes end with those who wanted them, whatever these die of."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ocellus_sim.campaign.children import Children, Stopped

from .processes import none_left, so_many

GRANDCHILDREN = "import subprocess, sys, time; subprocess.Popen(['sleep', sys.argv[1]]); time.sleep(float(sys.argv[1]))"


@pytest.fixture
def word() -> str:
    """Seconds to sleep that no other process sleeps: they name the processes of this test."""
    return f"3600.{time.time_ns() % 10**12}{os.getpid()}"


def run(children: Children, tmp_path: Path, *command: str, seconds: float = 60, **more) -> int | None:
    return children.run(command, cwd=tmp_path, env=os.environ, log=tmp_path / "log", seconds=seconds, **more)


def test_status_and_output_are_those_of_the_command(tmp_path: Path):
    children = Children()
    assert run(children, tmp_path, "sh", "-c", "echo out; echo err >&2; exit 7") == 7
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert run(children, tmp_path, "sh", "-c", "kill -SEGV $$") == 128 + signal.SIGSEGV


def test_what_takes_too_long_is_killed_with_its_children(tmp_path: Path, word: str):
    begin = time.monotonic()
    assert run(Children(), tmp_path, sys.executable, "-c", GRANDCHILDREN, word, seconds=2) is None
    assert time.monotonic() - begin < 20
    assert none_left(word)


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path: Path, word: str):
    assert run(Children(), tmp_path, "sh", "-c", f"sleep {word} &") == 0
    assert none_left(word)


def test_stopping_ends_all_and_starts_no_more(tmp_path: Path, word: str):
    children, ended = Children(), []

    def work() -> None:
        with pytest.raises(Stopped):
            run(children, tmp_path, sys.executable, "-c", GRANDCHILDREN, word)
        ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    assert so_many(word, 3)  # the keeper, its child, its grandchild
    children.stop()
    thread.join(timeout=20)
    assert ended
    assert none_left(word)
    with pytest.raises(Stopped):
        run(children, tmp_path, "true")


def test_what_is_not_wanted_any_more_is_ended(tmp_path: Path, word: str):
    with pytest.raises(Stopped):
        run(Children(), tmp_path, "sleep", word, wanted=lambda: False)
    assert none_left(word)


def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path, word: str):
    code = (
        "import os, sys; from pathlib import Path; from ocellus_sim.campaign.children import Children\n"
        f"Children().run([sys.executable, '-c', {GRANDCHILDREN!r}, {word!r}], cwd=Path('.'), env=os.environ,"
        f" log=Path({str(tmp_path / 'log')!r}), seconds=600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    assert so_many(word, 4)
    parent.kill()
    parent.wait()
    assert none_left(word)
