"""How a layer walks over the banks: which pitches of its storages it likes, and what it costs when they are others."""

from dataclasses import dataclass

import numpy as np

from ...configurations import PIXELS, SIDE, Configuration
from ...program_formats import Epilogue, LayerOp
from .layers import ArrayLayer
from .lower_weighted import MAX_PASSES
from .predict import Work, cut_clocks, places_of, tiles_of


@dataclass(frozen=True)
class Layout:
    """How a storage's rows lie: ``pitch`` words apart, each with all its words (planes side by side), or with one.

    Attributes
    ----------
    planar : bool
        Each channel word has a plane of its own, which holds all rows.
    """

    pitch: int
    planar: bool = False


Layouts = dict[str, Layout]


@dataclass(frozen=True)
class Walk:
    """What a layer's descriptor says of its tiles or passes.

    Attributes
    ----------
    spread, out_spread : int
        Banks between neighbouring pixels of a tile, as read and as written.
    tile : int
        Pixels of a tile; windows of a clock.
    cut : bool
        Tiles end at row ends.
    tap_rows, tap_columns : int
        Rows and columns that a pass of a window takes: 3, or 1 where the taps lie apart.
    passes : tuple of int
        Passes along rows and columns, or kernel rows and columns of a POINT.
    """

    spread: int = 1
    out_spread: int = 1
    tile: int = PIXELS
    cut: bool = False
    tap_rows: int = 3
    tap_columns: int = 3
    passes: tuple[int, int] = (1, 1)

    def chained(self, layer: ArrayLayer, sizes: Configuration) -> bool:
        """Whether windows of one pass take a column from those before."""
        return self._side_by_side(layer, sizes) and self.passes[1] == 1

    def inner(self, layer: ArrayLayer, sizes: Configuration) -> bool:
        """Whether windows take a column from the pass before, and the first pass begins a column in front of them."""
        return self._side_by_side(layer, sizes) and self.passes[1] > 1

    def _side_by_side(self, layer: ArrayLayer, sizes: Configuration) -> bool:
        return layer.op is not LayerOp.POINT and sizes.chains and self.tile == sizes.windows


def spreads(sizes: Configuration) -> list[int]:
    """Distances of neighbouring pixels at which nine lie in different banks."""
    return [s for s in (1, 2, 3) if len({i * s % sizes.banks for i in range(PIXELS)}) == PIXELS]


def walk(layer: ArrayLayer, sizes: Configuration, in_pitch: int | None, out_pitch: int | None) -> Walk:
    """The layer's way over storages of those pitches; None is a pitch that suits it."""
    return _tiles(layer, sizes, in_pitch, out_pitch) if layer.op is LayerOp.POINT else _windows(layer, sizes, in_pitch)


def _tiles(layer: ArrayLayer, sizes: Configuration, in_pitch: int | None, out_pitch: int | None) -> Walk:
    banks, (rows, columns, _) = sizes.banks, layer.out_shape
    combines = layer.epilogue in (Epilogue.ADD, Epilogue.MULTIPLY)
    spread, follows = _spread(layer.stride, columns, sizes, in_pitch)
    out_spread, out_follows = _spread(layer.out_step, columns, sizes, out_pitch)
    if spread not in spreads(sizes) or (combines and out_spread not in spreads(sizes)):
        return Walk(1, 1, 1, False, passes=layer.kernel)
    fits = follows and (out_follows or not combines)
    fits = fits and (out_pitch is None or _beats_apart(layer, sizes, out_pitch % banks))
    return Walk(spread, out_spread if combines else 1, PIXELS, rows > 1 and not fits, passes=layer.kernel)


def _spread(step: tuple[int, int], columns: int, sizes: Configuration, pitch: int | None) -> tuple[int, bool]:
    """Banks from one pixel to the next, and whether it is the same across a row's end."""
    if pitch is None:
        return step[1] if columns > 1 else 1, True
    across = step[0] * pitch % sizes.banks
    if columns == 1:  # pixels lie a row apart, whatever the strides
        return (across, True) if across in spreads(sizes) else (1, False)
    return step[1], across == columns * step[1] % sizes.banks


