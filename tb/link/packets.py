"""The link's words as packets, and records as words."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ocellus.formats import PacketType


def record_words(record: bytes) -> NDArray[np.uint64]:
    """``PACKET_WORD`` words of a record."""
    words = np.zeros((len(record) // 8, 2), np.uint64)
    words[:, 0] = np.frombuffer(record, "<u8")
    words[-1, 1] = 1
    return words


def packets_of(words: NDArray[np.uint64]) -> list[bytes]:
    """Words of the output cut into packets at ``last``; none may be left over."""
    ends = np.flatnonzero(words[:, 1]) + 1
    assert len(words) == (ends[-1] if len(ends) else 0), "the last packet has no end"
    return [part[:, 0].astype("<u8").tobytes() for part in np.split(words, ends)[:-1]]


def types_of(packets: Sequence[bytes]) -> list[PacketType]:
    """What each packet says it carries."""
    return [PacketType(p[2]) for p in packets]
