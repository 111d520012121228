"""How many clocks a program takes, layer by layer: the accelerator's pace, worked out step by step.

docs/cnn.md tells the rules that this follows. Everything is waited for but the rows of the input, which come as they
come.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...configurations import PIXELS, Configuration
from ...program_formats import Epilogue, LayerOp
from .pipeline import drain, wheel

FETCH_STEP, FETCH_LAYER = 11, 26
"""Clocks from one step's beginning until the next is fetched, and more if its layer is another."""
ARRIVAL = 8
"""Clocks from the last byte of the rows that a step waits for to its beginning."""
CUT = 5
"""Clocks from a step's fetch to a convolution's first command, besides those in which its first tile is cut."""
CUT_AGAIN = 5
"""The same from the clock in which the last tile of the convolution before is cut."""
SIDE = 3
"""Pixels that are cut in a clock."""
SETS = 16
"""Sets of nine taps that the store of windows holds."""
FREE = 5
"""Clocks from a convolution's last command to the first read of the weight memory that it leaves free."""
PROMISED = 2
"""Clocks from a set's last read to the first command that finds it."""
RETURNED = 3
"""Clocks from a group's last command, besides the wheel's, until its sets have given way."""
COMBINED = 1
"""Clocks by which another layer may begin sooner than a step that needs the combined results."""
FIRST_LEFT, SETTLED = 2, 15
"""Clocks from a step's first command until the next may begin to be made, and a step of another layer."""

_LONG = 1 << 16
"""Clocks of a wait for rows, which no step is charged with."""

