"""Which processes are there: to see that none is left behind."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def with_word(word: str) -> list[int]:
    """Numbers of other processes that have ``word`` in their command or in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if word.encode() in text and state != "Z":
                found.append(int(entry.name))
    return found


def so_many(word: str, count: int, seconds: float = 60) -> bool:
    """Whether within some seconds there are ``count`` of them."""
    return _becomes(lambda: len(with_word(word)) == count, seconds)


def none_left(word: str, seconds: float = 15) -> bool:
    """Whether within some seconds all such processes are gone."""
    return _becomes(lambda: not with_word(word), seconds)


def _becomes(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
