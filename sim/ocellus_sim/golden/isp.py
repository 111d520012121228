"""RAW10 to a linear or gamma-coded colour picture of half the size; docs/isp.md is the specification."""

import numpy as np
from numpy.typing import NDArray

from ocellus.errors import BadInput
from ocellus.settings import IspSettings


def process(raw: NDArray[np.uint16], settings: IspSettings) -> NDArray[np.uint8]:
    """Make one RGB pixel of every 2x2 RGGB quad: black level, white balance, colour matrix, gamma.

    Parameters
    ----------
    raw : uint16 (H, W)
        RAW10 levels, 0 to 1023; red at even rows and even columns. H and W are even.
    settings : IspSettings

    Returns
    -------
    uint8 (H / 2, W / 2, 3)

    Raises
    ------
    BadInput
        When the frame is no even-sized picture of levels from 0 to 1023.
    """
    if raw.ndim != 2 or not raw.size or raw.shape[0] % 2 or raw.shape[1] % 2:
        raise BadInput(f"isp: found a frame of shape {raw.shape}, allowed an even number of rows and columns")
    if int(raw.min()) < 0 or int(raw.max()) > 1023:
        raise BadInput(f"isp: found levels from {int(raw.min())} to {int(raw.max())}, allowed 0 to 1023")

    sites = (raw[0::2, 0::2], raw[0::2, 1::2], raw[1::2, 0::2], raw[1::2, 1::2])
    red, green_r, green_b, blue = (
        np.maximum(site.astype(np.int32) - black, 0) * gain
        for site, black, gain in zip(sites, settings.black, settings.gain, strict=True)
    )
    balanced = (
        np.minimum((red + 32) >> 6, 4095),
        np.minimum((green_r + green_b + 64) >> 7, 4095),
        np.minimum((blue + 32) >> 6, 4095),
    )

    rgb = np.empty((*red.shape, 3), np.uint8)
    for channel in range(3):
        row = settings.matrix[3 * channel : 3 * channel + 3]
        mixed = sum(k * site for k, site in zip(row, balanced, strict=True))
        linear = np.clip((mixed + 512) >> 10, 0, 1023)
        rgb[:, :, channel] = np.take(np.array(settings.gamma[channel], np.uint8), linear)
    return rgb
