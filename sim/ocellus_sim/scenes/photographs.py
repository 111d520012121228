"""Photographs and Bayer files as RAW10 frames, as if the sensor had looked at them."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ocellus.errors import BadInput
from ocellus.settings import UHD, FrameFormat

from .camera import BLACK, SITES, site_weights

RAW_SUFFIXES = (".raw", ".bin")
RAW_SIZES = (
    (640, 480), (1280, 720), (1920, 1080), (2028, 1520), (2592, 1944), (3280, 2464),
    (3840, 2160), (4032, 3024), (4056, 3040), (4096, 2160), (4608, 2592),
)  # fmt: skip
"""Widths and heights that a raw file's length may mean, besides the frame's own."""


def load_frame(path: str | Path, frame: FrameFormat = UHD) -> NDArray[np.uint16]:
    """The picture in a file as RGGB RAW10 (frame.height, frame.width).

    An image that Pillow reads, or a colour ``.npy``, is turned upright (EXIF), scaled until it covers the frame and
    cropped about its centre; alpha is ignored. Its sRGB levels become linear light, then what the array would give
    for it, so that the image processor with :func:`~ocellus.line.isp_settings` shows the picture again.
    A two-dimensional ``.npy`` (uint8, or uint16 up to 1023) and a ``.raw`` or ``.bin`` file (uint16 little-endian up to
    1023) are RGGB levels already: they are cropped about the centre, or repeated quad by quad by a whole factor and
    surrounded by black.

    :class:`BadInput` when the file is missing, is none of these, is truncated, or its size, type or values are not
    allowed.
    """
    file = Path(path)
    try:
        if not file.is_file():
            raise BadInput(f"{file}: found no such file, allowed an image, a .npy or a raw Bayer file")
        if file.suffix.lower() in RAW_SUFFIXES:
            return _fit_bayer(_read_raw(file, frame), frame)
        if file.suffix.lower() == ".npy":
            array = _read_array(file)
            return _fit_bayer(_levels(file, array), frame) if array.ndim == 2 else _mosaic(_colours(file, array), frame)
        return _mosaic(_read_image(file), frame)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{str(file)!r}: no usable path ({error})") from None


def _read_raw(file: Path, frame: FrameFormat) -> NDArray[np.uint16]:
    size = file.stat().st_size
    sizes = ((frame.width, frame.height), *RAW_SIZES)
    for width, height in sizes:
        if size == 2 * width * height:
            levels = np.fromfile(file, "<u2").reshape(height, width)
            return _levels(file, levels)
    allowed = ", ".join(f"{w}x{h}" for w, h in dict.fromkeys(sizes))
    raise BadInput(f"{file}: found {size} bytes, allowed two a pixel (uint16 little-endian) for {allowed}")


def _read_array(file: Path) -> NDArray[Any]:
    try:
        # Mapped, so that a header which promises more than the file holds is refused before memory is taken.
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # the header is parsed as Python source and fails in any way that can
        raise BadInput(f"{file}: not a readable .npy array ({_first_line(error)})") from None
    if not isinstance(array, np.ndarray):
        raise BadInput(f"{file}: found a {type(array).__name__}, allowed one .npy array")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise BadInput(f"{file}: found shape {array.shape}, allowed (H, W) RGGB, (H, W, 3) or (H, W, 4) colour")
    if array.dtype.newbyteorder("=") not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise BadInput(f"{file}: found {array.dtype}, allowed uint8 and uint16")
    if min(array.shape[:2]) < 2:
        raise BadInput(f"{file}: found shape {array.shape}, allowed two rows and two columns and more")
    if array.nbytes > 1 << 30:
        raise BadInput(f"{file}: found {array.nbytes} bytes, allowed {1 << 30}")
    return np.array(array, dtype=array.dtype.newbyteorder("="))


def _levels(file: Path, array: NDArray[Any]) -> NDArray[np.uint16]:
    """RAW10 of a Bayer array."""
    if array.dtype == np.uint8:
        return array.astype(np.uint16) * 4
    if array.max() > 1023:
        raise BadInput(f"{file}: found a level of {array.max()}, allowed 0 to 1023")
    return array.astype(np.uint16)


def _colours(file: Path, array: NDArray[Any]) -> Image.Image:
    """The image of an (H, W, 3 or 4) array; uint16 spans 0 to 65535."""
    levels = array[..., :3] if array.dtype == np.uint8 else (array[..., :3] >> 8).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels))


def _read_image(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large images and odd metadata are no reason to speak to the user
            with Image.open(file) as image:
                image.load()
                return _rgb(ImageOps.exif_transpose(image) or image)
    except BadInput:
        raise
    except Image.DecompressionBombError:
        raise BadInput(
            f"{file}: found an image too large, allowed {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels"
        ) from None
    except Exception as error:  # each of Pillow's many decoders fails in its own way on a damaged file
        raise BadInput(f"{file}: not a readable image ({_first_line(error)})") from None


def _rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB; modes of more than 8 bits are brought to 8 by their range."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        ranges = {"F": (1.0, 255.0, 65535.0), "I": (255.0, 65535.0)}.get(image.mode, (65535.0,))
        top = next((t for t in ranges if values.max(initial=0) <= t), values.max(initial=0))
        image = Image.fromarray((np.clip(values / top, 0, 1) * 255 + 0.5).astype(np.uint8))
    if image.mode == "LAB":
        raise BadInput("image: found the colour space LAB, allowed grey, RGB, CMYK, YCbCr, HSV and palettes")
    return image.convert("RGB")


def _mosaic(image: Image.Image, frame: FrameFormat) -> NDArray[np.uint16]:
    """Undo sRGB, colour matrix and white balance, and keep at each site its own colour."""
    fitted = ImageOps.fit(image, (frame.width, frame.height), Image.Resampling.LANCZOS)
    code = np.arange(256) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)
    colours = np.asarray(fitted)
    raw = np.empty((frame.height, frame.width), np.uint16)
    for (row, column), weights in zip(SITES, site_weights(), strict=True):
        site = colours[row::2, column::2]
        level = np.full(site.shape[:2], BLACK + 0.5, np.float32)
        for channel in range(3):
            level += (linear * weights[channel])[site[..., channel]]
        raw[row::2, column::2] = np.clip(level, 0, 1023)
    return raw


def _fit_bayer(raw: NDArray[np.uint16], frame: FrameFormat) -> NDArray[np.uint16]:
    """Crop or enlarge to the frame without breaking a quad."""
    height, width = (n // 2 * 2 for n in raw.shape)
    factor = max(1, min(frame.width // width, frame.height // height))
    quads = raw[:height, :width].reshape(height // 2, 2, width // 2, 2)
    quads = quads.repeat(factor, axis=0).repeat(factor, axis=2)
    raw = quads.reshape(height * factor, width * factor)
    frame_raw = np.full((frame.height, frame.width), BLACK, np.uint16)
    take, put = [], []
    for have, want in zip(raw.shape, frame_raw.shape, strict=True):
        count = min(have, want)
        start_have, start_want = (have - count) // 4 * 2, (want - count) // 4 * 2
        take.append(slice(start_have, start_have + count))
        put.append(slice(start_want, start_want + count))
    frame_raw[tuple(put)] = raw[tuple(take)]
    return frame_raw


def _first_line(error: Exception) -> str:
    """What an exception says, in one short line."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
