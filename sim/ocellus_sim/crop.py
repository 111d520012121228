"""A picture of the first difference: what was wanted, what came, and how they differ, around the element, enlarged."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ocellus_sim import whole
from ocellus_sim.compare import Difference

Colour = tuple[int, int, int]

INK: Colour = (18, 20, 24)
PAPER: Colour = (240, 242, 245)
MUTED: Colour = (150, 156, 166)
MARK: Colour = (255, 214, 102)
LARGER: Colour = (255, 107, 107)
SMALLER: Colour = (86, 204, 242)

CELL = 16
"""Pixels an element."""
ROWS, COLUMNS, ELEMENTS = 12, 16, 8
"""Elements shown on each side of the one that differs; of a vector, the last of these."""
_GAP, _HEAD, _FOOT, _SIDE = 24, 78, 66, 52
_VALUE_WIDTH, _VALUE_HEIGHT = 84, 44


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def save_crop(path: Path, different: Difference) -> bool:
    """Draw the difference into ``path``, a PNG; False, and nothing, where no element of an array is at fault."""
    if not different.at or different.want.size == 0 or different.want.dtype.kind not in "biu":
        return False
    picture = different.want.reshape(-1, *different.want.shape[-3:]) if different.want.ndim > 3 else different.want
    title = next((line for line in different.message.splitlines() if "first difference at" in line), different.message)
    if picture.ndim >= 2 and min(picture.shape[-3:-1] if picture.ndim > 2 else picture.shape) > 1:
        image = _pictures(title, different)
    else:
        image = _strip(title, different)
    whole.write(path, lambda coming: image.save(coming))
    return True


def _pictures(title: str, different: Difference) -> Image.Image:
    """Three pictures side by side."""
    want, got, at = different.want, different.got, different.at
    while want.ndim > 3:
        want, got, at = want[at[0]], got[at[0]], at[1:]
    if want.ndim == 3 and want.shape[2] != 3:
        want, got, at = want[:, :, at[2]], got[:, :, at[2]], at[:2]
    top, left = _begin(at[0], ROWS, want.shape[0]), _begin(at[1], COLUMNS, want.shape[1])
    here = (slice(top, top + 2 * ROWS + 1), slice(left, left + 2 * COLUMNS + 1))
    lowest, highest = _range(different.want)
    apart = got[here].astype(np.int64) - want[here].astype(np.int64)
    element = int(different.got[different.at]) - int(different.want[different.at])
    panels = (
        (f"want {different.want[different.at]}", _levels(want[here], lowest, highest)),
        (f"got {different.got[different.at]}", _levels(got[here], lowest, highest)),
        (f"difference {element:+d}", _apart(apart)),
    )
    height, width = CELL * apart.shape[0], CELL * apart.shape[1]
    legend = (
        f"{np.count_nonzero(apart.reshape(*apart.shape[:2], -1).any(axis=2))} of {apart.shape[0] * apart.shape[1]} "
    )
    legend += "here differ: red is larger than wanted, blue is smaller"
    least = max(_font(20).getlength(title), _font(16).getlength(legend)) + _SIDE + _GAP
    image = Image.new("RGB", (max(_SIDE + 3 * (width + _GAP), int(least)), _HEAD + height + _FOOT), INK)
    draw = ImageDraw.Draw(image)
    draw.text((_SIDE, 10), title, fill=PAPER, font=_font(20))
    for number, (caption, levels) in enumerate(panels):
        x, y = _SIDE + number * (width + _GAP), _HEAD
        draw.text((x, y - 32), caption, fill=MARK, font=_font(22))
        image.paste(Image.fromarray(np.kron(levels, np.ones((CELL, CELL, 1), np.uint8))), (x, y))
        _mark(draw, x + CELL * (at[1] - left), y + CELL * (at[0] - top), CELL, CELL)
        _columns(draw, x, y + height + 8, left, at[1], apart.shape[1])
    for row in {top, at[0], top + apart.shape[0] - 1}:
        text = str(row)
        draw.text((_SIDE - 10 - draw.textlength(text, font=_font(16)), _HEAD + CELL * (row - top) - 2), text,
                  fill=MARK if row == at[0] else MUTED, font=_font(16))  # fmt: skip
    draw.text((_SIDE, _HEAD + height + 36), legend, fill=MUTED, font=_font(16))
    return image


def _begin(at: int, reach: int, size: int) -> int:
    """First of the elements shown: as many on each side, and at a border more on the other."""
    return max(min(at - reach, size - 2 * reach - 1), 0)


def _columns(draw: ImageDraw.ImageDraw, x: int, y: int, left: int, column: int, count: int) -> None:
    """Numbers of the first, the marked and the last column, where they have room."""
    last = left + count - 1
    for shown in {left, column, last}:
        if shown == column or abs(shown - column) > 3:
            text = str(shown)
            middle = x + CELL * (shown - left) + CELL / 2 - draw.textlength(text, font=_font(16)) / 2
            draw.text((middle, y), text, fill=MARK if shown == column else MUTED, font=_font(16))


def _strip(title: str, different: Difference) -> Image.Image:
    """Three lines of numbers: a vector around the element."""
    want, got = different.want.ravel(), different.got.ravel()
    at = int(np.ravel_multi_index(different.at, different.want.shape))
    first = max(at - ELEMENTS, 0)
    here = slice(first, at + ELEMENTS + 1)
    apart = got[here].astype(np.int64) - want[here].astype(np.int64)
    count, side = len(apart), 130
    width = max(side + count * _VALUE_WIDTH + _GAP, int(_font(20).getlength(title)) + 2 * _GAP)
    image = Image.new("RGB", (width, 3 * _VALUE_HEIGHT + _HEAD + 16), INK)
    draw = ImageDraw.Draw(image)
    draw.text((_GAP, 10), title, fill=PAPER, font=_font(20))
    lines = (("want", want[here], PAPER), ("got", got[here], PAPER), ("difference", apart, MUTED))
    for row, (name, values, ink) in enumerate(lines):
        y = _HEAD + row * _VALUE_HEIGHT
        draw.text((_GAP, y + 10), name, fill=MUTED, font=_font(18))
        for place, value in enumerate(values):
            x = side + place * _VALUE_WIDTH
            differs = apart[place] != 0
            colour = (LARGER if apart[place] > 0 else SMALLER) if differs and row else ink
            text = f"{int(value):+d}" if row == 2 and value else str(int(value))
            draw.text((x + 6, y + 10), text, fill=colour, font=_font(20))
    for place in range(count):
        mine = first + place == at
        if mine or place in (0, count - 1):
            draw.text((side + place * _VALUE_WIDTH + 6, _HEAD - 26), str(first + place),
                      fill=MARK if mine else MUTED, font=_font(16))  # fmt: skip
    _mark(draw, side + (at - first) * _VALUE_WIDTH, _HEAD, _VALUE_WIDTH - 6, 3 * _VALUE_HEIGHT)
    return image


def _mark(draw: ImageDraw.ImageDraw, x: int, y: int, width: int, height: int) -> None:
    draw.rectangle((x - 4, y - 4, x + width + 3, y + height + 3), outline=INK, width=2)
    draw.rectangle((x - 3, y - 3, x + width + 2, y + height + 2), outline=MARK, width=3)


def _range(values: NDArray[Any]) -> tuple[int, int]:
    """What is black and what is white: all that a byte holds, else all that occurs."""
    if values.dtype.itemsize == 1 and values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        return int(limits.min), int(limits.max)
    return int(values.min()), max(int(values.max()), int(values.min()) + 1)


def _levels(values: NDArray[Any], lowest: int, highest: int) -> NDArray[np.uint8]:
    share = (values.astype(np.float64) - lowest) / (highest - lowest)
    levels = np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[:, :, None], 3, axis=2)


def _apart(apart: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Dark where equal; of the channels of a pixel the one that is furthest off counts."""
    if apart.ndim == 3:
        apart = np.take_along_axis(apart, np.abs(apart).argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    strength = np.where(apart == 0, 0.0, 0.4 + 0.6 * np.abs(apart) / max(int(np.abs(apart).max()), 1))
    colour = np.where((apart > 0)[:, :, None], np.array(LARGER), np.array(SMALLER))
    ground = np.array((38, 42, 50))
    return np.round(ground + (colour - ground) * strength[:, :, None]).astype(np.uint8)
