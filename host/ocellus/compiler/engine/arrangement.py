"""The order of work and the places together: whole layers where they fit, few rows at a time where they must."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import BadInput
from .geometry import Pitches
from .layers import Plan
from .placement import Place, peak_words, place
from .schedule import Rows, Waits, in_one_go, interleaved, waits


@dataclass(frozen=True)
class Arrangement:
    """Steps with their waits, and where everything lies."""

    steps: Sequence[Rows]
    waits: Sequence[Waits]
    places: dict[str, Place]
    peak: int

    @property
    def last(self) -> int:
        """Number of the last step."""
        return len(self.steps) - 1


def arranged(plan: Plan, steps: Sequence[Rows], pitches: Pitches) -> Arrangement:
    """Those steps with their waits and places; :class:`BadInput` when the memory is too small."""
    found = waits(plan, steps)
    places = place(plan, steps, found, pitches)
    return Arrangement(steps, found, places, peak_words(plan, places))


def arrange(plan: Plan, pitches: Pitches) -> Arrangement:
    """As few steps as the memory allows: the first layers by rows, all others whole."""
    numbers = range(len(plan.layers))
    refusal: BadInput | None = None
    for count in range(len(plan.layers) + 1):
        head, tail = numbers[:count], numbers[count:]
        rows = [_rows(plan, n) for n in head]
        try:
            return arranged(plan, [*interleaved(plan, head, rows), *in_one_go(plan, tail)], pitches)
        except BadInput as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def _rows(plan: Plan, number: int) -> int:
    """Rows of a step: as many as fill tiles of nine, when that takes few."""
    rows, columns, _ = plan.layers[number].out_shape
    return min(rows, next(n for n in (3, 1, 9) if n * columns % 9 == 0 or n == 9) if columns % 9 else 3)
