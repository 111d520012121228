"""Where the isp's numbers end: which clamps and which ends of the tables some pictures reach."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ocellus.settings import IspSettings
from ocellus_sim.coverage.functional import Situation

GROUP = "isp saturation"


def of_pictures(raw: NDArray[np.uint16], settings: IspSettings) -> Iterator[Situation]:
    """Of raw frames (..., H, W); docs/isp.md has the arithmetic."""
    sites = [raw[..., y::2, x::2].astype(np.int32) for y in range(2) for x in range(2)]
    red, green_r, green_b, blue = (
        np.maximum(site - black, 0) * gain
        for site, black, gain in zip(sites, settings.black, settings.gain, strict=True)
    )
    balanced = (red + 32) >> 6, (green_r + green_b + 64) >> 7, (blue + 32) >> 6
    found = {
        "below the black level": any((s < b).any() for s, b in zip(sites, settings.black, strict=True)),
        "at the black level": any((s == b).any() for s, b in zip(sites, settings.black, strict=True)),
        "white level of the sensor": bool(raw.max() == 1023),
        "white balance above 4095": any((b > 4095).any() for b in balanced),
    }
    clipped = [np.minimum(b, 4095) for b in balanced]
    for channel in range(3):
        row = settings.matrix[3 * channel : 3 * channel + 3]
        linear = (sum(k * site for k, site in zip(row, clipped, strict=True)) + 512) >> 10
        for name, reached in (
            ("matrix below 0", linear < 0), ("matrix above 1023", linear > 1023),
            ("first entry of gamma", linear == 0), ("last entry of gamma", linear == 1023),
        ):  # fmt: skip
            found[name] = found.get(name, False) or bool(np.any(reached))
    yield from ((GROUP, name) for name, reached in found.items() if reached)
