"""A board at the other end of a serial port: its registers, its packets, the words that it is fed."""

import errno
import os
import time
from collections.abc import Callable, Iterable, Sequence
from random import randrange
from types import TracebackType
from typing import Self

import serial

from .. import formats
from ..errors import BadInput
from ..formats import SERIAL, SerialKind
from ..layouts import Layout
from ..serial_protocol import FLAG, Packets, Receiver, Reply, frame, request

POLL_SECONDS = 0.02
"""A read that finds nothing comes back after so long."""
PATIENCE_SECONDS = 0.25
"""A request without an answer is sent again after so long, unless the user says otherwise."""
TRIES = 8
MOST_UNDER_WAY = 64
"""Requests, well below half of the sequence numbers, however large the board's store."""


class Board:
    """A board's end of the line; use it in a ``with`` statement.

    Parameters
    ----------
    port
        Name of a serial port, such as /dev/ttyUSB0; opened exclusively.
    baud
        Bits a second.
    patience
        Seconds in which an answer comes; then the request is sent again, up to eight times.

    Attributes
    ----------
    received_bytes : int
        All that came.
    receiver : Receiver
        Counts damage.

    Raises
    ------
    BadInput
        From every method: the port is absent or in use, the board has gone, does not answer, or was reset.
    """

    def __init__(self, port: str, baud: int = formats.SERIAL_BAUD, patience: float | None = None):
        self.port = port
        self.baud = baud
        self._patience = PATIENCE_SECONDS if patience is None else patience
        self.received_bytes = 0
        self.receiver = Receiver()
        self.packets = bytearray()
        self._sequence = randrange(256)  # of reads
        self._next = 0  # of the frame that may write next
        self._store_bytes = 0  # of the board
        try:
            self._line = serial.Serial(port, baud, timeout=POLL_SECONDS, write_timeout=2, exclusive=True)
        except serial.SerialException as error:
            reason = os.strerror(error.errno) if error.errno else "found no serial port"
            if error.errno in (errno.EAGAIN, errno.EBUSY):
                reason = "found it in use by another program"
            raise BadInput(f"{port}: {reason}, allowed a serial port that nobody else uses") from None
        except (ValueError, OSError) as error:
            raise BadInput(f"{port}: found no line for {baud} baud ({error}), allowed what the port can do") from None

    def __enter__(self) -> Self:
        """The board itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port."""
        self._line.close()

    def greet(self) -> None:
        """Find out that a sensor answers, and how; what lay on the line before is thrown away."""
        self._send(FLAG)
        identity = self.read(formats.IDENTITY)
        if identity != formats.IDENTITY_VALUE:
            raise BadInput(f"{self.port}: found identity {identity:#010x}, allowed {formats.IDENTITY_VALUE:#010x}")
        version = self.read(SERIAL.address("version"))
        if version != formats.SERIAL_VERSION:
            raise BadInput(f"{self.port}: found serial line version {version}, allowed {formats.SERIAL_VERSION}")
        self._store_bytes = self.read(SERIAL.address("buffer_bytes"))

    def read(self, address: int) -> int:
        """The register at a byte address: 32 bits."""
        self._sequence = (self._sequence + 1) % 256
        asked = frame(request(SerialKind.READ, self._sequence, address))
        for _ in range(TRIES):
            self._send(asked)
            until = time.monotonic() + self._patience
            while time.monotonic() < until:
                for reply in self._replies():
                    if (reply.kind, reply.sequence) == (SerialKind.READ, self._sequence):
                        self._next = reply.next
                        return reply.data
        raise self._silent()

    def status(self, layout: Layout, base: int) -> dict[str, int]:
        """Every field of a block of registers."""
        return {f.name: self.read(base + 4 * index) for index, f in enumerate(layout.fields)}

    def write(self, address: int, words: Sequence[int]) -> None:
        """Write up to 60 words of 32 bits to ``address``, ``address + 4``, ..."""
        self._carry_out([request(SerialKind.WRITE, self._next, address, words)], lambda done: None)

    def apply(self, writes: Iterable[tuple[int, int]]) -> None:
        """Write registers in order, many under way at a time; (address, word), as a stage's settings give them."""
        blocks: list[tuple[int, list[int]]] = []
        for address, word in writes:
            start, words = blocks[-1] if blocks else (address, [])
            if blocks and address == start + 4 * len(words) and len(words) < formats.SERIAL_WORDS:
                words.append(word)
            else:
                blocks.append((address, [word]))
        requests = [
            request(SerialKind.WRITE, (self._next + index) % 256, start, words)
            for index, (start, words) in enumerate(blocks)
        ]
        self._carry_out(requests, lambda done: None)

    def feed(self, address: int, words: Sequence[int], progress: Callable[[int], None]) -> None:
        """Write 32-bit words to one address, in order; ``progress`` is told how many the board has taken."""
        most = formats.SERIAL_WORDS
        blocks = [words[at : at + most] for at in range(0, len(words), most)]
        requests = [
            request(SerialKind.FEED, (self._next + index) % 256, address, block) for index, block in enumerate(blocks)
        ]
        self._carry_out(requests, lambda done: progress(min(done * most, len(words))))

    def _carry_out(self, requests: list[bytes], progress: Callable[[int], None]) -> None:
        """As many under way as the board has room for; from the first that is missing again when one is."""
        first, done, sent, ever_sent = self._next, 0, 0, 0
        went_back = False
        tries, patience = 0, time.monotonic() + self._patience
        while done < len(requests):
            while sent < len(requests) and self._has_room(requests[done:sent], requests[sent]):
                self._send(frame(requests[sent]))
                sent += 1
                ever_sent = max(sent, ever_sent)
            for reply in self._replies():
                if reply.kind == SerialKind.READ:
                    continue
                newly = (reply.next - first - done) % 256
                if newly > ever_sent - done:
                    raise BadInput(
                        f"{self.port}: found the board at request {reply.next}, allowed {(first + done) % 256} to "
                        f"{(first + ever_sent) % 256} (it was reset on the way)"
                    )
                if newly:
                    done += newly
                    sent = max(sent, done)
                    went_back, tries, patience = False, 0, time.monotonic() + self._patience
                    progress(done)
                elif not reply.carried_out and not went_back:
                    went_back, sent = True, done
            if time.monotonic() > patience:
                tries, patience, sent = tries + 1, time.monotonic() + self._patience, done
                if tries == TRIES:
                    raise self._silent()
        self._next = (first + done) % 256

    def _has_room(self, under_way: list[bytes], another: bytes) -> bool:
        taken = sum(len(payload) + 1 for payload in under_way)
        return not under_way or (
            len(under_way) < MOST_UNDER_WAY and taken + len(another) + 1 + formats.SERIAL_CRC_BYTES <= self._store_bytes
        )

    def listen(self) -> bytes:
        """The link's bytes that came since; waits 20 ms for some."""
        self._replies()
        came = bytes(self.packets)
        self.packets.clear()
        return came

    def _replies(self) -> list[Reply]:
        found = []
        for message in self.receiver.feed(self._receive()):
            if isinstance(message, Packets):
                self.packets += message.data
            else:
                found.append(message)
        return found

    def _receive(self) -> bytes:
        try:
            came = self._line.read(max(1, self._line.in_waiting))
        except OSError:  # as pyserial's exceptions are
            raise self._gone() from None
        self.received_bytes += len(came)
        return came

    def _send(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except serial.SerialTimeoutException:
            raise self._silent() from None
        except OSError:
            raise self._gone() from None

    def _gone(self) -> BadInput:
        return BadInput(f"{self.port}: found the line gone after {self.received_bytes} bytes, allowed one that stays")

    def _silent(self) -> BadInput:
        found = "nothing"
        if self.receiver.messages:
            found = f"{self.receiver.messages} frames and no answer"
        elif self.received_bytes:
            found = f"{self.received_bytes} bytes and no whole frame"
        return BadInput(
            f"{self.port}: found {found} in {TRIES * self._patience:g} s, allowed a board at {self.baud} baud"
        )
