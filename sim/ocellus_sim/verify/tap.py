"""The beats of results at the accelerator's tap, put together to the rows that each step has written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.configurations import Configuration
from ocellus.program_formats import BANK_BITS, LINE_BITS, LayerOp

_CHUNK = 1 << 13
"""Beats that are taken apart at a time: their bits, a byte each, are hundreds of times as large."""


class Tapped:
    """What passed the tap.

    Parameters
    ----------
    c : Configuration
    words : ndarray
        uint64, a row of words a beat.
    stamps : ndarray or None
        The clock of each beat.
    """

    def __init__(self, c: Configuration, words: NDArray[np.uint64], stamps: NDArray[np.uint64] | None = None):
        self.configuration = c
        words = np.ascontiguousarray(words[:, None] if words.ndim == 1 else words)
        # An empty one gives the arrays their shapes where nothing has passed.
        parts = [_Beats.of(c, words[at : at + _CHUNK]) for at in range(0, max(len(words), 1), _CHUNK)]
        self.beats = _Beats(
            *(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True))
        )
        self.stamps = np.zeros(len(words), np.int64) if stamps is None else stamps.astype(np.int64)

    def steps(self, program: Program, first_pass: bool = False) -> Iterator[tuple[int, NDArray[np.int8], int]]:
        """Each step's number, its results (rows, columns, channels of all groups), and the clock of its first beat.

        ``first_pass`` gives, for layers with an epilogue, what the requantiser made in front of it.
        AssertionError when something was written to another place, or not at all, or as what it is not.
        """
        c = self.configuration
        used = dict.fromkeys(range(len(program.layers)), 0)
        pieces = {n: self._pieces(n, program.layers[n], first_pass) for n in used}
        for number, step in enumerate(program.steps):
            layer = program.layers[step["layer"]]
            if first_pass and not layer["epilogue"]:
                continue
            found, values, stamps = pieces[step["layer"]]
            wide = values.shape[1]
            places = expected_places(c, layer, step)
            count = places.size
            at = used[step["layer"]]
            used[step["layer"]] += count
            got = found[at : at + count]
            assert len(got) == count, f"step {number}: {len(got)} of {count} pieces at the tap"
            order, want_order = np.argsort(got, kind="stable"), np.argsort(places.ravel(), kind="stable")
            assert (got[order] == places.ravel()[want_order]).all(), f"step {number}: written elsewhere"
            result = np.empty((count, wide), np.int8)
            result[want_order] = values[at : at + count][order]
            yield number, result.reshape(step["rows"], layer["out_columns"], -1), int(stamps[at])
        for number, (found, _, _) in pieces.items():
            more = len(found) - used[number]
            assert first_pass or not more, f"layer {number}: {more} pieces too many at the tap"

    def layers(self, program: Program, first_pass: bool = False) -> dict[int, NDArray[np.int8]]:
        """Each layer's results, all steps in order: (rows, columns, channels of all groups)."""
        parts: dict[int, list[NDArray[np.int8]]] = {}
        for number, values, _ in self.steps(program, first_pass):
            parts.setdefault(program.steps[number]["layer"], []).append(values)
        return {layer: np.concatenate(found) for layer, found in parts.items()}

    def _pieces(
        self, number: int, layer: Mapping[str, int], first_pass: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64]]:
        """Byte place, bytes and clock of each pixel and group of the layer, in order."""
        c, b = self.configuration, self.beats
        point, epilogue = layer["op"] == LayerOp.POINT, bool(layer["epilogue"])
        mine = b.layer == number
        assert (b.point[mine] == point).all(), f"layer {number}: beats of another operation at the tap"
        assert (b.epilogue[mine] == epilogue).all(), f"layer {number}: beats with another epilogue at the tap"
        here = np.flatnonzero(mine & (b.second != first_pass) if epilogue else mine)
        wide, beat = (c.outputs, c.beat_pixels) if point else (c.word, c.windows)
        exists = b.exists[here][:, :beat]
        values = b.value[here][:, : beat * wide].reshape(-1, beat, wide)
        subs = b.sub[here][:, None] * (c.outputs if point else 0)
        places = b.word[here][:, :beat] * c.word + subs
        stamps = np.broadcast_to(self.stamps[here][:, None], exists.shape)
        return places[exists], values[exists], stamps[exists]


@dataclass(frozen=True)
class _Beats:
    """The members of ``tapped`` that count, an entry a beat."""

    layer: NDArray[np.int64]
    point: NDArray[np.bool_]
    epilogue: NDArray[np.bool_]
    second: NDArray[np.int64]
    exists: NDArray[np.bool_]
    word: NDArray[np.int64]
    sub: NDArray[np.int64]
    value: NDArray[np.int8]

    @classmethod
    def of(cls, c: Configuration, words: NDArray[np.uint64]) -> "_Beats":
        """Beats taken apart, in the order of the gateware's structure ``tapped``."""
        n = max(c.beat_pixels, c.windows)
        bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
        at = 0

        def take(count: int, each: int) -> NDArray[np.int64]:
            nonlocal at
            piece = bits[:, at : at + count * each].reshape(len(bits), count, each)
            at += count * each
            octets = np.packbits(piece, axis=2, bitorder="little").astype(np.int64)
            return octets @ (1 << 8 * np.arange(octets.shape[2], dtype=np.int64))

        layer = take(1, 8)[:, 0]
        point, epilogue = take(1, 2)[:, 0] == LayerOp.POINT, take(1, 1)[:, 0].astype(bool)
        second = take(1, 1)[:, 0]
        exists = take(n, 1).astype(bool)
        lines, banks = take(n, LINE_BITS), take(n, BANK_BITS)
        sub = take(1, max(1, (c.word // c.outputs - 1).bit_length()))[:, 0]
        value = take(c.lanes, 8).astype(np.uint8).view(np.int8)
        return cls(layer, point, epilogue, second, exists, lines * c.banks + banks, sub, value)


def expected_places(c: Configuration, layer: Mapping[str, int], step: Mapping[str, int]) -> NDArray[np.int64]:
    """(rows, columns, groups): byte places that the step writes, a group of channels each."""

    def place(fields: Mapping[str, int], name: str) -> int:
        return fields[f"{name}_line"] * c.banks + fields[f"{name}_bank"]

    point = layer["op"] == LayerOp.POINT
    wide, before = (c.outputs, 0) if point else (c.word, c.first_window(layer["tile"]))
    oy, ox, g = np.mgrid[: step["rows"], : layer["out_columns"], : layer["groups"]]
    word, sub = np.divmod(g * wide, c.word)
    at = place(step, "out") + oy * place(layer, "out_row") + (ox + before) * place(layer, "out_pixel")
    at = at + word * place(layer, "out_plane") - np.where(oy >= step["out_wrap"], layer["out_ring_lines"] * c.banks, 0)
    return at % (c.banks << LINE_BITS) * c.word + sub


def most_beats(program: Program) -> int:
    """As many beats as one inference can have at the tap; a tile has all of its own, even those without a pixel."""
    beats = 0
    for step in program.steps:
        layer = program.layers[step["layer"]]
        rows, columns, passes = step["rows"], layer["out_columns"], 2 if layer["epilogue"] else 1
        if layer["op"] == LayerOp.POINT:
            tiles = rows * -(-columns // layer["tile"]) if layer["cut"] else -(-rows * columns // layer["tile"])
            beats += tiles * layer["groups"] * program.configuration.beats * passes
        else:
            beats += rows * columns * layer["groups"] * passes
    return beats
