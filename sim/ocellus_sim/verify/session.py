"""A verification from the files to the verdict."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ocellus import networks
from ocellus.compiler.engine.command import arithmetic_of, limit_of
from ocellus.compiler.engine.image import Program
from ocellus.compiler.graph import Kind
from ocellus.configurations import Configuration, configuration
from ocellus.errors import BadInput
from ocellus.formats import Arithmetic
from ocellus.networks import NetworkFile
from ocellus_sim.cosim import SimulationFailed
from ocellus_sim.golden import cnn

from .comparison import Comparison, compare_layers
from .figures import Run, figures, layer_cycles, shown
from .inputs import random_input, read_input
from .oracle import Oracle, oracle_of

Inputs = Sequence[tuple[str, np.ndarray]]
"""What each is called, and its values."""


def verify(arguments: argparse.Namespace) -> int:
    """Run as the command line says; 0 when all was equal, 1 when not, :class:`BadInput` for what cannot be used."""
    sizes = configuration(arguments.config)
    file = networks.load(arguments.network)
    arithmetic = arithmetic_of(file, arguments.arithmetic)
    oracle = oracle_of(file.network, arguments.network, arithmetic)
    inputs = gathered(file, arguments.input, arguments.frames, arguments.seed, oracle.unsigned)
    limit, dead = limit_of(arguments.activations, sizes), arguments.keep_dead
    try:
        run = ran(file, oracle, sizes, arithmetic, inputs, arguments.engine, progress_line(), dead, limit)
    except SimulationFailed as error:
        raised = re.findall(r"^ *\w+Error: .*", str(error), re.MULTILINE)
        said = raised[-1].strip() if raised else str(error)
        print(f"{arguments.network}: the gateware has not come to a right end: {said}", file=sys.stderr)
        return 1
    print(shown(run))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(figures(run), indent=1) + "\n")
    return 1 if run.found.wrong else 0


def gathered(file: NetworkFile, paths: Sequence[str], frames: int | None, seed: int, unsigned: bool) -> Inputs:
    """The files' inputs, then random ones."""
    frames = int(not paths) if frames is None else frames
    if frames < 0 or (not paths and not frames):
        raise BadInput(f"--frames: found {frames}, allowed 1 and more, or 0 with --input")
    given = [(str(path), read_input(path, file, unsigned)) for path in paths]
    return given + [(f"seed {n}", random_input(file.network, n)) for n in range(seed, seed + frames)]


def ran(
    file: NetworkFile, oracle: Oracle, sizes: Configuration, arithmetic: Arithmetic, inputs: Inputs, engine: str,
    tell: Callable[[str], None], keep_dead: bool = False, activation_bytes: int | None = None,
) -> Run:  # fmt: skip
    """All inputs on the engine and on the oracle; the program takes ``activation_bytes`` at most."""
    found = Comparison()
    slowest = None
    if engine == "rtl":
        from .rtl import inferences

        program = file.compile(sizes, arithmetic, keep_dead, activation_bytes=activation_bytes)
        results = inferences(program, [x for _, x in inputs], tell)
        for (name, x), result in zip(inputs, results, strict=True):
            tell(f"comparing {name}")
            want = oracle.outputs(x)
            compare_layers(found, name, file.network, program.host, result.layers, result.first_pass, want)
            if slowest is None or sum(layer_cycles(result)) > sum(layer_cycles(slowest)):
                slowest = result
    else:
        file.check(sizes, arithmetic, keep_dead)
        program = _program_if_it_fits(file, sizes, arithmetic, keep_dead, activation_bytes)
        for n, (name, x) in enumerate(inputs):
            tell(f"{name}, input {n + 1} of {len(inputs)}: {found.total:,} activations compared")
            _compare_golden(found, name, file, x, arithmetic, oracle.outputs(x))
    tell("")
    return Run(
        file.network, engine, oracle.name, arithmetic.name.lower(), sizes.name, len(inputs), found, program, slowest
    )


def _program_if_it_fits(
    file: NetworkFile, sizes: Configuration, arithmetic: Arithmetic, keep_dead: bool, activation_bytes: int | None
) -> Program | None:
    """The golden model knows no sizes: a network that does not fit is verified all the same, and the reason told."""
    try:
        return file.compile(sizes, arithmetic, keep_dead, activation_bytes=activation_bytes)
    except BadInput as error:
        print(f"not for {sizes.name}: {error}", file=sys.stderr)
        return None


def _compare_golden(
    found: Comparison, name: str, file: NetworkFile, x: np.ndarray, arithmetic: Arithmetic, want: dict[str, np.ndarray]
) -> None:
    got = cnn.run(file.network, x, arithmetic)
    told = {o.number for o in file.network.operators if o.output in want}
    for o in file.network.operators:
        if o.output not in want:
            if o.kind is not Kind.RESHAPE and o.number not in told:  # one of the file may have become two
                raise BadInput(f"{file.network.file}: {o}: found no tensor {o.output!r} in the oracle, allowed all")
            continue
        tensor = file.network.tensors[o.output]
        found.add(o.number, name, tensor, want[o.output].reshape(tensor.picture), got[o.output].reshape(tensor.picture))


def progress_line() -> Callable[[str], None]:
    """One line that changes on a terminal; nothing where nobody watches."""
    if not sys.stderr.isatty():
        return lambda text: None
    return lambda text: print(f"\r\x1b[K{text[:100]}", end="", file=sys.stderr, flush=True)
