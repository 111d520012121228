"""Simulators compiled once more, with what a run has shown of them: which code is hot, and which way branches go."""

import shutil
from collections.abc import Callable
from pathlib import Path

from ocellus_sim.cosim import builds
from ocellus_sim.cosim.toolchain import ToolError

WATCH = "-fprofile-generate -fprofile-update=single"
KNOW = "-fprofile-use -fprofile-partial-training -Wno-missing-profile"
"""What the run did not come through is compiled as ever."""
MARK = "trained"


def is_trained(built: builds.Build) -> bool:
    """Whether the simulator was compiled with what a run has shown."""
    return (built.folder / MARK).exists()


def train(built: builds.Build, show: Callable[[Path], None]) -> None:
    """The simulator of this build becomes a faster one that does the same; nothing where it is that already.

    It takes about three times what building it took.

    Parameters
    ----------
    built
        Without waves and coverage.
    show
        Called with the folder of a simulator that watches itself; runs something typical on it, to its end.

    Raises
    ------
    ToolError
        When a tool fails, or ``show`` runs nothing.
    """
    store = built.folder.parent
    with builds.lock(store / f"{built.folder.name}.lock"):
        if is_trained(built):
            return
        with builds.workplace(store) as temporary:
            work = Path(temporary)
            shutil.copyfile(built.folder / "top.v", work / "top.v")
            builds.verilate(work, store, waves=False, flags=WATCH)
            show(work)
            if not any(work.glob("*.gcda")):
                raise ToolError(f"training: found nothing that {work / 'simulator'} has seen, allowed a run to its end")
            for old in (*work.glob("Vtop*.[oa]"), *(work / f"{name}.o" for name in ("burst", "main", "ports"))):
                old.unlink()
            (work / "simulator").unlink()
            builds.make(work, [], KNOW)
            (work / "simulator").replace(built.simulator)
            (built.folder / MARK).touch()
