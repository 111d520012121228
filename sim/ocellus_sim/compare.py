"""Two arrays that must be equal, and where they first are not: the message of every failing comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Neighbours shown on each side: few enough for one line of a terminal.
_ROWS, _COLUMNS = 1, 3


@dataclass(frozen=True, eq=False)
class Difference:
    """Where two arrays first part.

    Attributes
    ----------
    at : tuple of int
        Index of the first element that differs, in the order the data flows; of arrays of other shapes, ().
    want, got : ndarray
        The arrays; of vectors of other lengths, what they have in common.
    """

    message: str
    at: tuple[int, ...] = ()
    want: NDArray = field(default_factory=lambda: np.zeros(0))
    got: NDArray = field(default_factory=lambda: np.zeros(0))

    def __str__(self) -> str:
        return self.message


def first_difference(
    stage: str,
    want: ArrayLike | bytes | bytearray,
    got: ArrayLike | bytes | bytearray,
    axes: Sequence[str] = ("row", "column", "channel"),
) -> str | None:
    """The message of `difference`, or None."""
    found = difference(stage, want, got, axes)
    return None if found is None else found.message


def difference(
    stage: str,
    want: ArrayLike | bytes | bytearray,
    got: ArrayLike | bytes | bytearray,
    axes: Sequence[str] = ("row", "column", "channel"),
) -> Difference | None:
    """None if ``got`` equals ``want``, else the first differing element and a message that names it.

    Parameters
    ----------
    stage
        Where the arrays come from; opens the message.
    want, got
        What the golden model says and what the hardware gave; any shape and type, bytes too. Values are compared, not
        types; of floating-point numbers, two NaN are equal.
    axes
        Names of the axes from the first on.

    Returns
    -------
    Difference or None
        Its message has stage, coordinates, both values, the number of differing elements, and the neighbourhood in both
        arrays. Where the shapes differ the message says so; of two vectors it has their lengths, counted in
        ``axes[0]``, and the first difference within the shorter.
    """
    wanted, given = _array(want), _array(got)
    if wanted.shape != given.shape:
        if wanted.ndim != 1 or given.ndim != 1:
            return Difference(f"{stage}: got shape {given.shape}, wanted {wanted.shape}.", (), wanted, given)
        what = axes[0] if axes else "element"
        message = f"{stage}: got {len(given)} {what}{'' if len(given) == 1 else 's'}, wanted {len(wanted)}"
        n = min(len(wanted), len(given))
        inner = difference(stage, wanted[:n], given[:n], axes)
        if inner is None:
            return Difference(f"{message}; as far as both go they are equal.", (), wanted[:n], given[:n])
        return Difference(f"{message}.\n{inner.message}", inner.at, inner.want, inner.got)
    differs = _differs(wanted, given)
    count = int(np.count_nonzero(differs))
    if count == 0:
        return None
    # C order: the first in the order the data flows.
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    names = [*axes[: len(at)], *(f"axis {k}" for k in range(len(axes), len(at)))]
    place = ", ".join(f"{name} {i}" for name, i in zip(names, at, strict=True)) or "the value"
    message = (
        f"{stage}: first difference at {place}: want {wanted[at]}, got {given[at]}; "
        f"{count} of {differs.size} elements differ." + (_neighbourhood(wanted, given, at, names) if at else "")
    )
    return Difference(message, at, wanted, given)


def _array(values: ArrayLike | bytes | bytearray) -> NDArray:
    return np.frombuffer(values, np.uint8) if isinstance(values, bytes | bytearray) else np.asarray(values)


def _differs(want: NDArray, got: NDArray) -> NDArray[np.bool_]:
    differs = np.asarray(want != got, np.bool_)
    if want.dtype.kind == got.dtype.kind == "f":
        differs &= ~(np.isnan(want) & np.isnan(got))
    return differs


def _neighbourhood(want: NDArray, got: NDArray, at: tuple[int, ...], names: list[str]) -> str:
    """The elements around ``at``: along the first two axes, the others held; of a vector, along it."""
    reach = (_COLUMNS + 1,) if len(at) == 1 else (_ROWS, _COLUMNS)
    window = tuple(slice(max(0, i - r), i + r + 1) for i, r in zip(at, reach, strict=False))
    here = (*window, *at[len(window) :])
    spans = ", ".join(f"{name} {w.start}.." for name, w in zip(names, window, strict=False))
    blocks = (
        f"\n{title} from {spans}\n{np.array2string(part[here])}" for title, part in (("want", want), ("got", got))
    )
    return "".join(blocks)
