"""Windows, ratios and clamps of the tensor stage."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ocellus.settings import FrameFormat, TensorSettings
from ocellus_sim.coverage.functional import Situation
from ocellus_sim.golden.tensor import area_sums

SCALING, SATURATION = "tensor scaling", "tensor saturation"


def of_settings(s: TensorSettings, frame: FrameFormat) -> Iterator[Situation]:
    """Of the window in the frame and of the ratios."""
    width, height = frame.width // 2, frame.height // 2
    right, bottom = s.crop_x + s.crop_w == width, s.crop_y + s.crop_h == height
    corner = {(True, True): "first corner", (False, False): "last corner"}
    found = {
        "whole picture": (s.crop_w, s.crop_h) == (width, height),
        "one pixel": (s.crop_w, s.crop_h) == (1, 1),
        "inside": s.crop_x > 0 and s.crop_y > 0 and not right and not bottom,
        corner[True, True]: (s.crop_x, s.crop_y) == (0, 0) and not right and not bottom,
        corner[False, False]: s.crop_x > 0 and s.crop_y > 0 and right and bottom,
        "one row": s.crop_h == 1 and s.crop_w > 1,
        "one column": s.crop_w == 1 and s.crop_h > 1,
        "one channel": s.channels == 1,
        "three channels": s.channels == 3,
    }
    for axis, pixels_in, pixels_out in (("columns", s.x_in, s.x_out), ("rows", s.y_in, s.y_out)):
        found[f"{axis} as they are"] = pixels_in == pixels_out
        found[f"fewer {axis}, whole ratio"] = pixels_in > pixels_out == 1
        found[f"more {axis}, whole ratio"] = pixels_out > pixels_in == 1
        found[f"fewer {axis}, broken ratio"] = pixels_in > pixels_out > 1
        found[f"more {axis}, broken ratio"] = pixels_out > pixels_in > 1
    yield from ((SCALING, name) for name, there in found.items() if there)


def of_picture(rgb: NDArray[np.uint8], s: TensorSettings) -> Iterator[Situation]:
    """Of the levels of a picture (H, W, 3) that the window covers; docs/tensor.md has the arithmetic."""
    window = rgb[s.crop_y : s.crop_y + s.crop_h, s.crop_x : s.crop_x + s.crop_w, : s.channels]
    sums = area_sums(area_sums(window, s.y_in, s.y_out).swapaxes(0, 1), s.x_in, s.x_out).swapaxes(0, 1)
    scaled = (sums * np.array(s.multiplier[: s.channels], np.int64)) >> s.shift
    value = (scaled + np.array(s.offset[: s.channels], np.int64) + 128) >> 8
    found = {
        "below -128": value < -128, "exactly -128": value == -128, "exactly 127": value == 127,
        "above 127": value > 127,
    }  # fmt: skip
    yield from ((SATURATION, name) for name, reached in found.items() if reached.any())
