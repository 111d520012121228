"""The accelerator on the bench: loads programs, sends tensors, and gathers every step's results at the tap."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.engine import Configuration
from ocellus.formats import CNN_STATUS, TENSOR_BYTE, LoadError
from ocellus.program_formats import BANK_BITS, CNN_SPENT, LINE_BITS, LayerOp
from ocellus_sim.cosim import Bench, Stall
from tb.frames import Words, packed, unpacked

Bytes = NDArray[np.int8]
PATIENCE = 4_000_000
"""Clocks after which a test gives up."""


class Rig:
    """A fresh accelerator with its streams.

    Parameters
    ----------
    dut
        cocotb's handle.
    stall_in, stall_out : Stall
    """

    def __init__(self, dut: Any, stall_in: Stall | None = None, stall_out: Stall | None = None):
        self.bench = Bench(dut)
        self.configuration: Configuration = self.bench.arguments["configuration"]
        self.bench.reset()
        self.bench.set("i_load_reset", 0)
        self.bench.set("i_count_address", 0)
        self.image = self.bench.source("i_load")
        self.input = self.bench.source("i", stall=stall_in)
        self.output = self.bench.sink("o", 1 << 20, stall=stall_out)
        self.tap = self.bench.tap("o_tap", 1 << 20, stamps=True)

    @property
    def status(self) -> dict[str, int]:
        """``CNN_STATUS`` as it stands."""
        return CNN_STATUS.unpack(self.bench.get("o_status"))

    def load(self, words: Iterable[int]) -> None:
        """Hand an image over and look that it was accepted."""
        self.send_image(words)
        status = self.status
        assert status["loaded"], f"image refused: {LoadError(status['error']).name}"

    def send_image(self, words: Iterable[int]) -> None:
        """Hand words over, whatever becomes of them."""
        self.image.send(np.fromiter(words, np.uint64))
        assert self.bench.run(PATIENCE, until=self.image.empty) == "reached", "the loader took no more words"
        self.bench.run(8)

    def infer(self, program: Program, x: Bytes) -> Bytes:
        """One tensor through the network loaded: its output, flat."""
        flat = x.ravel()
        self.input.send(packed(TENSOR_BYTE, {"value": flat, "last": np.arange(flat.size) == flat.size - 1}))
        h = program.header
        size = h["output_rows"] * h["output_columns"] * h["output_channels"]
        reason = self.bench.run(PATIENCE, until=self.output.reaches(size))
        assert reason == "reached", f"{len(self.output)} of {size} output bytes, layer {self.bench.get('o_layer')}"
        self.bench.run(4)
        beats = unpacked(TENSOR_BYTE, self.output.take())
        assert (beats["last"] == (np.arange(size) == size - 1)).all(), "last in the wrong place"
        return beats["value"].astype(np.int8)

    @property
    def spent(self) -> dict[str, int]:
        """``CNN_SPENT`` of the last inference."""
        return CNN_SPENT.unpack(self.bench.get("o_spent"))

    def counts(self, layers: int) -> NDArray[np.int64]:
        """(layers, 4): the counters of every layer as they stand."""
        found = []
        for n in range(4 * layers):
            self.bench.set("i_count_address", n)
            self.bench.run(3)
            found.append(self.bench.get("o_count"))
        return np.array(found, np.int64).reshape(layers, 4)


class Tapped:
    """What passed the tap, beat by beat."""

    def __init__(self, c: Configuration, words: Words):
        n = self.pixels_a_beat = max(c.beat_pixels, c.windows)
        self.configuration = c
        words = words.reshape(len(words), -1)
        bits = np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1, bitorder="little")
        at = 0

        def take(count: int, each: int) -> NDArray[np.int64]:
            nonlocal at
            piece = bits[:, at : at + count * each].reshape(len(bits), count, each)
            at += count * each
            octets = np.packbits(piece, axis=2, bitorder="little").astype(np.int64)
            return octets @ (1 << 8 * np.arange(octets.shape[2], dtype=np.int64))

        self.layer = take(1, 8)[:, 0]
        self.op = take(1, 2)[:, 0]
        self.epilogue, self.second = take(1, 1)[:, 0], take(1, 1)[:, 0]
        self.exists = take(n, 1).astype(bool)
        lines, banks = take(n, LINE_BITS), take(n, BANK_BITS)
        self.word = lines * c.banks + banks
        self.sub = take(1, max(1, (c.word // c.outputs - 1).bit_length()))[:, 0]
        self.value = take(c.lanes, 8).astype(np.uint8).view(np.int8)

    def steps(self, program: Program, first_pass: bool = False) -> Iterator[tuple[int, NDArray[np.int8]]]:
        """Each step's number and its results: (rows, columns, channels of all groups).

        ``first_pass`` gives, for layers with an epilogue, what the requantiser made in front of it.
        """
        c = self.configuration
        used = dict.fromkeys(range(len(program.layers)), 0)
        pieces = {n: self._pieces(n, program.layers[n], first_pass) for n in used}
        for number, step in enumerate(program.steps):
            layer = program.layers[step["layer"]]
            if first_pass and not layer["epilogue"]:
                continue
            words, subs, values = pieces[step["layer"]]
            wide = values.shape[1]
            places = expected_places(c, layer, step)
            count = places.size
            at = used[step["layer"]]
            used[step["layer"]] += count
            got_places = words[at : at + count] * c.word + subs[at : at + count] * wide
            assert len(got_places) == count, f"step {number}: {len(got_places)} of {count} pieces at the tap"
            order, want_order = np.argsort(got_places, kind="stable"), np.argsort(places.ravel(), kind="stable")
            assert (got_places[order] == places.ravel()[want_order]).all(), f"step {number}: written elsewhere"
            result = np.empty((count, wide), np.int8)
            result[want_order] = values[at : at + count][order]
            yield number, result.reshape(step["rows"], layer["out_columns"], -1)

    def _pieces(self, number: int, layer: Any, first_pass: bool) -> tuple[Any, Any, Any]:
        """Word, piece of the word, and bytes of each pixel written for the layer, in order."""
        c, n = self.configuration, self.pixels_a_beat
        here = (self.layer == number) & (
            (self.epilogue == 1) & (self.second == 0) if first_pass else _final(self, layer)
        )
        point = layer["op"] == LayerOp.POINT
        wide = c.outputs if point else c.word
        beat = min(n, c.beat_pixels if point else c.windows)
        exists = self.exists[here][:, :beat]
        values = self.value[here][:, : beat * wide].reshape(-1, beat, wide)
        subs = np.repeat(self.sub[here][:, None] if point else 0 * self.sub[here][:, None], beat, axis=1)
        return self.word[here][:, :beat][exists], subs[exists], values[exists]


def _final(tapped: Tapped, layer: Any) -> NDArray[np.bool_]:
    return tapped.second == 1 if layer["epilogue"] else tapped.second == tapped.second


def expected_places(c: Configuration, layer: Any, step: Any) -> NDArray[np.int64]:
    """(rows, columns, groups): byte places that the step writes, a group of channels each."""

    def place(fields: Any, name: str) -> int:
        return fields[f"{name}_line"] * c.banks + fields[f"{name}_bank"]

    wide = c.outputs if layer["op"] == LayerOp.POINT else c.word
    oy, ox, g = np.mgrid[: step["rows"], : layer["out_columns"], : layer["groups"]]
    word, sub = np.divmod(g * wide, c.word)
    at = place(step, "out") + oy * place(layer, "out_row") + ox * place(layer, "out_pixel")
    at = at + word * place(layer, "out_plane") - np.where(oy >= step["out_wrap"], layer["out_ring_lines"] * c.banks, 0)
    return at % (c.banks << LINE_BITS) * c.word + sub
