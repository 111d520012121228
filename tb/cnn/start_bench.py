"""A network that is there from power-on: it runs, outlasts a reset, and makes way for others."""

from pathlib import Path

import cocotb
import numpy as np

from ocellus.compiler.engine.image import Program
from ocellus_sim.compare import first_difference
from tb.cnn.executor import Executor
from tb.cnn.rig import Bytes, Rig


def runs(rig: Rig, image: bytes, what: str) -> list[Bytes]:
    """The network is loaded, and two tensors through it give what the executor gives: their outputs."""
    executor = Executor(image)
    program, h = executor.program, executor.program.header
    status = {"loaded": 1, "loading": 0, "error": 0, "network_id": program.network_id}
    assert rig.status == status, f"{what}: found {rig.status}"
    rig.bench.run(2)  # that there is a network the inlet knows a clock later
    shape = (h["input_rows"], h["input_columns"], h["input_channels"])
    outputs = []
    for n in range(2):
        x = np.random.default_rng(n).integers(-128, 128, shape).astype(np.int8)
        for _ in executor.run(x):
            pass
        outputs.append(rig.infer(program, x))
        message = first_difference(f"{what}, output {n}", executor.output().ravel(), outputs[-1], ("byte",))
        assert message is None, message
    return outputs


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def a_network_of_the_start_runs_until_another_is_loaded(dut):
    """Right after reset as it does when loaded; then the others of the images; a reset takes none away."""
    rig = Rig(dut)
    first, *others = (Path(image).read_bytes() for image in rig.bench.parameters["images"])
    outputs = runs(rig, first, "from the start")
    rig = Rig(dut)
    again = runs(rig, first, "after a reset")
    for n, image in enumerate(others):
        rig.load(Program.from_bytes(image).words())
        runs(rig, image, f"network {n} after the first")
        rig = Rig(dut)
        runs(rig, image, f"network {n} after a reset")
    rig.load(Program.from_bytes(first).words())
    loaded = runs(rig, first, "loaded")
    for a, b, c in zip(outputs, again, loaded, strict=True):
        assert (a == c).all(), "from the start: not what it gives when loaded"
        assert (b == c).all(), "after a reset: not what it gives when loaded"
    rig.send_image(Program.from_bytes(others[0]).words()[:100])
    rig = Rig(dut)
    assert rig.status == {"loaded": 0, "loading": 0, "error": 0, "network_id": 0}, "half an image, then a reset"
