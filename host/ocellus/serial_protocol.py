"""A board's serial line, bytes to messages and back: frames with a CRC, requests, replies; docs/serial.md."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from . import formats
from .formats import SerialKind

FLAG = bytes([formats.SERIAL_FLAG])
ESCAPE = bytes([formats.SERIAL_ESCAPE])
ESCAPED_FLAG = bytes([formats.SERIAL_ESCAPE, formats.SERIAL_FLAG ^ formats.SERIAL_FLIP])
ESCAPED_ESCAPE = bytes([formats.SERIAL_ESCAPE, formats.SERIAL_ESCAPE ^ formats.SERIAL_FLIP])
REPLY_BYTES = formats.SERIAL_REPLY.bits // 8
REPLIES = tuple(kind | formats.SERIAL_REPLY_BIT for kind in (SerialKind.READ, SerialKind.WRITE, SerialKind.FEED))
LONGEST_FRAME = 1024
"""Bytes between two flags, stuffed: nothing that either end sends is longer."""


class Reply(NamedTuple):
    """A board's answer to one request.

    ``kind`` and ``sequence`` are the request's, ``next`` is the sequence number of the frame that may write next,
    ``data`` the word that was read.
    """

    kind: SerialKind
    sequence: int
    next: int
    data: int

    @property
    def carried_out(self) -> bool:
        """Whether a writing request was, now or before; otherwise one before it is missing."""
        return (self.next - self.sequence - 1) % 256 < 128


class Packets(NamedTuple):
    """Some of the link's bytes."""

    data: bytes


def frame(payload: bytes) -> bytes:
    """The payload as it goes over the wire: flag, payload and CRC stuffed, flag."""
    sealed = payload + zlib.crc32(payload).to_bytes(formats.SERIAL_CRC_BYTES, "little")
    return FLAG + sealed.replace(ESCAPE, ESCAPED_ESCAPE).replace(FLAG, ESCAPED_FLAG) + FLAG


def request(kind: SerialKind, sequence: int, address: int, words: Sequence[int] = ()) -> bytes:
    """Payload of a request; ``ValueError`` when a number or the count of words is not what the board takes."""
    if not (0 if kind == SerialKind.READ else 1) <= len(words) <= (kind != SerialKind.READ) * formats.SERIAL_WORDS:
        raise ValueError(f"request: found {len(words)} words, allowed none to read, 1 to {formats.SERIAL_WORDS} else")
    head = formats.SERIAL_REQUEST.pack({"kind": kind, "sequence": sequence, "address": address})
    return head.to_bytes(4, "little") + struct.pack(f"<{len(words)}I", *words)


@dataclass
class Receiver:
    """Takes a board's bytes in pieces of any size, and gives its messages; damage costs the frames that it touches.

    Attributes
    ----------
    messages : int
        So many were whole.
    dropped_frames : int
        Stretches between two flags that were no whole message, that before the first flag not among them.
    """

    messages: int = 0
    dropped_frames: int = 0
    _waiting: bytearray = field(default_factory=bytearray, repr=False)
    _joined: bool = field(default=False, repr=False)  # a flag was seen
    _too_long: bool = field(default=False, repr=False)

    def feed(self, chunk: bytes) -> list[Reply | Packets]:
        """Take the next bytes; give back what they complete, in order."""
        found: list[Reply | Packets] = []
        *complete, rest = chunk.split(FLAG)
        for piece in complete:
            self._keep(piece)
            if self._waiting or self._too_long:
                message = None if self._too_long else _message(bytes(self._waiting))
                if message is not None:
                    self.messages += 1
                    found.append(message)
                elif self._joined:
                    self.dropped_frames += 1
            self._waiting.clear()
            self._too_long = False
            self._joined = True
        self._keep(rest)
        return found

    def _keep(self, piece: bytes) -> None:
        self._too_long = self._too_long or len(self._waiting) + len(piece) > LONGEST_FRAME
        if self._too_long:
            self._waiting.clear()
        else:
            self._waiting += piece


def unstuffed(piece: bytes) -> bytes | None:
    """What lies between two flags, CRC taken off; None when it is damaged."""
    parts = iter(piece.split(ESCAPE))
    sealed = bytearray(next(parts))
    # After an escape every byte is flipped, a second escape too; then what would be its part begins with a plain byte.
    for part in parts:
        if not part:
            after = next(parts, None)
            if after is None:
                return None  # broken off: an escape stands before the flag
            sealed += bytes([formats.SERIAL_ESCAPE ^ formats.SERIAL_FLIP]) + after
        else:
            sealed += bytes([part[0] ^ formats.SERIAL_FLIP]) + part[1:]
    payload, crc = bytes(sealed[: -formats.SERIAL_CRC_BYTES]), sealed[-formats.SERIAL_CRC_BYTES :]
    if not payload or zlib.crc32(payload) != int.from_bytes(crc, "little"):
        return None
    return payload


def _message(piece: bytes) -> Reply | Packets | None:
    payload = unstuffed(piece)
    if payload is None:
        return None
    if payload[0] == SerialKind.PACKETS and 1 < len(payload) <= 1 + formats.SERIAL_PACKET_BYTES:
        return Packets(payload[1:])
    if payload[0] in REPLIES and len(payload) == REPLY_BYTES:
        values = formats.SERIAL_REPLY.unpack(int.from_bytes(payload, "little"))
        return Reply(**values | {"kind": SerialKind(values["kind"] ^ formats.SERIAL_REPLY_BIT)})
    return None
