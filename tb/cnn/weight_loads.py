"""The weight memory's contents as docs/cnn.md lays them out."""

from collections.abc import Iterator, Mapping, Sequence

from ocellus.configurations import Configuration


def weight_loads(c: Configuration, words: Mapping[int, Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Address, part and 32 bits of all of the ``words``."""
    for address, word in sorted(words.items()):
        for part in range(c.lanes // 4):
            content = bytes(byte & 255 for byte in word[4 * part : 4 * part + 4])
            yield address, part, int.from_bytes(content, "little")
