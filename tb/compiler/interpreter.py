"""Runs a program image the slow way: the loops of docs/cnn.md, literally, in plain Python integers.

It knows nothing of networks, only of the image's words: so it pins addresses, fills, chunks, groups and the order of
weights and parameters before any gateware is there, and tells afterwards which of the two is wrong.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ocellus.compiler.program import Program
from ocellus.formats import IMAGE_HEADER, LAYER, PARAMETER, LayerOp


def run_program(words: np.ndarray, x: np.ndarray, activation_bytes: int = 1 << 17) -> list[np.ndarray]:
    """Every layer's output, flat int8, read from the activation memory right behind the layer.

    ``words`` is what the accelerator loads (:meth:`Program.words`), ``x`` the input tensor. Bytes of the memory that
    nothing has written hold a pattern, so that a wrong address shows.
    """
    machine = Machine(words, activation_bytes)
    machine.write(machine.header["input_address"], x.ravel().tolist())
    outputs = []
    for layer in machine.layers:
        machine.run(layer)
        outputs.append(np.array(machine.read(layer["out_address"], layer["elements"]), np.int8))
    return outputs


def run_image(program: Program, x: np.ndarray) -> dict[str, np.ndarray]:
    """Every layer's output in its shape, by the tensor name in the host's part."""
    outputs = run_program(program.words(), x)
    return {
        entry["tensor"]: out.reshape(entry["shape"]) for entry, out in zip(program.host["layers"], outputs, strict=True)
    }


class Machine:
    """The three memories and the layers of one image."""

    def __init__(self, words: np.ndarray, activation_bytes: int) -> None:
        at = 0

        def take(bits: int) -> int:
            nonlocal at
            count = -(-bits // 32)
            value = sum(int(word) << 32 * i for i, word in enumerate(words[at : at + count]))
            at += count
            return value

        self.header: Mapping[str, int] = IMAGE_HEADER.unpack(take(IMAGE_HEADER.bits))
        self.lanes, self.columns = self.header["lanes"], self.header["columns"]
        self.requantisers = self.header["requantisers"]
        self.layers: list[Mapping[str, Any]] = [LAYER.unpack(take(LAYER.bits)) for _ in range(self.header["layers"])]
        self.parameters = [
            [PARAMETER.unpack(take(PARAMETER.bits)) for _ in range(self.requantisers)]
            for _ in range(self.header["parameter_words"])
        ]
        macs = self.lanes * self.columns
        self.weights = [
            [_int8(word >> 8 * i) for i in range(macs)]
            for word in (take(8 * macs) for _ in range(self.header["weight_words"]))
        ]
        assert at == len(words) - 1, "the CRC is the last word"
        self.memory = [(73 * i + 19) % 256 - 128 for i in range(activation_bytes)]
        self.written = [False] * activation_bytes

    def write(self, address: int, values: list[int]) -> None:
        """Neighbouring bytes, from ``address`` on."""
        assert address + len(values) <= len(self.memory)
        for i, value in enumerate(values):
            self.memory[address + i], self.written[address + i] = value, True

    def read(self, address: int, count: int) -> list[int]:
        """Neighbouring bytes; all must have been written before."""
        assert all(self.written[address : address + count]), f"bytes at {address} are read before they are written"
        return self.memory[address : address + count]

    def run(self, layer: Mapping[str, Any]) -> None:
        """One layer, its outputs written in row, column, channel order."""
        out: list[int] = []
        if layer["op"] == LayerOp.ADD:
            out = self._add(layer)
        else:
            groups = self._convolution if layer["op"] == LayerOp.CONV else self._side_by_side
            for oy in range(layer["out_h"]):
                for ox in range(layer["out_w"]):
                    channels = [value for g in range(layer["groups"]) for value in groups(layer, oy, ox, g)]
                    out += channels[: layer["out_c"]]
        self.write(layer["out_address"], out)

    def _byte(self, layer: Mapping[str, Any], row: int, byte: int, line: int) -> int:
        """A byte of the input row that begins at ``line``, or the fill outside."""
        if not (0 <= row < layer["in_h"] and 0 <= byte < layer["row_bytes"]):
            return layer["fill"]
        return self.read(line + byte, 1)[0]

    def _convolution(self, layer: Mapping[str, Any], oy: int, ox: int, g: int) -> list[int]:
        sums = [0] * self.columns
        for ky in range(layer["kernel_h"]):
            row = oy * layer["stride_h"] - layer["pad_top"] + ky
            line = layer["in_address"] + oy * layer["step_y"] - layer["lead_y"] + ky * layer["row_bytes"]
            for k in range(layer["chunks"]):
                byte = ox * layer["step_x"] - layer["lead_x"] + k * self.lanes
                x = [self._byte(layer, row, byte + lane, line) for lane in range(self.lanes)]
                word = self.weights[layer["weight_base"] + (g * layer["kernel_h"] + ky) * layer["chunks"] + k]
                for j in range(self.columns):
                    sums[j] += sum(a * b for a, b in zip(x, word[j * self.lanes : (j + 1) * self.lanes], strict=True))
        base = layer["parameter_base"] + g * -(-self.columns // self.requantisers)
        return [self._requantise(layer, total, base, j) for j, total in enumerate(sums)]

    def _side_by_side(self, layer: Mapping[str, Any], oy: int, ox: int, g: int) -> list[int]:
        """Depthwise and pools: one tap of ``lanes`` channels a step."""
        taps: list[list[int]] = []  # one list a tap that lies inside, or any tap for DEPTHWISE and MAX_POOL
        products = [0] * self.lanes
        kernel = layer["kernel_h"] * layer["kernel_w"]
        for ky in range(layer["kernel_h"]):
            for kx in range(layer["kernel_w"]):
                row = oy * layer["stride_h"] - layer["pad_top"] + ky
                column = ox * layer["stride_w"] - layer["pad_left"] + kx
                inside = 0 <= row < layer["in_h"] and 0 <= column < layer["in_w"]
                x = [layer["fill"]] * self.lanes
                if inside:
                    count = min(self.lanes, layer["in_c"] - g * self.lanes)
                    line = layer["in_address"] + oy * layer["step_y"] - layer["lead_y"] + ky * layer["row_bytes"]
                    address = line + ox * layer["step_x"] - layer["lead_x"] + kx * layer["in_c"] + g * self.lanes
                    x[:count] = self.read(address, count)
                if inside or layer["op"] != LayerOp.AVERAGE_POOL:
                    taps.append(x)
                if layer["op"] == LayerOp.DEPTHWISE:
                    tap = ky * layer["kernel_w"] + kx
                    words = g * -(-kernel // self.columns) + tap // self.columns
                    word = self.weights[layer["weight_base"] + words]
                    first = tap % self.columns * self.lanes
                    products = [p + a * b for p, a, b in zip(products, x, word[first:], strict=False)]
        if layer["op"] == LayerOp.DEPTHWISE:
            base = layer["parameter_base"] + g * -(-self.lanes // self.requantisers)
            return [self._requantise(layer, total, base, lane) for lane, total in enumerate(products)]
        if layer["op"] == LayerOp.MAX_POOL:
            return [_clamp(layer, max(values)) for values in zip(*taps, strict=True)]
        return [_clamp(layer, _divide(sum(values), len(taps))) for values in zip(*taps, strict=True)]

    def _requantise(self, layer: Mapping[str, Any], total: int, base: int, position: int) -> int:
        word = base + position // self.requantisers
        if word >= len(self.parameters):  # behind the last channel of the last group
            return 0
        entry = self.parameters[word][position % self.requantisers]
        acc = _int32(_int32(total + entry["bias"]) << max(entry["shift"], 0))
        value = rdbpot(srdhm(acc, entry["multiplier"]), max(-entry["shift"], 0))
        return _clamp(layer, layer["zero_point_out"] + value)

    def _add(self, layer: Mapping[str, Any]) -> list[int]:
        count, out = layer["elements"], []
        first, second = self.read(layer["in_address"], count), self.read(layer["in2_address"], count)
        for x1, x2 in zip(first, second, strict=True):
            a, b = (x1 - layer["zero_point_1"]) << 20, (x2 - layer["zero_point_2"]) << 20
            t = rdbpot(srdhm(a, layer["multiplier_1"]), layer["shift_1"])
            t += rdbpot(srdhm(b, layer["multiplier_2"]), layer["shift_2"])
            scaled = srdhm(t << max(layer["shift_out"], 0), layer["multiplier_out"])
            out.append(_clamp(layer, layer["zero_point_out"] + rdbpot(scaled, max(-layer["shift_out"], 0))))
        return out


def srdhm(a: int, b: int) -> int:
    """As docs/cnn.md has it."""
    if a == b == -(1 << 31):
        return (1 << 31) - 1
    nudged = a * b + (1 << 30 if a * b >= 0 else 1 - (1 << 30))
    return abs(nudged) // (1 << 31) * (1 if nudged >= 0 else -1)


def rdbpot(x: int, n: int) -> int:
    """As docs/cnn.md has it."""
    mask = (1 << n) - 1
    return (x >> n) + int((x & mask) > (mask >> 1) + int(x < 0))


def _divide(total: int, n: int) -> int:
    return (total + n // 2) // n if total >= 0 else -((-total + n // 2) // n)


def _clamp(layer: Mapping[str, Any], value: int) -> int:
    return min(max(value, layer["minimum"]), layer["maximum"])


def _int8(value: int) -> int:
    return (value + 128 & 255) - 128


def _int32(value: int) -> int:
    return (value + (1 << 31) & (1 << 32) - 1) - (1 << 31)
