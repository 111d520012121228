"""What a user may choose for a run: the variables of `make sim`."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from ocellus.configurations import CONFIGURATIONS, Configuration
from ocellus.errors import BadInput
from ocellus.formats import Mode
from ocellus.settings import UHD, FrameFormat, Window

MODES = {"metadata": Mode.METADATA, "image": Mode.IMAGE, "image+metadata": Mode.IMAGE_AND_METADATA}
MAX_FRAMES = 10_000


@dataclass(frozen=True)
class Options:
    """One run.

    Attributes
    ----------
    seed : int
        Of the first scene, and of the simulator's random start values.
    frames : int
        Scenes of the seeds from ``seed`` on; a photograph is shown as often.
    photograph : Path or None
        A file instead of a rendered scene.
    model : Path or None
        Another network than the project's own.
    roi : Window or None
        What of the frame the network looks at, instead of all of it.
    waves : bool
        Traces of the first lines and of the network's begin.
    trace_failure : bool
        A trace of the clocks around the first difference.
    gui : bool
        Open what there is to look at in a viewer.
    train : bool
        Compile the simulator once more, with what a frame has shown of it.
    given : mapping
        The variables that were typed, for the command that repeats the run.
    """

    seed: int = 1
    frames: int = 1
    photograph: Path | None = None
    model: Path | None = None
    mode: Mode = Mode.METADATA
    configuration: Configuration = CONFIGURATIONS["ecp5"]
    frame: FrameFormat = UHD
    roi: Window | None = None
    waves: bool = False
    trace_failure: bool = False
    gui: bool = False
    train: bool = False
    given: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, variables: Mapping[str, str], named: Mapping[str, str] | None = None) -> "Options":
        """Options from variables such as the environment's; empty ones count as not set.

        ``named`` are those of a run of the test plan, which variables override. :class:`BadInput` names the variable,
        what was found and what is allowed.
        """
        typed = {name: variables[name] for name in NAMES if variables.get(name)}
        given = dict(named or {}) | typed
        mode = given.get("MODE", "metadata")
        if mode not in MODES:
            raise BadInput(f"MODE: found {mode!r}, allowed {', '.join(MODES)}")
        chosen = given.get("CONFIG", "ecp5")
        if chosen not in CONFIGURATIONS:
            raise BadInput(f"CONFIG: found {chosen!r}, allowed {', '.join(CONFIGURATIONS)}")
        waves = given.get("WAVES", "0")
        if waves not in ("0", "1", "fail"):
            raise BadInput(f"WAVES: found {waves!r}, allowed 0, 1 and fail")
        gui, train = given.get("GUI", "0"), given.get("TRAIN", "0")
        for name, value in (("GUI", gui), ("TRAIN", train)):
            if value not in ("0", "1"):
                raise BadInput(f"{name}: found {value!r}, allowed 0 and 1")
        if train == "1" and waves == "1":
            raise BadInput("TRAIN: found 1 with WAVES=1, allowed without: simulators that trace are not trained")
        frame = _frame(given.get("SIZE", ""))
        return cls(
            seed=_integer(given, "SEED", 1, 0, 2**31 - 1 - MAX_FRAMES),
            frames=_integer(given, "FRAMES", 1, 1, MAX_FRAMES),
            photograph=Path(given["FRAME"]) if "FRAME" in given else None,
            model=Path(given["MODEL"]) if "MODEL" in given else None,
            mode=MODES[mode],
            configuration=CONFIGURATIONS[chosen],
            frame=frame,
            roi=_roi(given["ROI"], frame) if "ROI" in given else None,
            waves=waves == "1",
            trace_failure=waves == "fail",
            gui=gui == "1",
            train=train == "1",
            given=tuple(typed.items()),
        )

    def command(self, frames: int | None = None) -> str:
        """What to type for this run again, or for its first ``frames`` alone: a later one may hang on those before."""
        given = {name: value for name, value in self.given if name not in ("GUI", "TRAIN")}
        if frames is not None:
            given |= {"SEED": str(self.seed), "FRAMES": str(frames)}
            if frames == 1:
                del given["FRAMES"]
        return " ".join(["make sim", *(f"{name}={shlex.quote(value)}" for name, value in given.items())])


NAMES = ("TEST", "SEED", "FRAMES", "FRAME", "MODEL", "MODE", "CONFIG", "SIZE", "ROI", "WAVES", "GUI", "TRAIN")


def name_of(mode: Mode) -> str:
    """What a user calls a mode."""
    return next(name for name, value in MODES.items() if value == mode)


def _integer(given: Mapping[str, str], name: str, otherwise: int, low: int, high: int) -> int:
    text = given.get(name, str(otherwise))
    # Not int() alone, which also takes "1_000", " 5 " and digits of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise BadInput(f"{name}: found {text!r}, allowed whole numbers from {low} to {high}")
    return int(text)


def _frame(text: str) -> FrameFormat:
    """A frame with 4K's share of blanking."""
    if not text:
        return UHD
    width, _, height = text.partition("x")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in (width, height)):
        raise BadInput(f"SIZE: found {text!r}, allowed WIDTHxHEIGHT such as 3840x2160")
    columns, rows = int(width), int(height)
    try:
        return FrameFormat(columns, rows, ceil(columns * 55 / 48 / 4) * 4, max(ceil(rows * 25 / 24), rows + 1))
    except BadInput as error:
        raise BadInput(f"SIZE: {error}") from None


def _roi(text: str, frame: FrameFormat) -> Window:
    """A window inside the frame."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise BadInput(f"ROI: found {text!r}, allowed X,Y,WIDTH,HEIGHT such as 960,540,1920,1080")
    window = Window(*(int(part) for part in parts))
    try:
        window.check(frame)
    except BadInput as error:
        raise BadInput(f"ROI: {error}") from None
    return window
