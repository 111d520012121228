"""A board at the other end of a pseudo-terminal, which speaks docs/serial.md; with the faults that a test asks for."""

import os
import random
import select
import threading
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .model import Deframing, Model, stuffed

IDENTITY = 0x0CE11050


@dataclass
class FakeBoard:
    """What it does, and what was done to it.

    Attributes
    ----------
    port : str
        Name of its port.
    loses : float
        Share of requests, and of answers, that are damaged on the way.
    unplugs_at : int
        So many words of an image, and the line is gone; resets_at likewise, and it begins anew.
    is_silent : bool
        Answers nothing.
    image : list of int
        The words that it loads without complaint.
    packets : list of bytes
        Of the link; sent one after the other, over and over if ``repeats``.
    greeting : bytes
        On the wire before the first answer.
    is_slow : bool
        Carries out a request in two milliseconds, and drops what finds no room in its store of ``page[0x704]`` bytes.
    most_stored : int
        Bytes of the store that were in use, at most; ``drops`` counts.
    writing_frames : int
        Carried out.
    """

    port: str = ""
    loses: float = 0.0
    unplugs_at: int = -1
    resets_at: int = -1
    is_silent: bool = False
    image: list[int] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    greeting: bytes = b""
    is_slow: bool = False
    most_stored: int = 0
    drops: int = 0
    writing_frames: int = 0
    registers: dict[int, int] = field(default_factory=lambda: {0x600: IDENTITY})
    page: dict[int, int] = field(default_factory=dict)
    words: list[int] = field(default_factory=list)
    writes: list[tuple[int, int]] = field(default_factory=list)
    _master: int = -1
    _stopped: threading.Event = field(default_factory=threading.Event)

    def _write(self, address: int, word: int) -> None:
        self.writes.append((address, word))
        if address == 0x504:
            self.words.clear()
            self.registers[0x404] = 0
        elif address == 0x500:
            self.words.append(word)
            whole = self.words == self.image
            self.registers |= {0x400: int(whole), 0x404: int(not whole)}
            self.registers[0x40C] = self.image[3] if whole else 0

    def serve(self) -> None:
        """Until the test is over, or the line gone."""
        dice = random.Random(1)
        deframing, link = Deframing(), b"".join(self.packets)
        model = Model(lambda address: self.registers.get(address, 0), self._write)
        model.page |= self.page
        store: deque[bytes] = deque()
        at = 0
        greeting = self.greeting
        while not self._stopped.is_set():
            if link and not select.select([self._master], [], [], 0.002)[0]:
                piece = link[at : at + dice.randint(1, 128)]
                at = (at + len(piece)) % len(link)
                self._send(stuffed(b"\x90" + piece))
            came = b""
            if select.select([self._master], [], [], 0.002)[0]:
                came = os.read(self._master, 4096)
                self._send(greeting)
                greeting = b""
            for request in deframing.take(came):
                room = sum(len(one) + 1 for one in store) + len(request) + 5
                self.most_stored = max(self.most_stored, room)
                if room <= model.page[0x704]:
                    store.append(request)
                else:
                    self.drops += 1
            while store:
                request = store.popleft()
                if self.is_silent or dice.random() < self.loses:
                    continue
                before = model.next
                answer = model.answer(request)
                self.writing_frames += model.next != before
                if 0 <= self.resets_at <= len(self.words):
                    model.next, self.resets_at = 0, -1
                    self.words.clear()
                if 0 <= self.unplugs_at <= len(self.words):
                    return
                if answer and dice.random() >= self.loses:
                    self._send(stuffed(answer))
                if self.is_slow:
                    break

    def _send(self, data: bytes) -> None:
        """Whatever finds no room is lost, as on a wire that nobody reads."""
        if select.select([], [self._master], [], 0)[1]:
            os.write(self._master, data)


@contextmanager
def plugged_in(board: FakeBoard) -> Iterator[FakeBoard]:
    """The board on a port of its own, served by a thread."""
    board._master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(board._master, False)
    board.port = os.ttyname(slave)

    def run() -> None:
        try:
            board.serve()
        finally:
            os.close(slave)
            os.close(board._master)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield board
    finally:
        board._stopped.set()
        thread.join(10)
        assert not thread.is_alive()
