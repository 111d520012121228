"""Networks through the accelerator, every layer compared with LiteRT's reference kernels."""

from pathlib import Path

import cocotb
import numpy as np

from ocellus.compiler.program import Program
from ocellus.errors import BadInput
from tb.cnn.engine import Engine, check_layers
from tb.frames import stalls
from tb.oracle import random_input, random_network, run


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def random_networks_equal_litert(dut):
    """Every kind of operator, one network after the other in the same accelerator; two tensors through each."""
    engine = Engine(dut, *stalls("both", cocotb.RANDOM_SEED))
    ran: dict[str, int] = {}
    for kind, seeds in engine.bench.parameters["networks"].items():
        for seed in seeds:
            model = random_network(kind, seed)
            name = f"{kind} {seed}"
            try:
                program = engine.compiled(model, name)
            except BadInput as error:
                print(f"{name}: does not fit ({error})")
                continue
            engine.load(program.words())
            for n in range(2):
                x = random_input(model, seed + 100 * n)
                layers, output, _ = engine.infer(program, x)
                check_layers(program, list(run(model, x).values()), layers, output, f"{name}, input {n}")
            ran[kind] = ran.get(kind, 0) + 1
    print("networks compared:", ran)
    for kind, seeds in engine.bench.parameters["networks"].items():
        assert ran.get(kind, 0) > len(seeds) // 2, f"{kind}: only {ran.get(kind, 0)} of {len(seeds)} networks fit"


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def public_networks_equal_litert(dut):
    """Networks that others trained: a published vector and a random tensor, every layer, and the clocks of each."""
    engine = Engine(dut)
    rows = []
    for path in map(Path, engine.bench.parameters["networks"]):
        model = path.read_bytes()
        program = engine.compiled(model, path.stem)
        engine.load(program.words())
        vectors = np.load(path.parents[1] / "vectors" / f"{path.stem}.layers.npz")
        for what, x in (("vector 0", vectors["in0"]), ("random", random_input(model, cocotb.RANDOM_SEED))):
            start = engine.bench.cycle
            layers, output, clocks = engine.infer(program, x)
            check_layers(program, list(run(model, x).values()), layers, output, f"{path.stem}, {what}")
        rows.append((path.stem, program, clocks, layer_clocks(engine, start)))
    for name, program, clocks, each in rows:
        print_clocks(name, program, engine.configuration.macs, clocks, each)


def layer_clocks(engine: Engine, start: int) -> list[int]:
    """Clocks of each layer of the last inference, from the changes of ``o_busy`` and ``o_layer``."""
    times = [at for at, _ in engine.layer_changes.changes() if at > start]
    end = [at for at, busy in engine.busy_changes.changes() if not busy][-1]
    begin = [at for at, busy in engine.busy_changes.changes() if busy][-1]
    edges = [begin, *(at for at in times if begin < at < end), end]
    return np.diff(edges).tolist()


def print_clocks(name: str, program: Program, macs: int, clocks: int, each: list[int]) -> None:
    """The table of docs/cnn.md: what every layer costs, and how much of the array it uses."""
    layers = program.host["layers"]
    assert len(each) == len(layers)
    print(f"\n{name}\n| operator | output | MACs | clocks | MACs/clock |\n|---|---|---|---|---|")
    for entry, cost in zip(layers, each, strict=True):
        shape = "x".join(map(str, entry["shape"][1:]))
        print(
            f"| {entry['operator']} {entry['kind']} | {shape} | {entry['macs']} | {cost} | {entry['macs'] / cost:.1f} |"
        )
    total = sum(entry["macs"] for entry in layers)
    print(f"| all | | {total} | {clocks} | {total / clocks:.1f} of {macs} |")
