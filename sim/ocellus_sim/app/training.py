"""Training the sensor's simulator: a frame, in the mode that needs most of the chip, for one that watches itself."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ocellus_sim.cosim import Build, toolchain, training

from .folders import GIVEN

SHOWN = {"FRAMES": "1", "MODE": "image+metadata"}
ELSE = ("WAVES", "GUI", "TRAIN", "TEST", "OCELLUS_TYPED")
"""Variables of the run that is asked for, not of this one."""


def train(built: Build, variables: Mapping[str, str]) -> None:
    """Compile it again with what a run with these variables has shown.

    Raises ``ToolError``: a tool failed, or the run was not bit exact.
    """

    def show(folder: Path) -> None:
        env = toolchain.environment() | dict(variables) | SHOWN | dict.fromkeys(ELSE, "")
        env |= {"OCELLUS_SIMULATOR": str(folder), GIVEN: str(folder / "run")}
        command = [sys.executable, "-m", "ocellus_sim.app"]
        toolchain.run(command, Path.cwd(), env, folder / "build.log")

    training.train(built, show)
