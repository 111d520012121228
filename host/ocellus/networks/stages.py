"""The settings that a network needs of every stage, in a frame: their one home, for simulators, boards and hosts."""

from dataclasses import replace
from math import gcd

import numpy as np

from ..errors import BadInput
from ..formats import Pattern
from ..line import isp_settings
from ..settings import LUMA_MATRIX, FrameFormat, IspSettings, ReadoutSettings, Window
from ..start import StageSettings
from .network_file import NetworkFile

MAX_COLUMNS = 512
"""Of the network's input: what the tensor stage of a whole sensor has room for."""


def stage_settings(
    file: NetworkFile,
    frame: FrameFormat,
    window: Window | None = None,
    pattern: Pattern = Pattern.ARRAY,
    clocks_after_input: int = 0,
) -> StageSettings:
    """What shows ``window`` of ``frame`` (all of it by default) to the network, and reads its output as objects.

    The image processor is set up for the light of the production line, and gives luma to a network of one channel.
    Readout is enabled; it is *live* where the tensor stage keeps up with it (docs/tensor.md) and the blanking is long
    enough for the ``clocks_after_input`` of the network's program; else the array waits.

    Raises
    ------
    BadInput
        When the network's input is no picture, or wider than the sensor can make it.
    """
    window = window or Window(0, 0, frame.width, frame.height)
    isp = isp_settings()
    if file.network.input_tensor.shape[-1] == 1:
        isp = replace(isp, matrix=_luma(isp))
    tensor, metadata = file.tensor_settings(window), file.metadata_settings(frame, window)
    if tensor.out_w > min(tensor.crop_w * 8, MAX_COLUMNS):
        raise BadInput(
            f"input tensor: found {tensor.out_w} columns, allowed up to {min(tensor.crop_w * 8, MAX_COLUMNS)} "
            f"from a window of {window.width}"
        )
    # docs/tensor.md: what a live readout may ask of the tensor stage in two line times.
    columns = tensor.crop_w + tensor.out_w - gcd(tensor.crop_w, tensor.out_w)
    keeps_up = max(columns, 2 * tensor.out_w * tensor.channels) <= 2 * frame.clocks_per_line
    live = keeps_up and clocks_after_input <= (frame.v_total - frame.height) * frame.clocks_per_line
    return StageSettings(tensor, metadata, ReadoutSettings(enable=True, live=live, pattern=pattern), isp)


def _luma(isp: IspSettings) -> tuple[int, ...]:
    """Luma of the corrected colours: one matrix after the other is their product."""
    rows = np.array(LUMA_MATRIX).reshape(3, 3) @ np.array(isp.matrix).reshape(3, 3)
    return tuple(int(k) for k in np.round(rows / 256).ravel())
