"""What docs/serial.md says of a board, literally: the frames that it takes, and what it answers."""

import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PAGE = {0x700: 1, 0x704: 4096, 0x708: 8, 0x70C: 2, 0x710: 4, 0x714: 4}
"""Registers of its own, of the configuration ecp5."""


def stuffed(payload: bytes, crc: int | None = None) -> bytes:
    """A frame, byte by byte; ``crc`` instead of the right one."""
    sealed = payload + (zlib.crc32(payload) if crc is None else crc).to_bytes(4, "little")
    inside = b"".join(bytes([0x7D, b ^ 0x20]) if b in (0x7D, 0x7E) else bytes([b]) for b in sealed)
    return b"\x7e" + inside + b"\x7e"


@dataclass
class Deframing:
    """Bytes in, payloads of whole frames out."""

    dropped: int = 0
    _inside: bytearray = field(default_factory=bytearray)
    _escaped: bool = False

    def take(self, data: bytes) -> Iterator[bytes]:
        """The frames that end in ``data``."""
        for byte in data:
            if byte == 0x7E:
                inside, crc = bytes(self._inside[:-4]), int.from_bytes(self._inside[-4:], "little")
                good = not self._escaped and 4 <= len(inside) <= 244 and zlib.crc32(inside) == crc
                self.dropped += not good and len(self._inside) > 0
                self._inside.clear()
                self._escaped = False
                if good:
                    yield inside
            elif byte == 0x7D and not self._escaped:
                self._escaped = True
            else:
                self._inside.append(byte ^ 0x20 * self._escaped)
                self._escaped = False


@dataclass
class Model:
    """Carries out requests on a bus of ``read(address)`` and ``write(address, word)``."""

    read: Callable[[int], int]
    write: Callable[[int, int], None]
    page: dict[int, int] = field(default_factory=lambda: dict(PAGE))
    next: int = 0

    def answer(self, payload: bytes) -> bytes:
        """Carry out a whole request; the payload of the answer, empty when there is none."""
        kind, sequence, address = payload[0], payload[1], int.from_bytes(payload[2:4], "little")
        data = 0
        if kind == 1:
            own = address >> 8 == 7
            data = self.page.get(address, 0) if own else self.read(address)
        elif kind in (2, 3):
            if sequence == self.next:
                self.next = (self.next + 1) % 256
                for at in range(4, len(payload) - 3, 4):
                    if address >> 8 != 7:
                        self.write(address, int.from_bytes(payload[at : at + 4], "little"))
                    address = (address + (4 if kind == 2 else 0)) % 65536
        else:
            return b""
        return bytes([kind | 0x80, sequence, self.next]) + data.to_bytes(4, "little")


def payload(kind: int, sequence: int, address: int, *words: int) -> bytes:
    """Of a request."""
    head = bytes([kind, sequence]) + address.to_bytes(2, "little")
    return head + b"".join(word.to_bytes(4, "little") for word in words)


def random_payloads(dice: random.Random, count: int, longest: int = 12) -> list[bytes]:
    """Requests of all kinds, the writing ones in their order; many bytes that must be stuffed."""
    made, sequence = [], 0
    for _ in range(count):
        kind = dice.choice((1, 2, 3))
        if kind == 1:
            made.append(payload(1, dice.randrange(256), dice.randrange(65536)))
            continue
        words = [dice.choice((0x7E7D7E7D, 0x5E5D7E7D, dice.randrange(2**32))) for _ in range(dice.randint(1, longest))]
        made.append(payload(kind, sequence, dice.choice((0x500, 0x7D7E, 0xFFFC, dice.randrange(65536))), *words))
        sequence = (sequence + 1) % 256
    return made


def register(address: int) -> int:
    """What the tests' bus has at an address."""
    return address * 0x9E3779B1 % 2**32


class Expected:
    """What the model makes of payloads that arrive whole: (address, word, writes) on the bus, and answers."""

    def __init__(self, payloads: list[bytes]):
        self.requests: list[tuple[int, int, int]] = []
        model = Model(self._read, lambda address, word: self.requests.append((address, word, 1)))
        self.answers = [answer for one in payloads if (answer := model.answer(one))]

    def _read(self, address: int) -> int:
        self.requests.append((address, 0, 0))
        return register(address)
