"""The accelerator in the simulator: loads a program, takes tensors, and gathers all that it does with them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus.configurations import Configuration
from ocellus.formats import CNN_STATUS, TENSOR_BYTE, LoadError
from ocellus.program_formats import CNN_SPENT
from ocellus_sim.cosim import Bench

from .tap import Tapped, most_beats
from .waits import Shown, bytes_taken, sensor_waits

PATIENCE = 200_000_000
"""Clocks after which an inference is given up."""
QUIET = 200_000
"""Clocks without a byte in or out, or a result, after which the accelerator counts as stuck."""
_LAST = 1 << TENSOR_BYTE.fields[0].bits


@dataclass(frozen=True)
class Inference:
    """What came of one tensor.

    Attributes
    ----------
    output : ndarray
        int8, flat.
    layers, first_pass : dict
        Results by the layer's number: (rows, columns, channels of all groups); what the requantiser made in front of
        an epilogue.
    counts : ndarray
        (layers, 4): clocks of this inference by ``CNN_SPENT``.
    waits : ndarray
        (layers,): clocks in which the rows that the next step asks for had not come.
    """

    output: NDArray[np.int8]
    layers: dict[int, NDArray[np.int8]]
    first_pass: dict[int, NDArray[np.int8]]
    counts: NDArray[np.int64]
    waits: NDArray[np.int64]


class Accelerator:
    """A fresh accelerator that a program is loaded into.

    Parameters
    ----------
    dut
        cocotb's handle.
    program : Program
    progress : callable
        Called now and then with clocks since the tensor began, and the layer under way.
    """

    def __init__(self, dut: Any, program: Program, progress: Callable[[int, int], None]):
        self._bench = bench = Bench(dut)
        self._program, self._progress = program, progress
        self._configuration: Configuration = bench.arguments["configuration"]
        bench.reset()
        bench.set("i_load_reset", 0)
        bench.set("i_count_address", 0)
        h = program.header
        self._size = h["output_rows"] * h["output_columns"] * h["output_channels"]
        self._input = bench.source("i")
        self._output = bench.sink("o", self._size + 1)
        self._tap = bench.tap("o_tap", most_beats(program), stamps=True)
        self._walks, self._layer, self._ready = (bench.watch(name) for name in ("o_busy", "o_layer", "i__ready"))
        self._load()

    def _load(self) -> None:
        bench = self._bench
        image = bench.source("i_load")
        image.send(self._program.words().astype(np.uint64))
        assert bench.run(PATIENCE, until=image.empty, idle=QUIET) == "reached", "the loader took no more words"
        bench.run(8)
        status = CNN_STATUS.unpack(bench.get("o_status"))
        assert status["loaded"], f"image refused: {LoadError(status['error']).name}"

    def infer(self, x: NDArray[np.int8]) -> Inference:
        """One tensor through the network: a byte is offered in every clock, and each output byte is taken at once."""
        bench, program = self._bench, self._program
        before, begin = self._counts(), bench.cycle
        beats = x.ravel().view(np.uint8).astype(np.uint64)
        beats[-1] |= np.uint64(_LAST)
        self._input.send(beats)
        reason = bench.run(
            PATIENCE, until=self._output.reaches(self._size), idle=QUIET,
            progress=lambda b: self._progress(b.cycle - begin, b.get("o_layer")),
        )  # fmt: skip
        where = f"in layer {bench.get('o_layer')}"
        assert reason == "reached", f"{len(self._output)} of {self._size} output bytes, stuck {where}"
        bench.run(64)
        received = self._output.take()
        last = received >= _LAST
        assert len(received) == self._size, f"{len(received)} output bytes, allowed {self._size}"
        assert np.flatnonzero(last).tolist() == [self._size - 1], "last in the wrong place"
        words = self._tap.take()
        tapped = Tapped(self._configuration, words, self._tap.cycles())
        first_beats = np.zeros(len(program.steps), np.int64)
        for first_pass in (False, True):  # where there are two passes the first one counts
            for number, _, clock in tapped.steps(program, first_pass):
                first_beats[number] = clock
        end = bench.cycle
        taken = bytes_taken(Shown(self._ready.changes()), begin, end)[: x.size]
        waits = sensor_waits(
            program, Shown(self._walks.changes()), Shown(self._layer.changes()), taken, first_beats.tolist(), end
        )
        counts = (self._counts() - before) % (1 << 32)
        spent = list(CNN_SPENT.unpack(bench.get("o_spent")).values())
        assert counts.sum(axis=0).tolist() == spent, "the layers' counters are not those of the inference"
        output = (received & np.uint64(0xFF)).astype(np.uint8).view(np.int8)
        return Inference(output, tapped.layers(program), tapped.layers(program, True), counts, waits)

    def _counts(self) -> NDArray[np.int64]:
        found = []
        for n in range(4 * len(self._program.layers)):
            self._bench.set("i_count_address", n)
            self._bench.run(3)
            found.append(self._bench.get("o_count"))
        return np.array(found, np.int64).reshape(-1, 4)
