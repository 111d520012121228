"""What a person looks at after a run: the scene, what was found in it, what the network saw, and its heat map."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ocellus.formats import Head
from ocellus.networks import NetworkFile
from ocellus.records import DetectedObject
from ocellus.settings import FrameFormat
from ocellus_sim.scenes import Scene

Colour = tuple[int, int, int]

INK: Colour = (18, 20, 24)
PAPER: Colour = (240, 242, 245)
MUTED: Colour = (150, 156, 166)
PALETTE: tuple[Colour, ...] = (
    (86, 204, 242), (111, 226, 164), (178, 156, 255), (255, 214, 102),
    (255, 107, 107), (255, 159, 67), (255, 121, 198), (129, 236, 236),
)  # fmt: skip
"""A colour a class: cool ones for the line's four parts, warm ones for its defects."""
_HEAT = np.array(
    [(13, 12, 29), (56, 18, 95), (124, 33, 114), (194, 63, 92), (242, 117, 61), (252, 186, 74), (252, 246, 190)],
    np.float64,
)
_FAST: Any = {"compress_level": 1}


@cache
def _font(size: int) -> Any:
    return ImageFont.load_default(size)


def colour_of(class_index: int) -> Colour:
    """The colour of a class in every picture."""
    return PALETTE[class_index % len(PALETTE)]


def save_scene(path: Path, rgb: NDArray[np.uint8]) -> None:
    """The picture as the sensor's image processor made it: half of the frame's size."""
    Image.fromarray(rgb).save(path, **_FAST)


