"""Steps that begin while the one before still drains: what they read first was written long ago.

A convolution goes through its groups of output channels tile by tile, windows go word by word. When a step ends, only
the results of its last commands are under way, and these are the storage's last channel words. A step that reads these
late enough need not wait.
"""

from collections.abc import Sequence
from dataclasses import replace

from ...configurations import Configuration
from ...program_formats import Epilogue
from .layers import ArrayLayer, Plan
from .pipeline import drain
from .predict import Work
from .schedule import Rows, Waits, writers

_MARGIN = 1
"""Clocks by which a read comes later than it might."""


def overlapped(plan: Plan, steps: Sequence[Rows], found: Sequence[Waits], works: Sequence[Work]) -> list[Waits]:
    """The waits, less those for a step directly before which drains in time."""
    result = list(found)
    for n, needed in enumerate(writers(plan, steps)):  # step n, from 0 on, needs steps counted from 1 on
        if n in needed and drains_in_time(plan, works[n - 1], works[n]):
            result[n] = replace(found[n], after=max(needed - {n}, default=0))
    return result


def drains_in_time(plan: Plan, before: Work, work: Work) -> bool:
    """Whether every word that ``before`` writes is there when ``work``, which follows at once, first reads it."""
    sizes = plan.sizes
    writer, reader = plan.layers[before.layer], plan.layers[work.layer]
    if before.epilogue != Epilogue.PLAIN or reader.operand == writer.output:
        return False
    first, begin = writer.out_origin[2] // sizes.word, reader.in_origin[2] // sizes.word
    late = drain(sizes, before.op, before.epilogue) + _MARGIN
    last = -(-writer.out_shape[2] // sizes.word)
    return all(
        _read(work, reader, sizes, first + n - begin) + 1 >= late - _before_end(before, writer, sizes, n)
        for n in range(last)
        if first + n >= begin
    )


def _before_end(work: Work, layer: ArrayLayer, sizes: Configuration, word: int) -> int:
    """Clocks at least from the last command for a channel word of the output to the step's last."""
    groups = -(-layer.out_shape[2] // (sizes.outputs if work.point else sizes.word))
    pieces = sizes.word // sizes.outputs if work.point else 1
    behind = max(0, groups - pieces * (word + 1))
    return behind * (work.each if work.point else work.places * work.each)


def _read(work: Work, layer: ArrayLayer, sizes: Configuration, word: int) -> int:
    """Clocks at least from a step's first command to the first that reads a channel word of its source."""
    if work.point:
        return word * (sizes.word // sizes.inputs)
    return word * work.places * work.each
