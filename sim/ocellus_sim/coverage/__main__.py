"""`python -m ocellus_sim.coverage [STAGE ...]`: tests of the stages, small runs of the sensor, and what they reach."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from ocellus.errors import BadInput
from ocellus_sim.cosim.builds import build_root
from ocellus_sim.coverage import code, functional, listing, tables

PASSED, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Errand:
    """A process whose simulators count: tests of a stage, or a run of the whole sensor."""

    stage: str
    name: str
    command: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)


def _tests(stage: str, name: str, *choice: str) -> Errand:
    return Errand(stage, name, ("-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *choice))


def _run(name: str, **variables: str) -> Errand:
    return Errand("sensor", f"sensor, {name}", ("-m", "ocellus_sim.app"), {"CONFIG": "tiny", **variables})


SMALL = "384x216"
ERRANDS = (
    _tests("cnn", "cnn, tiny", "tb/cnn/test_cnn.py", "-k", "tiny"),
    _tests("cnn", "cnn, ecp5", "tb/cnn/test_cnn.py", "-k", "ecp5"),
    _tests("sensor", "sensor", "tb/sensor", "-k", "not full_picture"),
    _run("metadata", SIZE=SMALL, FRAMES="2"),
    _run("image", SIZE=SMALL, MODE="image", SEED="5", ROI="0,0,192,108"),
    _run("image and metadata", SIZE=SMALL, MODE="image+metadata", SEED="9", ROI="192,108,192,108"),
    *(_tests(stage, stage, f"tb/{stage}") for stage in ("tensor", "link", "isp", "readout", "metadata", "control")),
)
"""The longest first."""
STAGES = tuple(dict.fromkeys(errand.stage for errand in ERRANDS))


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 every test passed, 1 one did not, 2 the input was refused."""
    try:
        unknown = [name for name in arguments if name not in STAGES]
        if unknown:
            raise BadInput(f"stage: found {unknown[0]!r}, allowed {', '.join(sorted(STAGES))}")
        with _alone():
            return cover([e for e in ERRANDS if not arguments or e.stage in arguments], Console())
    except BadInput as error:
        print(f"ocellus: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("ocellus: interrupted", file=sys.stderr)
        return INTERRUPTED


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Held by one process a checkout: they would clear each other's folder."""
    build_root().mkdir(parents=True, exist_ok=True)
    with (build_root() / "cov.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"{build_root() / 'cov'}: found another `make cov` at work, allowed one at a time") from None
        yield


def cover(errands: Sequence[Errand], console: Console) -> int:
    """Runs the errands, as many at a time as there are cores, then merges and shows what they reached."""
    out = build_root() / "cov"
    shutil.rmtree(out, ignore_errors=True)
    begin = time.monotonic()
    failed = False
    cores = len(os.sched_getaffinity(0))
    console.print(f"{len(errands)} groups of tests, {cores} at a time; their simulators are built once")
    with ThreadPoolExecutor(cores) as pool:
        for future in as_completed([pool.submit(_do, errand, out) for errand in errands]):
            errand, status, seconds = future.result()
            verdict = "passed" if status == 0 else f"[red]status {status}[/], see {_folder(errand, out) / 'log'}"
            console.print(f"  {errand.name:<28} {seconds:5.0f} s  {verdict}")
            failed |= status != 0
    summary = code.merge(code.run_files(out), out)
    hits = functional.gather(out)
    tables.show_code(console, summary)
    tables.show_functional(console, hits, [e.stage for e in errands])
    listing.write(summary, code.run_files(out), hits, out / "coverage.html")
    console.print(f"{out}/coverage.html, coverage.json, coverage.info; {time.monotonic() - begin:.0f} s")
    return FAILED if failed else PASSED


def _folder(errand: Errand, out: Path) -> Path:
    return out / errand.name.replace(", ", "-").replace(" ", "-")


def _do(errand: Errand, out: Path) -> tuple[Errand, int, float]:
    begin = time.monotonic()
    folder = _folder(errand, out)
    folder.mkdir(parents=True)
    env = {
        **os.environ, **errand.variables, "OCELLUS_COVERAGE": "1", "OCELLUS_COVERED": str(folder),
        "OCELLUS_RUN_FOLDER": str(folder / "run"),
    }  # fmt: skip
    with (folder / "log").open("w") as log:
        command = [sys.executable, *errand.command]
        status = subprocess.run(command, env=env, cwd=code.ROOT, stdout=log, stderr=subprocess.STDOUT).returncode
    # What the run left in its own folder was copied beside it.
    shutil.rmtree(folder / "run", ignore_errors=True)
    return errand, status, time.monotonic() - begin


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
