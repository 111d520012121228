"""How many clocks of an inference the accelerator stood still for want of the tensor's rows, seen from outside.

The accelerator's own counter ``input`` also holds the clocks in which a step waits for earlier results, or is fetched.
Those are the accelerator's, and stay in its cycles. Here only clocks count in which no step was under way, and the rows
that the next step asks for had not come: their last byte had not been taken.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program

Changes = Sequence[tuple[int, int]]
"""Clock and value wherever a port's value differs from the clock before, as a watch notes them."""
_PIPE = 12
"""Less than the clocks from a step's first command to its first result at the tap."""
_BEGIN = 2
"""Clocks after the first byte in which the counters do not run yet."""


class Shown:
    """What a port has shown, clock by clock."""

    def __init__(self, changes: Changes) -> None:
        self._clocks = np.array([clock for clock, _ in changes], np.int64)
        self._values = np.array([value for _, value in changes], np.int64)

    def at(self, clock: int) -> int:
        """The value in a clock."""
        found = int(np.searchsorted(self._clocks, clock, side="right")) - 1
        return int(self._values[max(found, 0)])

    def runs(self, begin: int, end: int) -> list[tuple[int, int, int]]:
        """(first clock, one behind the last, value) for each stretch of one value between two clocks."""
        inner = self._clocks[(self._clocks > begin) & (self._clocks < end)].tolist()
        bounds = [begin, *inner, end]
        return [(a, b, self.at(a)) for a, b in pairwise(bounds) if b > a]


def bytes_taken(ready: Shown, begin: int, end: int) -> NDArray[np.int64]:
    """The clock of each byte: one is offered in every clock from ``begin`` on."""
    stretches = [np.arange(a, b) for a, b, value in ready.runs(begin, end) if value]
    return np.concatenate(stretches) if stretches else np.empty(0, np.int64)


def sensor_waits(
    program: Program, walks: Shown, layer: Shown, taken: NDArray[np.int64], first_beats: Sequence[int], end: int
) -> NDArray[np.int64]:
    """Clocks that each layer has waited for rows of the tensor.

    Parameters
    ----------
    walks, layer : Shown
        ``o_busy`` and ``o_layer``.
    taken : ndarray
        The clock of each byte of the tensor.
    first_beats : sequence of int
        The clock of each step's first result at the tap.
    end : int
        A clock behind the inference.
    """
    waits = np.zeros(len(program.layers), np.int64)
    row_bytes = program.header["input_columns"] * program.header["input_channels"]
    of_layer = [[n for n, step in enumerate(program.steps) if step["layer"] == k] for k in range(len(program.layers))]
    for begin, until, busy in walks.runs(int(taken[0]) + _BEGIN, end):
        if busy or until == end:
            continue
        # The step that begins when the pause is over is the first of its layer whose results come afterwards.
        later = (n for n in of_layer[layer.at(until)] if first_beats[n] > until + _PIPE)
        step = next(later, None)
        rows = 0 if step is None else program.steps[step]["wait_rows"]
        if not rows:
            continue
        came = int(taken[rows * row_bytes - 1])
        for a, b, number in layer.runs(begin, max(begin, min(came + 1, until))):
            waits[number] += b - a
    return waits
