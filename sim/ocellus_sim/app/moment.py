"""When a difference was seen: the clock at which its element passed the tap."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.formats import PIXELS_PER_CLOCK
from ocellus_sim.verify.tap import Tapped

from .agreement import Check
from .observation import Observation

BYTES_A_BEAT = 8


def clock_of(check: Check, got: Observation, program: Program) -> int | None:
    """The clock of the first element that differs; None where no beat belongs to it."""
    different = check.difference
    if different is None:
        return None
    stage, _, rest = check.stage.partition(" ")
    if stage == "layer":
        return _in_layer(int(rest.partition(",")[0]), different.at, got, program)
    element = int(np.ravel_multi_index(different.at, different.got.shape)) if different.at else 0
    elements_a_beat = {"raw": PIXELS_PER_CLOCK, "rgb": 3, "record": BYTES_A_BEAT, "bytes": BYTES_A_BEAT}.get(stage, 1)
    return _stamp(got.stamps.get({"bytes": "out", "image": "raw"}.get(stage, stage)), element // elements_a_beat)


def _stamp(stamps: NDArray[Any] | None, beat: int) -> int | None:
    return None if stamps is None or not len(stamps) else int(stamps[min(beat, len(stamps) - 1)])


def _in_layer(number: int, at: tuple[int, ...], got: Observation, program: Program) -> int | None:
    """The first beat of the step that made the row; where the layer could not be put together, its first beat."""
    tapped = Tapped(program.configuration, got.layer_words, got.stamps["layer"])
    rows = 0
    try:
        for step, values, clock in tapped.steps(program):
            if program.steps[step]["layer"] == number:
                rows += len(values)
                if not at or at[0] < rows:
                    return clock
    except AssertionError:
        pass  # what is missing, or elsewhere, is the difference
    here = np.flatnonzero(tapped.beats.layer == number)
    return int(tapped.stamps[here[0]]) if len(here) else _stamp(got.stamps["layer"], 0)
