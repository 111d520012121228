"""What a bench sees by itself of its situation: which ends of the streams stall, how large the frames are."""

from collections.abc import Iterator, Mapping
from typing import Any

from ocellus.settings import UHD, FrameFormat
from ocellus_sim.coverage.functional import Situation

STAGES = ("readout", "isp", "tensor", "cnn", "metadata", "link", "control", "sensor")
_ELSEWHERE = {"ocellus_sim.app.frame_bench": "sensor", "ocellus_sim.verify.rtl_bench": "cnn"}
_KINDS = {(False, False): "none", (True, False): "in", (False, True): "out", (True, True): "both"}


def stage_of(test_module: str) -> str:
    """The stage that a module of tests is about; empty where it is about none."""
    parts = test_module.split(".")
    stage = _ELSEWHERE.get(test_module, parts[1] if parts[0] == "tb" and len(parts) > 1 else "")
    return stage if stage in STAGES else ""


def of_bench(stage: str, arguments: Mapping[str, Any], stalls_in: bool, stalls_out: bool) -> Iterator[Situation]:
    """Situations of a stage on the bench, made with these arguments, where a source or a sink stalls or none does."""
    if not stage:
        return
    yield "stalls", f"{stage} {_KINDS[stalls_in, stalls_out]}"
    frame = arguments.get("frame")
    if isinstance(frame, FrameFormat):
        yield "frames", f"{stage} {width_of(frame)}"
        if frame.height == 2:
            yield "frames", f"{stage} one pair of lines"


def width_of(frame: FrameFormat) -> str:
    """The corner that a line's length lies on."""
    if frame.width == 8:
        return "shortest lines"
    if frame.width == UHD.width:
        return "4K lines"
    return "odd words" if frame.words_per_line % 2 else "even words"
