"""The commands that users install, as processes of their own, at a simulated camera."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ocellus.compiler.graph import Network
from ocellus.records import Record
from tb.boards.pins import Port
from tb.boards.sizes import settings
from tb.boards.witness import Witness

WALL_SECONDS = 240
"""For a command; far more than it takes."""
COLUMNS, LINES = 100, 40
"""Of the terminal."""

ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
"""What a bar does to a terminal."""


class Ended(NamedTuple):
    """What a command left: exit status, standard output, and what it told a terminal on standard error."""

    status: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The last line on standard error that is none of the bar's."""
        return [line for line in ESCAPES.sub("", self.err).splitlines() if line.strip()][-1]


class Client:
    """``ocellus`` with these arguments; its standard error is a terminal."""

    def __init__(self, folder: Path, python: str, arguments: Iterable[str]):
        self._out = folder / f"client-{time.monotonic_ns()}.txt"
        self._terminal, slave = os.openpty()
        os.set_blocking(self._terminal, False)
        self._err = b""
        env = os.environ | {"COLUMNS": str(COLUMNS), "LINES": str(LINES), "TERM": "xterm-256color"}
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                [python, "-m", "ocellus", *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=slave, env=env
            )
        os.close(slave)
        self._late = time.monotonic() + WALL_SECONDS

    def ended(self) -> bool:
        """Whether it has ended; ``AssertionError`` when it takes too long."""
        over = self._process.poll() is not None
        try:
            while data := os.read(self._terminal, 4096):
                self._err += data
        except OSError:  # nothing more now, or never again
            pass
        if not over and time.monotonic() > self._late:
            self._process.kill()
            raise AssertionError(f"{self._process.args} took more than {WALL_SECONDS} s")
        return over

    def result(self) -> Ended:
        """When it has ended."""
        os.close(self._terminal)
        status, err = self._process.wait(), self._err.decode().replace("\r\n", "\n")
        sys.stdout.write(f"status {status}\n{self._out.read_text()}{err}\n")
        return Ended(status, self._out.read_text(), err)


class Desk(Port):
    """A camera on its port, plugged in, every record of which is looked at; and programs that use it.

    Attributes
    ----------
    port : str
    witness : Witness
    """

    def __init__(self, dut: Any, networks: Iterable[Network]):
        self.witness: Witness | None = None
        super().__init__(dut)
        frame = self.bench.arguments["frame"]
        self.witness = Witness(settings(frame), frame, networks)
        self._frame_clocks = frame.clocks_per_frame
        self.port = self.plug()

    @property
    def records(self) -> list[Record]:
        """What has left so far."""
        return self.witness.records if self.witness else []

    def is_in_mid_record(self) -> bool:
        """Whether part of a record has left, and more of it is to come."""
        return self.witness is not None and self.witness.in_mid_record

    def said(self, data: bytes) -> None:
        """Golden or not; then on to the host."""
        if self.witness:
            self.witness.feed(data)
        super().said(data)

    def start(self, *arguments: str) -> Client:
        """A command, begun."""
        print("ocellus", *arguments)
        return Client(self.bench.folder, self.bench.parameters["python"], arguments)

    def run(self, client: Client) -> Ended:
        """Clocks pass until the command has ended."""
        while not client.ended():
            self.step()
        return client.result()

    def until(self, happened: Callable[[], bool], frames: int = 4) -> None:
        """Clocks pass until something has happened; ``AssertionError`` when it does not in so many frames."""
        end = self.bench.cycle + frames * self._frame_clocks
        while not happened():
            assert self.bench.cycle < end, f"nothing happened in {frames} frames"
            self.step()

    def more_records(self, count: int) -> list[Record]:
        """The next ones."""
        before = len(self.records)
        self.until(lambda: len(self.records) >= before + count, frames=count + 3)
        return self.records[before:]