def _beats_apart(layer: ArrayLayer, sizes: Configuration, out_pitch: int) -> bool:
    """Successive pixels that are written in one clock lie in different banks, wherever a tile begins."""
    rows, columns, _ = layer.out_shape
    rows = min(rows, PIXELS + 2)  # a beat reaches no further, and every row's end is like the first
    oy, ox = np.divmod(np.arange(rows * columns), columns)
    banks = (oy * layer.out_step[0] * out_pitch + ox * layer.out_step[1]) % sizes.banks
    return all((banks[n:] != banks[: len(banks) - n]).all() for n in range(1, min(sizes.beat_pixels, len(banks))))


def _windows(layer: ArrayLayer, sizes: Configuration, in_pitch: int | None) -> Walk:
    rows, columns = layer.kernel
    if layer.op is LayerOp.MAXIMUM:
        tap_rows, tap_columns = 1, 1
    else:
        thirds = in_pitch is None or in_pitch % sizes.banks in (sizes.columns, 2 * sizes.columns)
        tap_rows = 3 if layer.dilation[0] == 1 and thirds else 1
        tap_columns = 3 if layer.dilation[1] == 1 else 1
    passes = -(-rows // tap_rows), -(-columns // tap_columns) * layer.repeats
    stride = layer.stride[1]
    spread = stride if 1 <= stride <= SIDE else 0
    beside = sizes.side_by_side(spread) if spread else 1
    if sizes.chains and (layer.op, tap_columns, stride, layer.repeats) == (LayerOp.WINDOW, 3, 1, 1):
        chained = passes[0], -(-(columns + 1) // SIDE)  # a column more, but more windows in a clock
        fits = not layer.shared and chained[1] > 1 and chained[0] * chained[1] <= MAX_PASSES
        if passes == (1, 1) and layer.pad[1] == 1:
            beside = sizes.windows
        elif fits and chained[1] * beside < passes[1] * sizes.windows:
            beside, passes = sizes.windows, chained
    written = {j * layer.out_step[1] % sizes.banks for j in range(beside)}
    beside = beside if len(written) == beside else 1
    return Walk(spread or 1, 1, beside, False, tap_rows, tap_columns, passes)


def work(
    number: int, layer: ArrayLayer, way: Walk, sizes: Configuration, rows: int, after: int = 0, waits: bool = False
) -> Work:
    """What ``rows`` output rows ask of the accelerator."""
    columns, channels = layer.out_shape[1], layer.out_shape[2]
    count = way.passes[0] * way.passes[1]
    common = number, layer.op, layer.epilogue
    if layer.op is LayerOp.POINT:
        shape = rows, columns, way.tile, way.cut
        groups, sums, cut = (
            -(-channels // sizes.outputs),
            count * -(-layer.in_shape[2] // sizes.inputs),
            cut_clocks(*shape),
        )
        return Work(*common, tiles_of(*shape) * groups, sums, pace(layer, sizes), 1, 0, cut, groups, after, waits)
    places = places_of(rows, columns, way.tile)
    sets = 0 if layer.op is LayerOp.MAXIMUM else 1 if layer.shared else count
    return Work(*common, -(-channels // sizes.word), count, pace(layer, sizes), places, sets, after=after, waits=waits)


def clocks(layer: ArrayLayer, way: Walk, sizes: Configuration, rows: int) -> int:
    """Clocks that ``rows`` output rows take the array, without waiting."""
    return work(0, layer, way, sizes, rows).clocks(sizes)


def total_clocks(layer: ArrayLayer, way: Walk, sizes: Configuration, rows: int) -> int:
    """Clocks of a layer in steps of ``rows`` rows, without waiting."""
    whole, rest = divmod(layer.out_shape[0], rows)
    return whole * clocks(layer, way, sizes, rows) + (clocks(layer, way, sizes, rest) if rest else 0)


def pace(layer: ArrayLayer, sizes: Configuration) -> int:
    """Clocks at least from the end of one group to the next."""
    least = sizes.beats if layer.op is LayerOp.POINT else 1
    if layer.epilogue is Epilogue.PLAIN:
        return least
    if layer.op is LayerOp.POINT:
        return max(least, -(-PIXELS * sizes.outputs // sizes.combiners))
    return -(-sizes.lanes // sizes.combiners) + 1  # a beat of windows takes all the lanes for a clock
