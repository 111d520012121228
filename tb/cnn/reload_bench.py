"""Networks that are loaded before, amid and behind tensors: the next tensor runs, whatever the moment was."""

from typing import Any

import cocotb
import numpy as np

from ocellus.compiler.engine.assembly import compile_network
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.graph import Network
from ocellus.formats import TENSOR_BYTE
from ocellus_sim.compare import first_difference
from ocellus_sim.cosim import Stall
from ocellus_sim.golden import cnn
from tb.cnn.rig import Bytes, Rig, beats
from tb.frames import unpacked
from tb.sensor.networks import INPUT, heatmap_network, vector_network

DENSE = 20
"""Clocks on either side of the first step's beginning whose every moment is tried."""
TENSORS: list[Bytes] = [np.random.default_rng(seed).integers(-128, 128, INPUT).astype(np.int8) for seed in range(2)]
ENOUGH = 20_000
"""Clocks in which all that waits is taken, or all that is asked for comes."""


class Subject:
    """A network, its image, and its outputs of two tensors: one that a load may meet, and the one behind it."""

    def __init__(self, rig: Rig, network: Network):
        self.program = compile_network(network, rig.configuration, goal=Goal.LATENCY)
        self.image = self.program.words().astype(np.uint64)
        name = self.program.host["output"]["name"]
        self.met, self.behind = (cnn.run(network, x)[name].ravel() for x in TENSORS)


def await_outputs(rig: Rig, outputs: list[Bytes], what: str) -> None:
    """These, one behind the other, and nothing else."""
    want = np.concatenate(outputs)
    last = np.concatenate([np.arange(output.size) == output.size - 1 for output in outputs])
    reason = rig.bench.run(ENOUGH, until=rig.output.reaches(want.size))
    assert reason == "reached", f"{what}: {len(rig.output)} of {want.size} bytes of output"
    rig.bench.run(4)
    found = unpacked(TENSOR_BYTE, rig.output.take())
    message = first_difference(what, want, found["value"].astype(np.int8), ("byte",))
    assert message is None, message
    assert (found["last"] == last).all(), f"{what}: last in the wrong place"
    assert rig.bench.get("o_busy") == 0, f"{what}: a step is under way"


def load_amid(rig: Rig, old: Subject, new: Subject, moment: int, what: str) -> str:
    """``new`` is offered ``moment`` clocks after a tensor for ``old``; all goes well, and this becomes of the tensor.

    One of which nothing was taken waits for ``new``; one that is whole runs through ``old``; any other does so as well,
    or it is dropped.
    """
    met, behind = TENSORS
    rig.input.send(beats(met))
    rig.bench.run(moment)
    whole = rig.input.waiting == 0
    rig.image.send(new.image)
    rig.bench.run(1)
    begun = rig.input.waiting < met.size
    assert rig.bench.run(ENOUGH, until=rig.image.empty) == "reached", f"{what}: the image is not taken"
    ran = whole or len(rig.output) > 0
    rig.bench.run(8)
    status = {"loaded": 1, "loading": 0, "error": 0, "network_id": new.program.network_id}
    assert rig.status == status, f"{what}: found {rig.status}"
    rig.input.send(beats(behind))
    first = [old.met] if ran else [] if begun else [new.met]
    await_outputs(rig, [*first, new.behind], what)
    return "ran" if ran else "dropped" if begun else "waited"


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize((("idle", "step"), [(0.75, 97), (0.0, 53)]))
async def a_network_loaded_at_any_moment_takes_the_next_tensor(dut: Any, idle: float, step: int) -> None:
    """From a tensor's first clock to the last byte of its output; the same network again, and another."""
    rig = Rig(dut, stall_in=Stall(idle, seed=3))
    one, other = Subject(rig, heatmap_network(6)), Subject(rig, vector_network(8))
    rig.load(one.image)
    rig.input.send(beats(TENSORS[0]))
    began = rig.bench.cycle
    assert rig.bench.run(ENOUGH, until=rig.bench.port("o_busy").equals(1)) == "reached"
    first_step = rig.bench.cycle - began
    await_outputs(rig, [one.met], "alone")
    clocks = rig.bench.cycle - began
    moments = {*range(12), *range(0, clocks + step, step)}
    if not idle:
        moments |= {*range(first_step - DENSE, first_step + DENSE)}
    found = [
        load_amid(rig, old, new, moment, f"{'the same' if old is new else 'another'} network at {moment} of {clocks}")
        for moment in sorted(moments)
        for old, new in ((one, one), (one, other), (other, other), (other, one))
    ]
    print({fate: found.count(fate) for fate in ("waited", "dropped", "ran")}, f"in {rig.bench.cycle} clocks")
    assert set(found) == {"waited", "dropped", "ran"}


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_reset_amid_a_tensor_forgets_it(dut: Any) -> None:
    """What comes behind a reset begins a tensor, though the one before had no end."""
    for taken in (1, 500, TENSORS[0].size - 1):
        for dropped in (False, True):
            rig = Rig(dut)
            one = Subject(rig, heatmap_network(6))
            rig.load(one.image)
            rig.input.send(beats(TENSORS[0])[:taken])
            assert rig.bench.run(ENOUGH, until=rig.input.empty) == "reached"
            if dropped:
                rig.load(one.image)
            rig = Rig(dut)
            rig.load(one.image)
            rig.input.send(beats(TENSORS[1]))
            await_outputs(rig, [one.behind], f"a reset behind {taken} bytes")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_tensor_whose_surplus_outlasts_the_inference_makes_one_output(dut: Any) -> None:
    """Its output comes behind the surplus; a load amid the surplus drops it; then the next tensor runs."""
    rig = Rig(dut)
    one = Subject(rig, heatmap_network(6))
    rig.load(one.image)
    surplus = np.zeros(9000, np.int8)
    long, behind = beats(np.append(TENSORS[0], surplus)), beats(TENSORS[1])
    rig.input.send(long)
    rig.input.send(behind)
    await_outputs(rig, [one.met, one.behind], "a surplus")
    rig.input.send(long)
    rig.bench.run(surplus.size)
    assert len(rig.output) == 0
    assert rig.input.waiting > 0
    rig.load(one.image)
    rig.input.send(behind)
    await_outputs(rig, [one.behind], "a load amid a surplus")


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_load_that_meets_the_end_of_a_dropped_tensor_drops_no_other(dut: Any) -> None:
    """The last byte that is swallowed comes in the clocks around an image's first word."""
    rig = Rig(dut)
    one = Subject(rig, heatmap_network(6))
    words = beats(TENSORS[0])
    for clocks in range(6):
        rig.load(one.image)
        rig.input.send(words[:100])
        assert rig.bench.run(ENOUGH, until=rig.input.empty) == "reached"
        rig.load(one.image)
        rig.input.send(words[100:-1])
        assert rig.bench.run(ENOUGH, until=rig.input.empty) == "reached"
        rig.image.send(one.image[:1])
        rig.bench.run(clocks)
        rig.input.send(words[-1:])
        assert rig.bench.run(ENOUGH, until=[rig.input.empty, rig.image.empty]) == "reached"
        rig.forget_image()
        rig.load(one.image)
        rig.input.send(beats(TENSORS[1]))
        await_outputs(rig, [one.behind], f"a last byte {clocks} clocks behind a load")
