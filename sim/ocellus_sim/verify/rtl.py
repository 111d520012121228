"""The gateware on some inputs: a simulator in a process of its own, and what it left."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ocellus.compiler.engine.image import Program
from ocellus_sim.cosim import build, simulate

from .accelerator import Inference

CNN = "ocellus_hdl.cnn:Cnn"
_BENCH = "ocellus_sim.verify.rtl_bench"
_SECONDS_AN_INPUT = 6 * 3600
"""After which a simulation is given up."""


def inferences(
    program: Program, inputs: Sequence[NDArray[np.int8]], tell: Callable[[str], None]
) -> Iterator[Inference]:
    """What the accelerator made of each input. ``tell`` is called with a line that says how far it is.

    Raises :class:`ocellus_sim.cosim.SimulationFailed` when the gateware hangs, or writes where it should not.
    """
    arguments = {"configuration": program.configuration}
    tell(f"building the simulator of {program.configuration.name}")
    build(CNN, arguments)
    predicted = max(program.host["clocks"], 1)

    def on_line(line: str) -> None:
        word, *numbers = line.split() or [""]
        if word == "at" and len(numbers) == 3 and all(n.isdigit() for n in numbers):
            number, clocks, layer = map(int, numbers)
            tell(
                f"input {number + 1} of {len(inputs)}: {clocks:,} clocks of about {predicted:,}, "
                f"layer {layer} of {len(program.layers)}"
            )

    with tempfile.TemporaryDirectory(prefix="ocellus-verify-") as name:
        folder = Path(name)
        (folder / "program.ocnn").write_bytes(program.to_bytes())
        paths = [folder / f"input-{n}.npy" for n in range(len(inputs))]
        for path, x in zip(paths, inputs, strict=True):
            np.save(path, x)
        simulate(
            CNN, arguments, test_module=_BENCH, seed=1,
            parameters={"image": str(folder / "program.ocnn"), "inputs": [str(path) for path in paths]},
            run_dir=folder / "run", wall_seconds=_SECONDS_AN_INPUT * len(inputs), on_line=on_line,
        )  # fmt: skip
        for number in range(len(inputs)):
            with np.load(folder / "run" / f"result-{number}.npz") as found:
                yield Inference(
                    found["output"], _numbered(found, "layer"), _numbered(found, "first"), found["counts"],
                    found["waits"],
                )  # fmt: skip


def _numbered(found: "np.lib.npyio.NpzFile", what: str) -> dict[int, NDArray[np.int8]]:
    return {int(key.split()[1]): found[key] for key in found.files if key.startswith(what + " ")}
