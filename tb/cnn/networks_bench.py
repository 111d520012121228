"""Programs through the accelerator, every step compared with the literal executor."""

from pathlib import Path

import cocotb
import numpy as np

from ocellus.compiler.engine.image import Program
from ocellus.program_formats import Epilogue, LayerOp
from ocellus_sim.compare import first_difference
from ocellus_sim.coverage.situations.program import of_program, of_results
from ocellus_sim.verify.tap import Tapped
from tb.cnn.executor import Executor
from tb.cnn.rig import Rig


def commands_a_layer(program: Program) -> list[int]:
    """Clocks in which one leaves, by the loops of the page: :data:`~ocellus.program_formats.CNN_SPENT`'s ``busy``."""
    found = [0] * len(program.layers)
    for step in program.steps:
        layer = program.layers[step["layer"]]
        operand = layer["epilogue"] in (Epilogue.ADD, Epilogue.MULTIPLY)
        sums = layer["kernel_rows"] * layer["kernel_columns"]
        if layer["op"] == LayerOp.POINT:
            places, sums = step["tiles"], sums * layer["chunks"]
        else:
            places = step["rows"] * -(-layer["out_columns"] // layer["tile"])
        found[step["layer"]] += places * layer["groups"] * (sums + operand)
    return found


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
            counted = dict(zip(spent, each.sum(axis=0).tolist(), strict=True))
            assert counted == spent, f"{path}: counters of all layers"
            busy = each[:, list(spent).index("busy")]
            assert busy.tolist() == commands_a_layer(program), f"{path}: clocks in which a command left"
            print(path, spent, "clocks", sum(spent.values()) - spent["input"])
            for number in np.flatnonzero(each.any(axis=1)):
                print("  layer", number, each[number].tolist())
