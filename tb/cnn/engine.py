"""The accelerator on the bench: loads programs, sends tensors, keeps every layer it writes."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.assembly import compile_network
from ocellus.compiler.program import Program
from ocellus.compiler.tflite_file import parse_network
from ocellus.configurations import Configuration
from ocellus.formats import CNN_STATUS, TENSOR_BYTE, LoadError
from ocellus_sim.compare import first_difference
from ocellus_sim.cosim import Bench, Stall
from tb.frames import Words, packed, unpacked

Bytes = NDArray[np.int8]
PATIENCE = 3_000_000
"""Clocks after which a test gives up."""


def tensor_words(x: Bytes) -> Words:
    """A tensor as beats of the stream."""
    flat = x.ravel()
    return packed(TENSOR_BYTE, {"value": flat, "last": np.arange(flat.size) == flat.size - 1})


class Engine:
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
        self.image = self.bench.source("i_load")
        self.input = self.bench.source("i", stall=stall_in)
        self.output = self.bench.sink("o", 1 << 18, stall=stall_out)
        self.tap = self.bench.tap("o_tap", 1 << 21, stamps=True)
        self.layer_changes = self.bench.watch("o_layer")
        self.busy_changes = self.bench.watch("o_busy")

    @property
    def status(self) -> dict[str, int]:
        """``CNN_STATUS`` as it stands."""
        return CNN_STATUS.unpack(self.bench.get("o_status"))

    def compiled(self, model: bytes, name: str) -> Program:
        """A network for this accelerator."""
        return compile_network(parse_network(model, name), self.configuration)

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

    def forget_image(self) -> None:
        """One clock of ``i_load_reset``."""
        self.bench.set("i_load_reset", 1)
        self.bench.run(1)
        self.bench.set("i_load_reset", 0)
        self.bench.run(1)

    def infer(self, program: Program, x: Bytes) -> tuple[list[Bytes], Bytes, int]:
        """One tensor through the network loaded: every layer as written, the output, and its clocks."""
        self.input.send(tensor_words(x))
        outputs, clocks = self.await_outputs(program, 1)
        return self.layers_written(program), outputs[0], clocks

    def await_outputs(self, program: Program, count: int) -> tuple[list[Bytes], int]:
        """So many output tensors, and the clocks of the last inference."""
        size = program.header["output_bytes"]
        reason = self.bench.run(PATIENCE, until=self.output.reaches(count * size))
        assert reason == "reached", (
            f"{len(self.output)} of {count * size} output bytes, layer {self.bench.get('o_layer')}"
        )
        clocks = self.bench.get("o_inference_clocks")
        self.bench.run(4)
        beats = unpacked(TENSOR_BYTE, self.output.take())
        assert len(beats["value"]) == count * size, "the output has more bytes than the network's"
        ends = np.arange(1, count * size + 1) % size == 0
        assert (beats["last"] == ends).all(), "last in the wrong place"
        return list(beats["value"].astype(np.int8).reshape(count, size)), clocks

    def layer_of(self, tapped: Words) -> Words:
        """The layer of each write at the tap."""
        return _field(tapped, 24 + 9 * self.configuration.requantisers, 8)

    def layers_written(self, program: Program) -> list[Bytes]:
        """Every layer's output since the last look, flat; one byte after the other, as the page promises."""
        lanes = self.configuration.requantisers
        words = self.tap.take()
        address = _field(words, 0, 24)
        mask = _field(words, 24, lanes)
        data = np.stack([_field(words, 24 + lanes + 8 * n, 8) for n in range(lanes)], axis=-1).astype(np.uint8)
        layer = self.layer_of(words)
        outputs = []
        for number, descriptor in enumerate(program.layers):
            here = layer == number
            real = (mask[here][:, None] >> np.arange(lanes).astype(np.uint64) & np.uint64(1)).astype(bool)
            places = (address[here][:, None] + np.arange(lanes).astype(np.uint64))[real]
            first = descriptor["out_address"]
            want = np.arange(first, first + descriptor["elements"])
            _assert_same(f"layer {number}, addresses", want, places, ("byte",))
            outputs.append(data[here][real].view(np.int8))
        return outputs


def check_layers(program: Program, want: Sequence[NDArray[Any]], layers: list[Bytes], output: Bytes, what: str) -> None:
    """Every layer and the output equal what the reference made of the same operators (``want``, one an operator)."""
    result = None
    for entry, got in zip(program.host["layers"], layers, strict=True):
        expected = want[entry["operator"]]
        axes = ("batch", "row", "column", "channel") if expected.ndim == 4 else ("batch", "channel")
        stage = f"{what}, operator {entry['operator']} {entry['kind']}"
        _assert_same(stage, expected, got.reshape(expected.shape), axes)
        if entry["address"] == program.header["output_address"]:
            result = expected
    assert result is not None, f"{what}: no layer writes the output"
    _assert_same(f"{what}, output", result.ravel(), output, ("byte",))


def _assert_same(stage: str, want: NDArray[Any], got: NDArray[Any], axes: Sequence[str]) -> None:
    message = first_difference(stage, want, got, axes)
    assert message is None, message


def _field(words: Words, low: int, bits: int) -> Words:
    """Some bits of a payload of one or more 64-bit words."""
    columns = words.reshape(len(words), -1)
    word, at = divmod(low, 64)
    value = columns[:, word] >> np.uint64(at)
    if at + bits > 64:
        value = value | columns[:, word + 1] << np.uint64(64 - at)
    return value & np.uint64((1 << bits) - 1)