def save_overlay(
    path: Path, rgb: NDArray[np.uint8], scene: Scene, objects: Sequence[DetectedObject], names: Sequence[str]
) -> None:
    """Detections as coloured boxes with class and score; what is really there as thin dashed ones."""
    image = Image.fromarray(rgb // 5 * 4)
    draw = ImageDraw.Draw(image)
    for real in scene.objects:
        box = (real.left / 2, real.top / 2, (real.left + real.width) / 2, (real.top + real.height) / 2)
        _dashed(draw, box, PAPER)
    for found in objects:
        _detection(draw, found, names, image.size)
    reported = f"{len(objects)} reported" + (f", {len(scene.objects)} really there (dashed)" if scene.objects else "")
    _label(draw, (12, image.height - 42), reported, PAPER, INK, 22)
    image.save(path, **_FAST)


def _detection(draw: ImageDraw.ImageDraw, found: DetectedObject, names: Sequence[str], size: tuple[int, int]) -> None:
    colour = colour_of(found.class_index)
    left, top, width, height = (v // 2 for v in (found.left, found.top, found.width, found.height))
    if width and height:
        draw.rectangle((left, top, left + width, top + height), outline=colour, width=3)
    x, y = found.centre_x // 2, found.centre_y // 2
    draw.line((x - 9, y, x + 9, y), fill=colour, width=3)
    draw.line((x, y - 9, x, y + 9), fill=colour, width=3)
    name = dict(enumerate(names)).get(found.class_index, f"class {found.class_index}")
    _label(draw, (min(left, size[0] - 150), max(top - 30, 2)), f"{name} {found.score}", colour, INK, 20)


def _label(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, paper: Colour, ink: Colour, size: int) -> None:
    left, top, right, bottom = draw.textbbox(at, text, font=_font(size))
    draw.rectangle((left - 6, top - 4, right + 6, bottom + 4), fill=paper)
    draw.text(at, text, fill=ink, font=_font(size))


def _dashed(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], colour: Colour, dash: int = 10) -> None:
    left, top, right, bottom = box
    for begin in np.arange(left, right, 2 * dash):
        for y in (top, bottom):
            draw.line((begin, y, min(begin + dash, right), y), fill=colour)
    for begin in np.arange(top, bottom, 2 * dash):
        for x in (left, right):
            draw.line((x, begin, x, min(begin + dash, bottom)), fill=colour)


def save_raw(path: Path, raw: NDArray[np.uint16]) -> None:
    """Every pixel of a RAW10 frame, as 16-bit grey with the ten bits on top."""
    Image.fromarray((raw << 6).astype(np.uint16)).save(path, **_FAST)


def save_tensor(path: Path, tensor: NDArray[np.int8]) -> None:
    """The network's input, pixel by pixel, large enough to look at."""
    levels = (tensor.astype(np.int16) + 128).astype(np.uint8)
    picture = levels[:, :, 0] if levels.shape[2] == 1 else levels
    factor = max(1, 1440 // picture.shape[1])
    Image.fromarray(np.kron(picture, np.ones((factor, factor, *(1,) * (picture.ndim - 2)), np.uint8))).save(
        path, **_FAST
    )


def save_heatmap(
    path: Path, output: NDArray[np.int8], file: NetworkFile, frame: FrameFormat, objects: Sequence[DetectedObject]
) -> None:
    """A map for each class with its peaks; for a network that gives a vector, its values as bars."""
    if file.head is Head.HEATMAP:
        image = _maps(output.reshape(file.output.picture), file, frame, objects)
    else:
        image = _bars(output.ravel(), file)
    image.save(path)


def _heat(values: NDArray[np.int8]) -> NDArray[np.uint8]:
    place = (values.astype(np.float64) + 128) / 255 * (len(_HEAT) - 1)
    low = np.minimum(place.astype(int), len(_HEAT) - 2)
    share = (place - low)[..., None]
    return np.round(_HEAT[low] * (1 - share) + _HEAT[low + 1] * share).astype(np.uint8)


def _maps(
    grid: NDArray[np.int8], file: NetworkFile, frame: FrameFormat, objects: Sequence[DetectedObject]
) -> Image.Image:
    rows, columns, classes = grid.shape[0], grid.shape[1], grid.shape[2] - 4
    cell = max(2, 560 // columns)
    across = min(3, classes)
    width, height, gap, head = cell * columns, cell * rows, 16, 36
    down = -(-classes // across)
    size = (across * (width + gap) + gap, down * (height + head + gap) + gap)
    image = Image.new("RGB", size, INK)
    draw = ImageDraw.Draw(image)
    names = dict(enumerate(file.class_names))
    for index in range(classes):
        left, top = gap + index % across * (width + gap), gap + head + index // across * (height + head + gap)
        picture = np.kron(_heat(grid[:, :, index]), np.ones((cell, cell, 1), np.uint8))
        image.paste(Image.fromarray(picture), (left, top))
        mine = [o for o in objects if o.class_index == index]
        title = (
            f"{names.get(index, f'class {index}')}: highest {int(grid[:, :, index].max())}, threshold {file.threshold}"
        )
        draw.text((left, top - 30), title, fill=colour_of(index) if mine else MUTED, font=_font(20))
        for found in mine:
            x, y = left + found.centre_x * width // frame.width, top + found.centre_y * height // frame.height
            draw.ellipse((x - cell, y - cell, x + cell, y + cell), outline=colour_of(index), width=3)
    return image


def _bars(values: NDArray[np.int8], file: NetworkFile) -> Image.Image:
    order = np.argsort(-values.astype(np.int16), kind="stable")[:24]
    image = Image.new("RGB", (900, 44 * len(order) + 32), INK)
    draw = ImageDraw.Draw(image)
    names = dict(enumerate(file.class_names))
    for line, index in enumerate(order):
        y, value = 16 + 44 * line, int(values[index])
        draw.text((16, y + 6), names.get(int(index), f"class {index}"), fill=PAPER, font=_font(20))
        reach = 260 + (value + 128) * 540 // 255
        draw.rectangle((260, y, max(reach, 262), y + 32), fill=tuple(int(v) for v in _heat(values[[index]])[0]))
        draw.text((reach + 12, y + 6), str(value), fill=MUTED, font=_font(20))
    return image
