"""A window of clocks in which every signal is written down, in whatever test: the simulator's side of it.

Clocks of a run are counted over all its tests and resets, from 0 on. A diary in the run's folder says which of them
each bench had, even where the process is gone before it can say more.
"""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import BadInput
from ocellus_sim.cosim.calls import harness

DIARY = "clocks.txt"
RAW = ".vcd"
"""Behind the name of a trace that is to be made FST (traces.py)."""
FIRST_CLOCKS = 20_000
"""What ``OCELLUS_WAVES=1`` traces; a few megabytes of a stage."""

_WINDOW, _LEAVE = "OCELLUS_WINDOW", "OCELLUS_WINDOW_LEAVE"
_PLACE = 20
"""Digits of a clock in the diary, which is written over in place."""


class WindowPassed(Exception):  # noqa: N818 - it ends a run whose trace is complete
    """Nothing behind the window is of interest."""


@dataclass(frozen=True)
class Window:
    """Clocks ``begin`` to ``end - 1`` of a run."""

    begin: int
    end: int

    @classmethod
    def around(cls, clock: int, before: int, after: int) -> "Window":
        """Some clocks before one and after it."""
        return cls(max(clock - before, 0), clock + after)

    def environment(self, name: str, leave: bool) -> dict[str, str]:
        """What tells a simulator's process to write the trace ``name``, and to leave it at that."""
        return {_WINDOW: f"{self.begin}-{self.end}-{name}", _LEAVE: "1" if leave else ""}


@dataclass(frozen=True)
class Wish:
    """What a user wants traced: a window of each run, or, of each run that fails, what led to it."""

    window: Window | None = None
    failure: bool = False

    @classmethod
    def read(cls, text: str) -> "Wish":
        """The environment's ``OCELLUS_WAVES``: empty, ``0``, ``1``, ``fail`` or ``begin-end``."""
        if text in ("", "0"):
            return cls()
        if text == "fail":
            return cls(failure=True)
        first, _, behind = ("0", "", str(FIRST_CLOCKS)) if text == "1" else text.partition("-")
        if not all(t.isascii() and t.isdigit() and len(t) < _PLACE for t in (first, behind)) or int(first) >= int(
            behind
        ):
            raise BadInput(
                f"OCELLUS_WAVES: found {text!r}, allowed 0, 1, fail and BEGIN-END in clocks, such as 1000-3000"
            )
        return cls(Window(int(first), int(behind)))


class Diary:
    """Counts the clocks of this process' run, writes them down, and opens and closes the trace where it is due."""

    def __init__(self) -> None:
        self._folder = Path(os.environ["OCELLUS_RUN"])
        first, _, rest = os.environ.get(_WINDOW, "").partition("-")
        behind, _, self._name = rest.partition("-")
        self._window = Window(int(first), int(behind)) if first else None
        self._leave = bool(os.environ.get(_LEAVE))
        self._tracing = False
        self._before = 0
        self._file = os.open(self._folder / DIARY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._line = self._length = 0

    @property
    def clock(self) -> int:
        """The coming clock of the run."""
        return self._before + harness().cycle()

    def turn_over(self) -> None:
        """The harness is about to count from 0 again."""
        self._before = self.clock

    def begin(self, test: str) -> None:
        """A bench begins in this test."""
        text = f"{self.clock:{_PLACE}} {self.clock:{_PLACE}} {test}\n".encode()
        self._line, self._length = self._length, self._length + len(text)
        os.pwrite(self._file, text, self._line)

    def note(self) -> None:
        """The clocks so far were this bench's."""
        os.pwrite(self._file, f"{self.clock:{_PLACE}}".encode(), self._line + _PLACE + 1)

    def burst(self, clocks: int) -> int:
        """How many of the coming clocks may pass in one go; the trace is open or closed as the first of them wants."""
        window, clock = self._window, self.clock
        if window is None or clock < window.begin:
            return clocks if window is None else min(clocks, window.begin - clock)
        if clock >= window.end:
            if self._tracing:
                harness().trace_stop()
                self._tracing = False
            if self._leave:
                raise WindowPassed
            return clocks
        if not self._tracing:
            open_trace(self._folder / (self._name + RAW))
            self._tracing = True
        return min(clocks, window.end - clock)


@functools.cache
def diary() -> Diary:
    """The diary of this process; only inside a simulator."""
    return Diary()


def open_trace(file: Path) -> None:
    """Every signal goes to a VCD file from here on."""
    status = harness().trace(os.fsencode(file))
    if status == -1:
        raise RuntimeError("This simulator cannot trace: simulate(..., waves=True) builds one that can.")
    if status:
        raise OSError(f"{file} cannot be written.")


def passages(folder: Path) -> list[tuple[str, Window]]:
    """The tests that had benches in the run of ``folder``, in order, and the clocks of each."""
    found: dict[str, Window] = {}
    for line in (folder / DIARY).read_text().splitlines() if (folder / DIARY).exists() else ():
        test, first, last = line[2 * _PLACE + 2 :], int(line[:_PLACE]), int(line[_PLACE + 1 : 2 * _PLACE + 1])
        found[test] = Window(found[test].begin if test in found else first, last)
    return list(found.items())
