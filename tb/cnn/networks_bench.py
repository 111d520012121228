"""Programs through the accelerator, every step compared with the literal executor."""

from pathlib import Path

import cocotb
import numpy as np

from ocellus_sim.compare import first_difference
from ocellus_sim.coverage.situations.program import of_program, of_results
from ocellus_sim.verify.tap import Tapped
from tb.cnn.executor import Executor
from tb.cnn.rig import Rig


@cocotb.test(timeout_time=10000, timeout_unit="ms")
async def programs_run_as_the_executor_runs_them(dut):
    """Images from files, one after the other in the same accelerator; two tensors through each."""
    rig = Rig(dut)
    for path in rig.bench.parameters["images"]:
        executor = Executor(Path(path).read_bytes())
        program = executor.program
        rig.load(program.words())
        rig.bench.cover([("cnn loading", "taken"), *of_program(program)])
        h = program.header
        shape = (h["input_rows"], h["input_columns"], h["input_channels"])
        spent, each = {}, np.zeros((0, 4), np.int64)
        for n in range(2):
            x = np.random.default_rng(n).integers(-128, 128, shape).astype(np.int8)
            results = list(executor.run(x))
            before = rig.counts(len(program.layers))
            output = rig.infer(program, x)
            spent = rig.spent
            tapped = Tapped(rig.configuration, rig.tap.take())
            for (number, got, _), result in zip(tapped.steps(program), results, strict=True):
                axes = ("row", "column", "channel")
                real = program.host["layers"][result.layer]["shape"][-1]  # those behind are arbitrary
                where = f"{path}, input {n}, step {number} of layer {result.layer}"
                message = first_difference(where, result.values[..., :real], got[..., :real], axes)
                assert message is None, message
                rig.bench.cover(of_results(program.layers[result.layer], got[..., :real]))
            message = first_difference(f"{path}, output", executor.output().ravel(), output, ("byte",))
            assert message is None, message
            each = (rig.counts(len(program.layers)) - before) % (1 << 32)
            assert (each.sum(axis=0) == list(spent.values())).all()
        print(path, spent, "clocks", sum(spent.values()) - spent["input"])
        for number, row in enumerate(each):
            print("  layer", number, row.tolist())
