"""The accelerator on the bench: loads programs, sends tensors, reads its counters."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.configurations import Configuration
from ocellus.formats import CNN_STATUS, TENSOR_BYTE, LoadError
from ocellus.program_formats import CNN_SPENT
from ocellus_sim.cosim import Bench, Stall
from tb.frames import Words, packed, unpacked

Bytes = NDArray[np.int8]
PATIENCE = 4_000_000
"""Clocks after which a test gives up."""


LEAVING = range(8, 17)
"""Clocks from the last step's end to the output's first byte where nothing stalls: 10 on tiny, 12 on ecp5."""

UNTIL_BEGUN = 5
"""Clocks from a tensor's first byte at the input to the beginning of the inference, and what the last count lags."""


def beats(x: Bytes) -> Words:
    """A tensor as beats of the stream."""
    flat = x.ravel()
    return packed(TENSOR_BYTE, {"value": flat, "last": np.arange(flat.size) == flat.size - 1})


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

    def forget_image(self) -> None:
        """One clock of ``i_load_reset``."""
        self.bench.set("i_load_reset", 1)
        self.bench.run(1)
        self.bench.set("i_load_reset", 0)
        self.bench.run(1)

    def infer(self, program: Program, x: Bytes) -> Bytes:
        """One tensor through the network loaded: its output, flat."""
        began = self.bench.cycle
        self.input.send(beats(x))
        assert self.bench.run(PATIENCE, until=self.input.empty) == "reached"
        taken = self.bench.cycle
        assert self.bench.run(PATIENCE, until=self.output.reaches(1)) == "reached"
        clocks, waited = self.bench.get("o_inference_clocks"), self.bench.cycle - taken
        assert waited - clocks in LEAVING, f"o_inference_clocks: found {clocks}, {waited} clocks before the output"
        counted, shown = sum(self.spent.values()), clocks + taken - began - UNTIL_BEGUN
        assert counted == shown, f"o_spent: found {counted} clocks, {shown} since the first byte was taken"
        return self.await_output(program)

    def await_output(self, program: Program) -> Bytes:
        """The next output, flat; none may come behind it."""
        size = program.output_bytes
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
