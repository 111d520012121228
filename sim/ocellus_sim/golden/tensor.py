"""The picture's window, scaled by exact area averaging and quantised to int8; docs/tensor.md is the specification."""

import numpy as np
from numpy.typing import NDArray

from ocellus.errors import BadInput
from ocellus.settings import TensorSettings


def scale(rgb: NDArray[np.uint8], settings: TensorSettings) -> NDArray[np.int8]:
    """Crop, scale by any rational ratio, normalise and quantise.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        The picture that the isp hands on.
    settings : TensorSettings

    Returns
    -------
    int8 (out_h, out_w, channels)

    Raises
    ------
    BadInput
        When the crop reaches outside the picture, or the ratios are not those of crop and output.
    """
    s = settings
    _check(rgb, s)
    window = rgb[s.crop_y : s.crop_y + s.crop_h, s.crop_x : s.crop_x + s.crop_w, : s.channels]
    # Rows first: the many rows of a large picture become few before anything is multiplied.
    sums = area_sums(window, s.y_in, s.y_out)
    sums = area_sums(sums.swapaxes(0, 1), s.x_in, s.x_out).swapaxes(0, 1)

    multiplier = np.array(s.multiplier[: s.channels], np.int64)
    offset = np.array(s.offset[: s.channels], np.int64)
    scaled = (sums * multiplier) >> s.shift  # below 2^32 * 2^24
    return np.clip((scaled + offset + 128) >> 8, -128, 127).astype(np.int8)


def area_sums(levels: NDArray[np.integer], pixels_in: int, pixels_out: int) -> NDArray[np.int64]:
    """Sum ``levels`` along axis 0 with the overlaps of input and output pixels as weights.

    Every ``pixels_in`` input pixels become ``pixels_out`` output pixels. With each input pixel stretched to length
    ``pixels_out`` and each output pixel to ``pixels_in`` all edges lie on integers; what lies between two edges is a
    difference of the running integral, which is exact.

    Parameters
    ----------
    levels : integers (n, ...)
        n is a multiple of ``pixels_in``.

    Returns
    -------
    int64 (n * pixels_out / pixels_in, ...)
        Sums that are ``pixels_in`` times the average for an output pixel.
    """
    count = len(levels)
    whole = np.zeros((count + 1, *levels.shape[1:]), np.int64 if levels.dtype.itemsize > 2 else np.int32)
    np.cumsum(levels, axis=0, dtype=whole.dtype, out=whole[1:])
    edges = np.arange(count * pixels_out // pixels_in + 1) * pixels_in
    index, rest = np.divmod(edges, pixels_out)
    rest = rest.reshape(-1, *[1] * (levels.ndim - 1))
    split = levels[np.minimum(index, count - 1)]  # the pixel that an edge falls into; the last edge has no rest
    integral = whole[index].astype(np.int64) * pixels_out + split * rest
    return np.diff(integral, axis=0)


def _check(rgb: NDArray[np.uint8], s: TensorSettings) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise BadInput(
            f"tensor: found a picture of shape {rgb.shape} and {rgb.dtype}, allowed (rows, columns, 3) uint8"
        )
    if s.crop_w < 1 or s.crop_h < 1 or s.crop_y + s.crop_h > rgb.shape[0] or s.crop_x + s.crop_w > rgb.shape[1]:
        raise BadInput(
            f"tensor: found a crop of {s.crop_w}x{s.crop_h} at ({s.crop_x}, {s.crop_y}), "
            f"allowed inside {rgb.shape[1]}x{rgb.shape[0]}"
        )
    if s.crop_w * s.x_out != s.out_w * s.x_in or s.crop_h * s.y_out != s.out_h * s.y_in:
        raise BadInput(
            f"tensor: found the ratios {s.x_in}:{s.x_out} and {s.y_in}:{s.y_out}, "
            f"allowed {s.crop_w}:{s.out_w} and {s.crop_h}:{s.out_h} in lowest terms"
        )
    if s.channels not in (1, 3):
        raise BadInput(f"tensor: found {s.channels} channels, allowed 1 or 3")
