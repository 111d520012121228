"""Which state of the project this is: what ran here is only comparable with what runs there if both agree."""

import functools
import hashlib
from pathlib import Path

import ocellus
import ocellus_sim

from .plan import ROOT

TESTS = ROOT / "tb"


@functools.cache
def digest(*, tests: bool = True) -> str:
    """Hash of every source file: of the package, and of the tests where they are asked for; 16 digits."""
    host, sim = (Path(package.__path__[0]) for package in (ocellus, ocellus_sim))
    hdl = sim.parents[1] / "hdl" / "ocellus_hdl" if sim.parent.name == "sim" else sim.with_name("ocellus_hdl")
    told = hashlib.blake2b(digest_size=8)
    for folder in (host, sim, hdl, *([TESTS] if tests else [])):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            for part in (f"{folder.name}/{path.relative_to(folder)}".encode(), path.read_bytes()):
                told.update(len(part).to_bytes(8, "little") + part)
    return told.hexdigest()
