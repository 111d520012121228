"""Two arrays that must be equal, and where they first are not: the message of every failing comparison."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Neighbours shown on each side: few enough for one line of a terminal.
_ROWS, _COLUMNS = 1, 3


def first_difference(
    stage: str,
    want: ArrayLike | bytes | bytearray,
    got: ArrayLike | bytes | bytearray,
    axes: Sequence[str] = ("row", "column", "channel"),
) -> str | None:
    """None if ``got`` equals ``want``, else a message that names the first differing element.

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
    str or None
        Stage, coordinates, both values, the number of differing elements, and the neighbourhood in both arrays. Where
        the shapes differ the message says so, and of two vectors it names the first difference within the shorter.
    """
    wanted, given = _array(want), _array(got)
    if wanted.shape != given.shape:
        message = f"{stage}: shape {given.shape} instead of {wanted.shape}"
        if wanted.ndim != 1 or given.ndim != 1:
            return message + "."
        n = min(len(wanted), len(given))
        inner = first_difference(stage, wanted[:n], given[:n], axes)
        return f"{message}; the {n} common elements are equal." if inner is None else f"{message}.\n{inner}"
    differs = _differs(wanted, given)
    count = int(np.count_nonzero(differs))
    if count == 0:
        return None
    # C order: the first in the order the data flows.
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    names = [*axes[: len(at)], *(f"axis {k}" for k in range(len(axes), len(at)))]
    place = ", ".join(f"{name} {i}" for name, i in zip(names, at, strict=True)) or "the value"
    return (
        f"{stage}: first difference at {place}: want {wanted[at]}, got {given[at]}; "
        f"{count} of {differs.size} elements differ." + (_neighbourhood(wanted, given, at, names) if at else "")
    )


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
