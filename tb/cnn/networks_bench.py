"""Networks through the accelerator, every layer compared with LiteRT's reference kernels."""

import cocotb

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
                check_layers(program, run(model, x), layers, output, f"{name}, input {n}")
            ran[kind] = ran.get(kind, 0) + 1
    print("networks compared:", ran)
    for kind, seeds in engine.bench.parameters["networks"].items():
        assert ran.get(kind, 0) > len(seeds) // 2, f"{kind}: only {ran.get(kind, 0)} of {len(seeds)} networks fit"
