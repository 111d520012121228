"""The ends that a test puts on a stream of the top: sources, sinks, taps and watches on NumPy arrays."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ocellus_sim.cosim.calls import PORT_EQUALS, SINK_HOLDS, SOURCE_EMPTY, Condition, harness

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Port:
    """A port of the top."""

    index: int
    name: str
    width: int
    is_input: bool

    @property
    def words(self) -> int:
        """64-bit words that hold a value."""
        return (self.width + 63) // 64

    def array(self, value: int) -> Words:
        """A value as words, low word first."""
        if not 0 <= value < 1 << self.width:
            raise ValueError(f"{self.name} has {self.width} bits: {value:#x} does not fit.")
        return np.frombuffer(value.to_bytes(8 * self.words, "little"), np.uint64).copy()

    def value(self, words: Words) -> int:
        """Words, low word first, as a value."""
        return int.from_bytes(words.tobytes(), "little")

    def equals(self, value: int) -> Until:
        """The condition that the port carries ``value`` in the coming clock."""
        words = self.array(int(value))
        return Until(PORT_EQUALS, self.index, 0, words)


@dataclass(frozen=True)
class Until:
    """A condition that ends a burst."""

    kind: int
    index: int
    count: int = 0
    words: Words | None = None

    def packed(self) -> Condition:
        """As the harness reads it; valid as long as this object lives."""
        address = 0 if self.words is None else self.words.ctypes.data
        return Condition(self.kind, self.index, self.count, address)


@dataclass(frozen=True)
class Stall:
    """Clocks in which an end of a stream holds still: each with ``probability``, the same sequence on every machine."""

    probability: float = 0.0
    seed: int = 0

    @property
    def threshold(self) -> int:
        """The probability in units of 2**-32."""
        if not 0 <= self.probability <= 1:
            raise ValueError(f"A stall's probability lies between 0 and 1, not at {self.probability}.")
        return round(self.probability * 2**32)


def _beats(port: Port, words: ArrayLike) -> Words:
    """Payloads as the harness reads them: contiguous, a row of words each, checked against the port's width."""
    given: NDArray[Any] = np.asarray(words)
    shape = (-1,) if port.words == 1 else (-1, port.words)
    if given.ndim != len(shape) or (port.words > 1 and given.shape[1] != port.words):
        wanted = "(n,)" if port.words == 1 else f"(n, {port.words})"
        raise ValueError(f"{port.name} has {port.width} bits: payloads have shape {wanted}, not {given.shape}.")
    if given.size and given.dtype.kind not in "bui":
        raise TypeError(f"{port.name}: payloads are unsigned integers, not {given.dtype}.")
    if given.dtype.kind == "i" and given.size and given.min() < 0:
        raise ValueError(f"{port.name}: payloads are unsigned words, {given.min()} is negative.")
    beats = np.ascontiguousarray(given, np.uint64)
    spare = port.width % 64
    top = beats if port.words == 1 else beats[:, -1]
    if spare and top.size and int(top.max()) >> spare:
        first = int(np.argmax(top >> np.uint64(spare) != 0))
        raise ValueError(f"{port.name} has {port.width} bits: beat {first} does not fit.")
    return beats


class Source:
    """Offers beats to a stream input, each until it is taken."""

    def __init__(self, valid: Port, ready: Port | None, payload: Port, stall: Stall) -> None:
        self.stall = stall
        self._payload = payload
        ready_index = -1 if ready is None else ready.index
        self._index = harness().source(valid.index, ready_index, payload.index, stall.threshold, stall.seed)
        self._kept: list[tuple[int, Words]] = []  # (number of the beat after it, array): the harness reads in place
        self._queued = 0

    def send(self, words: ArrayLike) -> None:
        """Queues payloads behind those that wait: shape (n,), above 64 bits (n, k), low word first."""
        beats = _beats(self._payload, words)
        if len(beats) == 0:
            return
        sent = self.sent
        self._kept = [kept for kept in self._kept if kept[0] > sent]
        self._queued += len(beats)
        self._kept.append((self._queued, beats))
        harness().send(self._index, beats.ctypes.data, len(beats))

    @property
    def sent(self) -> int:
        """Beats that were taken since the source stands."""
        return harness().sent(self._index)

    @property
    def waiting(self) -> int:
        """Beats that were not taken yet."""
        return self._queued - self.sent

    @property
    def empty(self) -> Until:
        """The condition that every beat was taken."""
        return Until(SOURCE_EMPTY, self._index)


class Sink:
    """Takes beats from a stream output, or, as a tap, from a payload with valid but without ready."""

    def __init__(
        self, valid: Port | None, ready: Port | None, payload: Port, capacity: int, stall: Stall, stamps: bool
    ) -> None:
        if capacity < 1:
            raise ValueError(f"{payload.name}: a sink needs room for a beat, not for {capacity}.")
        self.stall = stall
        self.name = payload.name
        self.capacity = capacity
        valid_index = -1 if valid is None else valid.index
        ready_index = -1 if ready is None else ready.index
        self._index = harness().sink(valid_index, ready_index, payload.index, stall.threshold, stall.seed)
        shape = (capacity,) if payload.words == 1 else (capacity, payload.words)
        self._buffer = np.zeros(shape, np.uint64)
        self._stamps = np.zeros(capacity if stamps else 0, np.uint64)
        self._stamped = stamps
        self._taken_stamps = self._stamps[:0]
        self._rewind()

    def _rewind(self) -> None:
        stamps = self._stamps.ctypes.data if self._stamped else None
        harness().sink_buffer(self._index, self._buffer.ctypes.data, stamps, len(self._buffer))

    def __len__(self) -> int:
        return harness().sink_count(self._index)

    def reaches(self, n: int) -> Until:
        """The condition that ``n`` beats wait to be taken."""
        if n > len(self._buffer):
            raise ValueError(f"{self.name}: the sink has room for {len(self._buffer)} beats and cannot reach {n}.")
        return Until(SINK_HOLDS, self._index, int(n))

    def take(self, copy: bool = True) -> Words:
        """The payloads that arrived since the last take: shape (n,), above 64 bits (n, k), low word first.

        Without ``copy`` they, and `cycles`, are views that hold until the next burst.
        """
        n = len(self)
        beats, self._taken_stamps = self._buffer[:n], self._stamps[:n]
        if copy:
            beats, self._taken_stamps = beats.copy(), self._taken_stamps.copy()
        self._rewind()
        return beats

    def cycles(self) -> Words:
        """The clock of each beat of the last take."""
        if not self._stamped:
            raise ValueError(f"{self.name}: clocks are noted only by a sink with stamps=True.")
        return self._taken_stamps


class Watch:
    """Notes a port's value at each clock where it differs from the clock before."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._index = harness().watch(port.index)

    def changes(self) -> list[tuple[int, int]]:
        """(clock, value) at each change, the first clock included."""
        n = harness().watch_count(self._index)
        columns = 1 + self._port.words
        if n == 0:
            return []
        address = ctypes.cast(harness().watch_rows(self._index), ctypes.POINTER(ctypes.c_uint64))
        rows = np.ctypeslib.as_array(address, (n, columns)).copy()
        return [(int(row[0]), self._port.value(row[1:])) for row in rows]
