"""cocotb's part of a verification: every input through the accelerator, all that was seen left in files."""

from typing import Any

import cocotb
import numpy as np

from ocellus.compiler.engine.image import Program
from ocellus.configurations import CONFIGURATIONS
from ocellus_sim.cosim import Bench
from ocellus_sim.coverage.situations.program import of_program

from .accelerator import Accelerator

PROGRESS = "at"
"""First word of the lines that tell how far it is: number of the input, clocks, layer."""


@cocotb.test(timeout_time=60_000, timeout_unit="ms")
async def every_input_runs(dut):
    """Leaves ``result-N.npz`` in the run's folder for each input."""
    bench = Bench(dut)
    sizes = bench.arguments["configuration"]
    CONFIGURATIONS.setdefault(sizes.name, sizes)  # a bench may have sizes of its own
    program = Program.load(bench.parameters["image"])
    bench.cover(of_program(program))
    number = 0

    def progress(clocks: int, layer: int) -> None:
        print(PROGRESS, number, clocks, layer, flush=True)

    accelerator = Accelerator(dut, program, progress)
    for number, path in enumerate(bench.parameters["inputs"]):
        progress(0, 0)
        found = accelerator.infer(np.load(path))
        named: dict[str, Any] = {f"layer {n}": values for n, values in found.layers.items()}
        named |= {f"first {n}": values for n, values in found.first_pass.items()}
        path = bench.folder / f"result-{number}.npz"
        np.savez(path, output=found.output, counts=found.counts, waits=found.waits, **named)
