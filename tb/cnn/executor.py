"""Executes a program image literally as docs/cnn.md says, and checks the contract as it goes.

Shares the words of the image with the compiler, and nothing else: places, loops and sums are written from the page,
and how long results are under way is the gateware's to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocellus.compiler.engine.image import Program
from ocellus.configurations import PIXELS
from ocellus.program_formats import LINE_BITS, Epilogue, LayerOp
from ocellus_hdl.cnn.datapath import Datapath
from ocellus_hdl.cnn.walk import Walk

from .executor_arithmetic import epilogue, int32, rounded, signed
from .executor_memory import WheelMemory


@dataclass(frozen=True)
class StepResult:
    """What a step has written: rows ``row ...`` of layer ``layer``, int8 (rows, columns, channels of all groups)."""

    step: int
    layer: int
    row: int
    values: np.ndarray


class Executor:
    """A program image at work on one input.

    ``eager`` lets the inlet write every row as soon as the steps allow it, otherwise it waits until a step asks.
    """

    def __init__(self, content: bytes, eager: bool = True) -> None:
        self.program = Program.from_bytes(content)
        self.sizes = c = self.program.configuration
        self.eager = eager
        words = self.program.parameters.astype(np.int64)
        self.bias, self.multiplier, self.shift = signed(words[..., 0], 32), words[..., 1], signed(words[..., 2], 8)
        self.modulus = c.banks << LINE_BITS
        assert len(self.program.weights) <= c.weight_words, "weights"
        assert len(self.program.parameters) <= c.parameter_words, "parameters"
        assert len(self.program.tables) <= c.tables, "tables"
        assert len(self.program.layers) <= min(c.layers, 256), "layers"
        assert 25 * len(self.program.layers) + 6 * len(self.program.steps) <= c.program_words, "program"

    def place(self, fields: Mapping[str, int], name: str) -> int:
        """The number of the word that the place ``name`` means, or a distance in words, modulo all lines."""
        bank = fields[f"{name}_bank"]
        assert bank < self.sizes.banks, name
        return fields[f"{name}_line"] * self.sizes.banks + bank

    def run(self, x: np.ndarray) -> Iterator[StepResult]:
        """Step after step on the input ``x`` (int8, rows, columns, channels)."""
        memory = self.memory = WheelMemory(self.sizes, self.program.header, x)
        freed = complete = 0
        done = dict.fromkeys(range(len(self.program.layers)), 0)
        last = False
        for number, step in enumerate(self.program.steps):
            assert not last, "a step behind the last"
            assert step["after"] <= number, f"step {number} waits for itself"
            complete = max(complete, step["after"])
            memory.begin(number, complete, self._drain(number - 1) if number else None)
            assert step["wait_rows"] <= memory.rows_allowed(freed), f"step {number} waits for rows that cannot come"
            memory.arrive(memory.rows_allowed(freed) if self.eager else step["wait_rows"])
            memory.waited = max(memory.waited, step["wait_rows"])
            layer = self.program.layers[step["layer"]]
            values = self._window(layer, step) if layer["op"] != LayerOp.POINT else self._point(layer, step)
            yield StepResult(number, step["layer"], done[step["layer"]], values.astype(np.int8))
            done[step["layer"]] += step["rows"]
            assert step["free_rows"] >= freed, "freed rows are needed again"
            freed, last = step["free_rows"], bool(step["last"])
        assert last, "no step is the last"
        assert freed == self.program.header["input_rows"], "input rows stay"

    def output(self) -> np.ndarray:
        """What the outlet hands on: (rows, columns, channels)."""
        h, g = self.program.header, self.sizes.word
        rows, columns, channels = h["output_rows"], h["output_columns"], h["output_channels"]
        places = self.place(h, "output") + _sum(
            np.arange(rows) * self.place(h, "output_row"),
            np.arange(columns),
            np.arange(-(-channels // g)) * self.place(h, "output_plane"),
        )
        self.memory.begin(len(self.program.steps), len(self.program.steps), None)
        need = (np.arange(places.shape[2] * g) < channels).reshape(-1, g)
        words = self.memory.read(places % self.modulus, np.broadcast_to(need, (*places.shape, g)), np.zeros(1, int))
        return words.reshape(rows, columns, -1)[:, :, :channels]

    def _drain(self, number: int) -> int | None:
        """Clocks from a command that makes results to the first that may read them; None with an epilogue."""
        layer = self.program.layers[self.program.steps[number]["layer"]]
        if layer["epilogue"] != Epilogue.PLAIN:
            return None
        return Walk.LATENCY + Datapath.latency(self.sizes, LayerOp(layer["op"])) + 1

    def _each(self, layer: Mapping[str, Any], sums: int) -> int:
        """Clocks at least from the end of one group's sums to the next."""
        operand = layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY)
        return max(sums + operand, layer["pace"])

    def _wrapped(self, places: np.ndarray, rows: np.ndarray, wrap: int, lines: int) -> np.ndarray:
        return (places - np.where(rows >= wrap, lines * self.sizes.banks, 0)) % self.modulus

    def _check_spread(self, places: np.ndarray, tiles: np.ndarray, spread: int, what: str) -> None:
        """Pixel i of each tile lies ``spread * i`` banks behind the tile's first: the routing knows no other."""
        first = np.searchsorted(tiles, tiles)
        rank = np.arange(len(tiles)) - first
        wrong = (places - places[first] - spread * rank) % self.sizes.banks != 0
        assert not wrong.any(), f"{what}: pixels {np.flatnonzero(wrong)[:5]} lie in other banks"
        slots = rank * spread % self.sizes.banks
        for i in range(PIXELS):
            for j in range(i):
                both = (rank[j + 1 :] == i).any() if i else False
                assert not both or slots[rank == i][0] != slots[rank == j][0], f"{what}: spread {spread}"

    def _point(self, layer: Mapping[str, Any], step: Mapping[str, Any]) -> np.ndarray:
        c, g, place = self.sizes, self.sizes.word, lambda name: self.place(layer, name)
        rows, columns = step["rows"], layer["out_columns"]
        oy, ox = (a.ravel() for a in np.mgrid[:rows, :columns])
        tiles = oy * -(-columns // layer["tile"]) + ox // layer["tile"]
        if not layer["cut"]:
            tiles = (oy * columns + ox) // layer["tile"]
        assert 1 <= layer["tile"] <= PIXELS
        assert step["tiles"] == len(set(tiles.tolist()))
        start = self.place(step, "in") + oy * place("in_row") + ox * place("in_pixel")
        self._check_spread(start, tiles, layer["spread"], f"step {step}: reads")
        ky, kx = np.arange(layer["kernel_rows"]), np.arange(layer["kernel_columns"])
        channels = layer["chunks"] * c.inputs
        words = -(-channels // g)
        row = _sum(step["first_row"] + oy * layer["stride_rows"], ky * layer["tap_rows"], 0 * kx)
        column = _sum(ox * layer["stride_columns"] - layer["lead"], 0 * ky, kx * layer["tap_columns"])
        inside = (row >= 0) & (row < layer["in_rows"]) & (column >= 0) & (column < layer["in_columns"])
        base = _sum(start, ky * place("in_tap_row"), kx * place("in_tap"))
        base = self._wrapped(base, row, step["in_wrap"], layer["in_ring_lines"])
        places = (base[..., None] + np.arange(words) * place("in_plane")) % self.modulus
        count = layer["groups"] * len(ky) * len(kx) * layer["chunks"]
        w = self.program.weights[layer["weight_base"] : layer["weight_base"] + count]
        assert len(w) == count, "weights behind the end"
        w = w.reshape(layer["groups"], len(ky), len(kx), layer["chunks"], c.outputs, c.inputs)
        w = w.transpose(0, 4, 1, 2, 3, 5).reshape(layer["groups"] * c.outputs, len(ky), len(kx), channels)
        need = np.zeros((len(ky), len(kx), words * g), bool)
        need[:, :, :channels] = (w != 0).any(axis=0)
        taps = np.arange(len(ky) * len(kx)).reshape(len(ky), len(kx), 1)
        each, order = self._each(layer, taps.size * layer["chunks"]), tiles - tiles[0]
        order = np.unique(order, return_inverse=True)[1] * layer["groups"]
        ahead = _sum(order * each, 0 * ky, 0 * kx, np.arange(words) * g // c.inputs) + taps * layer["chunks"]
        x = self._taps(places, inside, need.reshape(len(ky), len(kx), words, g), layer["fill"], ahead)
        x = x.reshape(len(oy), len(ky), len(kx), -1)[..., :channels]
        acc = x.reshape(len(oy), -1).astype(np.float64) @ w.reshape(len(w), -1).astype(np.float64).T
        value = self._requantise(layer, acc.astype(np.int64), layer["groups"], c.outputs)
        out = self.place(step, "out") + oy * place("out_row") + ox * place("out_pixel")
        out = self._wrapped(out, oy, step["out_wrap"], layer["out_ring_lines"])
        beats = tiles * PIXELS + (np.arange(len(tiles)) - np.searchsorted(tiles, tiles)) // c.beat_pixels
        self._check_writes(out, beats)
        if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
            self._check_spread(out, tiles, layer["out_spread"], f"step {step}: second operands")
        first = np.arange(value.shape[1])
        out = (out[:, None] + first // g * place("out_plane")) % self.modulus
        behind = (order.max() + layer["groups"] - 1 - order[:, None] - first // c.outputs) * each
        value = self._finish(layer, value, out, first % g, behind)
        return value.reshape(rows, columns, -1)

    def _window(self, layer: Mapping[str, Any], step: Mapping[str, Any]) -> np.ndarray:
        c, g, place = self.sizes, self.sizes.word, lambda name: self.place(layer, name)
        maximum = layer["op"] == LayerOp.MAXIMUM
        rows, columns, groups = step["rows"], layer["out_columns"], layer["groups"]
        wide, spread = layer["tile"], layer["spread"]
        assert 1 <= wide <= c.windows
        chained = wide == c.windows > 1
        first_window = int(c.windows > 1 and not chained)
        oy, ox = (a.ravel() for a in np.mgrid[:rows, :columns])
        turn, j = np.divmod(ox, wide)
        start = self.place(step, "in") + oy * place("in_row") + turn * place("in_pixel")
        py, px = (a.ravel() for a in np.mgrid[: layer["kernel_rows"], : layer["kernel_columns"]])
        passes = len(py)
        sets = 0 if maximum else 1 if layer["shared"] else passes
        assert sets <= 16, "more than 16 sets of weights"
        assert (layer["word_sets"], layer["sets"]) == (sets, sets * groups), "sets of weights"
        r, t = (np.zeros(1, int),) * 2 if maximum else (a.ravel() for a in np.mgrid[:3, :3])
        tap_row = np.array([0, place("in_pitch"), place("in_pitch_2")])[r]
        slot_row = np.array([0, 2, 1])[r] if layer["swapped"] else r
        across = j[:, None] * spread + t - chained  # which of the columns that are read
        if chained:
            assert (maximum, spread, layer["stride_columns"]) == (False, 1, 1), "these cannot be chained"
            # Column -1 is the last but one of the clock before, or column 2 of that.
            assert passes == 1 or (layer["kernel_columns"] > 1 and not layer["shared"]), "these cannot be chained"
            assert place("in_pixel") == c.columns - 1, "the clock before reads other columns"
            assert passes == 1 or (place("in_tap"), layer["tap_columns"]) == (3, 3), "the pass before reads others"
        assert across.max() < c.columns, "a tap in another row's slots"
        slot = slot_row * c.columns + across
        offset = tap_row + across
        assert ((offset - slot) % c.banks == 0).all(), "a tap's bank is not its slot's"
        row = _sum(step["first_row"] + oy * layer["stride_rows"], py * layer["tap_rows"], r)
        column = _sum(turn * wide * layer["stride_columns"] - layer["lead"], px * layer["tap_columns"], 0 * t)
        column = column + across[:, None, :]
        inside = (row >= 0) & (row < layer["in_rows"]) & (column >= 0) & (column < layer["in_columns"])
        if passes == 1:
            inside &= ((turn > 0)[:, None] | (across >= 0))[:, None, :]
        base = _sum(start, py * place("in_tap_row") + px * place("in_tap"), tap_row) + across[:, None, :]
        base = self._wrapped(base, row, step["in_wrap"], layer["in_ring_lines"])
        out = self.place(step, "out") + oy * place("out_row") + (first_window + ox) * place("out_pixel")
        out = self._wrapped(out, oy, step["out_wrap"], layer["out_ring_lines"])
        self._check_writes(out, oy * columns + turn)
        w = None if maximum else self._window_weights(layer, passes)
        if w is not None and chained and passes > 1:
            assert not w[:, px == 0][:, :, t == 0].any(), "weights for what is in front of the first pass"
        acc = np.zeros((len(oy), groups, g), np.int64)
        each, order = self._each(layer, passes), oy * -(-columns // wide) + turn
        some = np.arange(g) == 0  # the largest of bytes behind the last channel may be anything
        for k in range(groups):
            need = some if w is None else w[k] != 0
            ahead = (k * (order.max() + 1) + order) * each
            x = self._taps((base + k * place("in_plane")) % self.modulus, inside, need, layer["fill"], ahead)
            if w is None:
                acc[:, k] = x.max(axis=(1, 2))
            else:
                acc[:, k] = np.einsum("npsc,psc->nc", x.astype(np.float64), w[k]).astype(np.int64)
        value = self._requantise(layer, acc.reshape(len(oy), groups * g), groups, g)
        channel = np.arange(groups * g)
        out = (out[:, None] + channel // g * place("out_plane")) % self.modulus
        behind = (groups - 1 - channel // g) * (order.max() + 1) * each + (order.max() - order[:, None]) * each
        value = self._finish(layer, value, out, channel % g, behind)
        return value.reshape(rows, columns, -1)

    def _window_weights(self, layer: Mapping[str, Any], passes: int) -> np.ndarray:
        """(groups, passes, nine taps in tap order, word) as float64."""
        c, sets = self.sizes, 1 if layer["shared"] else passes
        count = layer["groups"] * sets * c.window_words
        w = self.program.weights[layer["weight_base"] : layer["weight_base"] + count]
        assert len(w) == count, "weights behind the end"
        w = w.reshape(layer["groups"], sets, -1)[..., : PIXELS * c.word].reshape(layer["groups"], sets, 3, 3, c.word)
        if layer["swapped"]:
            w = w[:, :, [0, 2, 1]]
        w = w.reshape(layer["groups"], sets, PIXELS, c.word)
        return np.broadcast_to(w, (layer["groups"], passes, PIXELS, c.word)).astype(np.float64)

    def _taps(
        self, places: np.ndarray, inside: np.ndarray, need: np.ndarray, fill: int, ahead: np.ndarray
    ) -> np.ndarray:
        """Words at ``places``, int8 with another axis of bytes; ``inside`` and ``ahead`` lack trailing axes."""
        ahead = ahead.reshape(*ahead.shape, *[1] * (places.ndim - ahead.ndim))
        inside = inside.reshape(*inside.shape, *[1] * (places.ndim - inside.ndim), 1)
        need = np.broadcast_to(need, (*places.shape, self.sizes.word))
        words = self.memory.read(places, need & inside, ahead)
        return np.where(inside, words, np.int8(fill))

    def _requantise(self, layer: Mapping[str, Any], acc: np.ndarray, groups: int, channels: int) -> np.ndarray:
        """``acc`` (pixels, groups * channels) as values; each group's parameters begin with a word of their own."""
        lanes = self.sizes.parameter_lanes
        words = -(-channels // lanes)
        entry = np.arange(groups)[:, None] * words * lanes + np.arange(channels)
        entry = layer["parameter_base"] * lanes + entry.ravel()
        bias, multiplier, shift = (a.reshape(-1)[entry] for a in (self.bias, self.multiplier, self.shift))
        scaled = rounded(int32(acc + bias), multiplier, shift, self.program.header["arithmetic"])
        return np.clip(layer["zero_point"] + scaled, layer["minimum"], layer["maximum"])

    def _check_writes(self, places: np.ndarray, clocks: np.ndarray) -> None:
        keys = np.unique(clocks * self.sizes.banks + places % self.sizes.banks)
        assert len(keys) == len(places), "two pixels of one clock are written to one bank"

    def _finish(
        self, layer: Mapping[str, Any], value: np.ndarray, places: np.ndarray, byte: np.ndarray, behind: np.ndarray
    ) -> np.ndarray:
        """The epilogue of ``value`` (pixels, channels), written to its places."""
        y = None
        if layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY):
            operand = (places + layer["operand_lines"] * self.sizes.banks) % self.modulus
            y = self.memory.read_operands(operand, np.broadcast_to(byte, places.shape), places)
        result = epilogue(layer, value, y, self.program.tables)
        self.memory.write(places, np.broadcast_to(byte, places.shape), result, behind)
        return result


def _sum(*parts: np.ndarray) -> np.ndarray:
    """All sums of one element of each vector, an axis for each."""
    total = np.zeros((), np.int64)
    for part in parts:
        total = total[..., None] + part if part.ndim == 1 else total[..., None, None] + part
    return total
