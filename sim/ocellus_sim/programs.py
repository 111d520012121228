"""Programs of networks, kept by the content of all that makes them: the search for the best order takes a minute."""

import hashlib
import os
from pathlib import Path

import ocellus
from ocellus.compiler.engine.goal import Goal
from ocellus.compiler.engine.image import Program
from ocellus.configurations import Configuration
from ocellus.networks import NetworkFile
from ocellus_sim.cosim.builds import build_root


def program_path(file: NetworkFile, sizes: Configuration) -> Path:
    """Where the program of a network is kept, by the content of all that makes it."""
    here = Path(ocellus.__file__).parent
    digest = hashlib.sha256(repr((file.network.identity, file.description(), sizes)).encode())
    for source in sorted(here.rglob("*.py")):
        digest.update(source.read_bytes())
    return build_root() / "programs" / f"{digest.hexdigest()[:16]}.ocnn"


def compiled(file: NetworkFile, sizes: Configuration) -> Program:
    """The program with the least latency, as a live frame waits for nobody; made at the first time, then read."""
    path = program_path(file, sizes)
    if path.is_file():
        return Program.load(path)
    program = file.compile(sizes, goal=Goal.LATENCY)
    path.parent.mkdir(parents=True, exist_ok=True)
    coming = path.with_suffix(f".{os.getpid()}")
    coming.write_bytes(program.to_bytes())
    coming.rename(path)
    return program
