"""Weight words as they lie in the rows of the weight memory, which may use its block RAMs' parity bits."""

import numpy as np

from ...configurations import BLOCK_ROWS, SET_BLOCKS, Configuration

PAIRS = SET_BLOCKS * BLOCK_ROWS
"""Rows of a set of blocks; each holds two words and a quarter of one of ``BLOCK_ROWS`` further words."""


def rows_of(words: np.ndarray, sizes: Configuration) -> np.ndarray:
    """int8, (rows, bytes of a row), from int8, (words, ``inputs * outputs``)."""
    words = np.ascontiguousarray(words, np.int8)
    if not sizes.parity:
        return words
    sets = -(-len(words) // (2 * PAIRS + BLOCK_ROWS))
    held = np.zeros((sets, 2 * PAIRS + BLOCK_ROWS, sizes.lanes), np.int8)
    held.reshape(-1, sizes.lanes)[: len(words)] = words
    pairs = held[:, : 2 * PAIRS].reshape(sets, PAIRS, 2 * sizes.lanes)
    quarter = sizes.lanes // SET_BLOCKS
    quarters = held[:, 2 * PAIRS :].reshape(sets, BLOCK_ROWS, SET_BLOCKS, quarter).swapaxes(1, 2)
    rows = np.concatenate([pairs, quarters.reshape(sets, PAIRS, quarter)], axis=2)
    rows = rows.reshape(sets * PAIRS, sizes.weight_row_bytes)
    return rows[: sizes.weight_rows(len(words))]


def words_of(content: np.ndarray, sizes: Configuration, count: int) -> np.ndarray:
    """The ``count`` words in the bytes of their rows, int8: :func:`rows_of` the other way."""
    rows = content.reshape(-1, sizes.weight_row_bytes)
    if not sizes.parity:
        return rows
    sets = -(-len(rows) // PAIRS)
    held = np.zeros((sets, PAIRS, sizes.weight_row_bytes), np.int8)
    held.reshape(-1, sizes.weight_row_bytes)[: len(rows)] = rows
    pairs, quarters = np.split(held, [2 * sizes.lanes], axis=2)
    ninths = quarters.reshape(sets, SET_BLOCKS, BLOCK_ROWS, sizes.lanes // SET_BLOCKS).swapaxes(1, 2)
    words = np.concatenate(
        [pairs.reshape(sets, 2 * PAIRS, sizes.lanes), ninths.reshape(sets, BLOCK_ROWS, sizes.lanes)], axis=1
    )
    return words.reshape(-1, sizes.lanes)[:count]
