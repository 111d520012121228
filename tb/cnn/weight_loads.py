"""The weight memory's contents as docs/cnn.md lays them out, byte by byte."""

from collections.abc import Iterator, Mapping, Sequence

from ocellus.configurations import Configuration

WORDS = 8192
"""Of a set: those that lie in pairs."""
ROWS = 1024


def weight_loads(c: Configuration, words: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Address, part and 32 bits of every row that holds some of the ``words``; what else is in it is 0."""
    rows: dict[int, list[int]] = {}
    for address, word in words.items():
        for n, byte in enumerate(word):
            row, at = byte_place(c, address, n)
            rows.setdefault(row, [0] * c.weight_row_bytes)[at] = byte & 255
    for row, content in sorted(rows.items()):
        for part in range(len(content) // 4):
            yield row, part, int.from_bytes(bytes(content[4 * part : 4 * part + 4]), "little")


def byte_place(c: Configuration, address: int, n: int) -> tuple[int, int]:
    """The row of byte ``n`` of a word, and where in it the byte lies."""
    if not c.parity:
        return address, n
    group, address = divmod(address, WORDS + ROWS)
    if address < WORDS:
        return group * 4 * ROWS + address // 2, address % 2 * c.lanes + n
    quarter, n = divmod(n, c.lanes // 4)
    return (group * 4 + quarter) * ROWS + address - WORDS, 2 * c.lanes + n