Fields = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What a step asks of the accelerator.

    Attributes
    ----------
    layer : int
        Its number.
    after : int
        Steps that must be complete before it.
    waits : bool
        It needs rows of the input that no step before needs.
    op, epilogue : int
    groups : int
        Groups, for a convolution those of all tiles.
    sums : int
        Commands of a group's sums; for windows those of one place.
    places : int
        Places that a group has: 1 for a convolution.
    pace : int
        Clocks at least from one end of sums to the next.
    sets : int
        Sets of weights that a group of windows takes.
    cut, tile_groups : int
        Clocks in which a convolution's tile is cut, and its groups.
    """

    layer: int
    op: int
    epilogue: int
    groups: int
    sums: int
    pace: int
    places: int = 1
    sets: int = 0
    cut: int = 0
    tile_groups: int = 1
    after: int = 0
    waits: bool = False

    @property
    def point(self) -> bool:
        """It is a convolution."""
        return self.op == LayerOp.POINT

    @property
    def operand(self) -> int:
        """Commands that read a second operand: one behind the sums."""
        return int(self.epilogue in (Epilogue.ADD, Epilogue.MULTIPLY))

    @property
    def least(self) -> int:
        """Clocks of a group that nothing holds up."""
        return (self.places - 1) * self.each + self.sums + self.operand

    @property
    def each(self) -> int:
        """Clocks from one end of sums to the next, all in all."""
        return max(self.sums + self.operand, self.pace)

    def group(self, sizes: Configuration) -> int:
        """Clocks from one group's beginning to the next, by the pace of sums and of the parameters' fetches."""
        words = -(-(sizes.outputs if self.point else sizes.word) // sizes.parameter_lanes)
        return max(self.places * self.each, words)

    def tile(self, sizes: Configuration) -> int:
        """Clocks from one tile of a convolution to the next, which has been cut by then."""
        return max(self.tile_groups * self.group(sizes), self.cut)

    def clocks(self, sizes: Configuration) -> int:
        """Clocks of all groups, when weights come at their own pace, one word a clock."""
        if self.point:
            return self.groups // self.tile_groups * self.tile(sizes)
        return self.groups * max(self.group(sizes), self.sets * sizes.window_words)


def predict(sizes: Configuration, layers: Sequence[Fields], steps: Sequence[Fields], behind: int = 0) -> list[int]:
    """Clocks of each layer; the inlet is ``behind`` clocks longer with each row of the input."""
    works, rows = [], 0
    for step in steps:
        works.append(_work(sizes, layers[step["layer"]], step, step["wait_rows"] > rows))
        rows = max(rows, step["wait_rows"])
    clocks = [0] * len(layers)
    for work, took in zip(works, Clockwork(sizes, behind).run(works), strict=True):
        clocks[work.layer] += took
    return clocks


def _work(sizes: Configuration, layer: Fields, step: Fields, waits: bool) -> Work:
    columns, count = layer["out_columns"], layer["kernel_rows"] * layer["kernel_columns"]
    common = step["layer"], layer["op"], layer["epilogue"]
    if layer["op"] == LayerOp.POINT:
        shape = step["rows"], columns, layer["tile"], bool(layer["cut"])
        tiles, cut = tiles_of(*shape), cut_clocks(*shape)
        groups, sums = tiles * layer["groups"], count * layer["chunks"]
        return Work(*common, groups, sums, layer["pace"], 1, 0, cut, layer["groups"], step["after"], waits)
    places = places_of(step["rows"], columns, layer["tile"])
    sets = 0 if layer["op"] == LayerOp.MAXIMUM else 1 if layer["shared"] else count
    return Work(*common, layer["groups"], count, layer["pace"], places, sets, after=step["after"], waits=waits)


def tiles_of(rows: int, columns: int, tile: int, cut: bool) -> int:
    """Tiles of a convolution's step."""
    return rows * -(-columns // tile) if cut else -(-rows * columns // tile)


def cut_clocks(rows: int, columns: int, tile: int, cut: bool) -> int:
    """Clocks in which the first tile of a step is cut: three pixels a clock, one of short tiles or rows."""
    pixels = min(columns if cut else rows * columns, tile)
    return -(-pixels // SIDE) if tile == PIXELS and columns >= SIDE else pixels


def places_of(rows: int, columns: int, tile: int) -> int:
    """Places of windows in a step, each of one window or of several side by side."""
    return rows * -(-columns // tile)


class Clockwork:
    """Counts the clocks of one step after the other.

    A command's clock is that in which it leaves the walk. It is made a clock before; where commands are held back, two
    clocks after the one three before it has left: that much sooner the next step begins to be made, and the one behind
    it to be fetched.
    """

    def __init__(self, sizes: Configuration, behind: int = 0) -> None:
        self.sizes = sizes
        self._arrival = ARRIVAL + behind
        self.now = 0  # the last command's clock
        self._left, self._made, self._first = deque([-1] * 4, 4), 0, -SETTLED
        self._begun, self._layer = -FETCH_STEP - FETCH_LAYER - CUT - PIXELS, -1  # hidden behind the first rows
        self._cut = 0  # the last clock in which a tile was cut
        self._paced = 0  # sums may not end before
        self._combined = 0  # no other layer before
        self._complete: list[int] = []
        # The store of windows: the next word may be read, the port is free again, and of how many of its clocks till
        # then; and when sets give way.
        self._reads, self._port, self._idle = 0, 0, 0.0
        self._returns = deque([0] * SETS, SETS)

    def run(self, works: Sequence[Work]) -> list[int]:
        """Clocks from the end of one step to the end of the next, those in which it is fetched among the one before."""
        found = []
        for work in works:
            fetch, took = self._step(work)
            found[-1:] = [n + fetch for n in found[-1:]]
            found.append(took)
        if works:
            found[-1] += self._complete[-1] - self.now
        return found

    def _step(self, work: Work) -> tuple[int, int]:
        """Clocks of its fetch that nothing hides, and its other clocks."""
        if work.waits:  # long enough for all else to be over
            self.now += _LONG
        end = self.now
        other = work.layer != self._layer
        fetched = self._begun + FETCH_STEP + (FETCH_LAYER if other else 0)
        asks = max(fetched, self._reads) if work.sets else fetched
        if work.sets:
            fetched = asks + 1
        made = max(self._made, fetched + 1, self._first + (SETTLED if other else FIRST_LEFT))
        if work.after:
            made = max(made, self._complete[work.after - 1] - 1)
        if other:
            made = max(made, self._combined - 1)
        begin = max(end, made + 1)
        fetch = min(max(0, fetched - end - 1), begin - end)
        if work.waits:
            begin += self._arrival
            made = begin - 1
        self._begun, self._layer = made, work.layer
        first = begin + 1
        if work.point:
            cut = max(fetched + CUT, self._cut + CUT_AGAIN) + work.cut
            self.now = self._convolution(work, max(first, cut)) - 1
        else:
            self.now = self._windows(work, first, asks + 1) - 1
        commands = work.groups * work.places * (work.sums + work.operand)
        self._made = max(made + commands, self._left[0] + 2)
        done = self.now - work.operand + drain(self.sizes, work.op, work.epilogue)
        self._complete.append(done)
        if work.epilogue != Epilogue.PLAIN:
            self._combined = done - COMBINED
        return fetch, self.now - end - fetch

    def _held(self, work: Work, first: int) -> int:
        """The first command's clock, or later as the end of its sums is held."""
        return first + max(0, self._paced - (first + work.sums - 1))

    def _leave(self, work: Work, first: int, last: int) -> None:
        """A group's last place: all but the last command leave as soon as they may."""
        count = work.sums + work.operand
        self._left.extend(range(first + max(0, count - 4), first + count - 1))
        self._left.append(last)

    def _convolution(self, work: Work, first: int) -> int:
        """One behind the last command."""
        free, first = first, self._held(work, first)
        self._first = first if work.sums == 1 else free
        group, tile = work.group(self.sizes), work.tile(self.sizes)
        last_tile = first + (work.groups // work.tile_groups - 1) * tile
        end = last_tile + (work.tile_groups - 1) * group + work.least
        # A tile is cut from the beginning of the one before on.
        self._cut = last_tile - 1 - (tile - work.cut if last_tile > first else 0)
        for n in reversed(range(min(work.groups, 4))):
            last = end - 1 - n // work.tile_groups * tile - n % work.tile_groups * group
            self._leave(work, free if n == work.groups - 1 else self._left[-1] + 1, last)
        self._paced = end - 1 - work.operand + work.pace
        self._port, self._idle = end - 1 + FREE, 1 - work.groups * work.sums / (end - first)
        return end

    def _windows(self, work: Work, first: int, read: int) -> int:
        """One behind the last command."""
        sizes = self.sizes
        end = begin = first
        self._first = 0
        returned = RETURNED + wheel(sizes)
        self._reads = max(self._reads, read)
        for _ in range(work.groups):
            for _ in range(work.sets):
                self._read(max(self._reads, self._returns[0]), sizes.window_words)
                self._returns.append(0)
            if work.sets:
                begin = max(begin, self._reads - 1 + PROMISED)
            begin = self._held(work, max(begin, end))
            end = begin + work.least
            self._first = self._first or begin
            for n in reversed(range(min(work.places, 4))):
                last = end - 1 - n * work.each
                self._leave(work, begin if n == work.places - 1 else self._left[-1] + 1, last)
            for n in range(work.sets):
                self._returns[-1 - n] = end - 1 + returned
            self._paced = end - 1 - work.operand + work.pace
            begin += work.group(sizes)
        return end

    def _read(self, begin: int, words: int) -> None:
        """A set is read, in between the reads of a convolution as long as it lasts."""
        busy = max(0, self._port - begin)
        between = int(busy * self._idle)
        if not busy:
            self._reads = begin + words
        elif words <= between:
            self._reads = begin + int(words / self._idle)
        else:
            self._reads = self._port + words - between
