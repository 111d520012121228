"""The wheel of banks with a memory of who wrote what, and the inlet that fills it."""

from collections.abc import Mapping

import numpy as np

from ocellus.configurations import Configuration

NEVER, _INPUT = -2, -1
_LONG = 1 << 30
"""More clocks than anything takes."""


class WheelMemory:
    """Words by number (``line * banks + bank``), their bytes, and for each byte the step that wrote it, and how early.

    Every byte begins with a pattern, so that a word that is used although nothing wrote it does not look like zero.
    Reading names what is needed of it; the rest may be anything.
    """

    def __init__(self, sizes: Configuration, header: Mapping[str, int], x: np.ndarray) -> None:
        words = sizes.banks * sizes.lines
        self.sizes, self.header = sizes, header
        self.data = ((np.arange(words * sizes.word) * 73 + 19) % 256).astype(np.uint8).view(np.int8)
        self.data = self.data.reshape(words, sizes.word).copy()
        self.writer = np.full((words, sizes.word), NEVER, np.int32)
        self.behind = np.zeros_like(self.writer)
        self.reader = np.full(words, NEVER, np.int32)
        self.input_row = np.full(words, -1, np.int32)
        self.arrived = self.waited = self.step = self.complete = self.drain = 0
        self._rows = _stored(header, x, sizes.word)

    def begin(self, step: int, complete: int, drain: int | None) -> None:
        """Reads and writes are now those of ``step``, which knows that the first ``complete`` steps are over.

        Of the one directly before it also what was made so early that ``drain`` clocks lie between its command and the
        one that reads it; of none with None.
        """
        self.step, self.complete, self.drain = step, complete, _LONG if drain is None else drain

    def rows_allowed(self, freed: int) -> int:
        """How many rows of the input may have come when ``freed`` are no longer needed."""
        return min(self.header["input_rows"], freed + self.header["ring_rows"])

    def arrive(self, rows: int) -> None:
        """The inlet writes rows up to the ``rows``-th."""
        h, banks = self.header, self.sizes.banks
        base = h["input_line"] * banks + h["input_bank"]
        pitch = h["input_row_line"] * banks + h["input_row_bank"]
        plane = h["input_plane_line"] * banks + h["input_plane_bank"]
        for row in range(self.arrived, rows):
            for k in range(self._rows.shape[2]):
                first = base + row % h["ring_rows"] * pitch + k * plane
                columns = self._rows.shape[1]
                self.data[first : first + columns] = self._rows[row, :, k]
                self.writer[first : first + columns] = _INPUT
                self.input_row[first : first + columns] = row
        self.arrived = max(self.arrived, rows)

    def read(self, places: np.ndarray, need: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Words at ``places``, with an axis of bytes; ``need`` marks the bytes that matter.

        The commands that read lie at least ``ahead`` clocks behind the step's first.
        """
        flat, wanted = places.ravel(), need.reshape(-1, self.sizes.word)
        any_wanted = wanted.any(axis=1)
        assert (flat[any_wanted] < len(self.data)).all(), f"step {self.step} reads behind the last line"
        flat = np.where(flat < len(self.data), flat, 0)
        clocks = self.behind[flat] + np.broadcast_to(ahead, places.shape).reshape(-1, 1)
        self._check(self.writer[flat][wanted], flat[any_wanted], clocks[wanted] + 1)
        self.reader[flat[any_wanted]] = self.step
        return self.data[flat].reshape(*places.shape, self.sizes.word)

    def read_operands(self, places: np.ndarray, byte: np.ndarray, results: np.ndarray) -> np.ndarray:
        """Second operands, single bytes, as int64; what lies behind the last channel may be anything.

        A result may go where its own operand lies (``results`` are the places of the results), but to no other's.
        """
        assert (places < len(self.data)).all(), f"step {self.step} reads behind the last line"
        writers = self.writer[places, byte]
        self._check(writers[writers != NEVER], places.ravel(), np.zeros(1))
        self.reader[places[places != results]] = self.step
        return self.data[places, byte].astype(np.int64)

    def write(self, places: np.ndarray, byte: np.ndarray, values: np.ndarray, behind: np.ndarray) -> None:
        """Single bytes, whose last commands lie at least ``behind`` clocks before the step's last."""
        assert (places < len(self.data)).all(), f"step {self.step} writes behind the last line"
        assert not (self.writer[places, byte] == _INPUT).any(), f"step {self.step} writes into the input"
        assert not (self.reader[places] == self.step).any(), f"step {self.step} writes what it may still read"
        self.data[places, byte] = values
        self.writer[places, byte] = self.step
        self.behind[places, byte] = behind

    def _check(self, writers: np.ndarray, words: np.ndarray, clocks: np.ndarray) -> None:
        assert not (writers == NEVER).any(), f"step {self.step} reads what was never written"
        in_time = (writers == self.step - 1) & (clocks >= self.drain)
        late = writers[(writers >= self.complete) & ~in_time]
        assert not late.size, f"step {self.step} reads what step {late[:1]} writes, {self.complete} are complete"
        rows = self.input_row[words]
        assert rows.max(initial=-1) < self.waited, f"step {self.step} reads input row {rows.max()}, not waited for"


def _stored(header: Mapping[str, int], x: np.ndarray, word: int) -> np.ndarray:
    """The input as the inlet stores it: (rows, stored columns, words, bytes); bytes behind the last are arbitrary."""
    rows, columns, channels = header["input_rows"], header["input_columns"], header["input_channels"]
    x = x.reshape(rows, columns, channels)
    stored, unfold = header["stored_columns"], max(header["unfold_columns"], 1)
    words = -(-unfold * channels // word)
    out = np.full((rows, stored, words * word), 99, np.int8)
    for u in range(unfold):
        for s in range(stored):
            column = s * header["unfold_stride"] - header["unfold_lead"] + u
            inside = 0 <= column < columns
            out[:, s, u * channels : (u + 1) * channels] = x[:, column] if inside else header["input_fill"]
    return out.reshape(rows, stored, words, word)
