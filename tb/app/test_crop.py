"""The picture of a first difference."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocellus_sim import crop
from ocellus_sim.compare import difference
from ocellus_sim.crop import CELL, LARGER, MARK, SMALLER, save_crop

AXES = ("row", "column", "channel")


def drawn(path: Path, want: np.ndarray, got: np.ndarray, axes: tuple[str, ...] = AXES) -> np.ndarray:
    """The picture as an array."""
    found = difference("stage", want, got, axes)
    assert found is not None
    assert save_crop(path, found)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def places(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(row, column) of the pixels of a colour."""
    return np.argwhere((picture == colour).all(axis=2))


def test_three_panels_with_the_element_marked_in_each(tmp_path):
    want = np.zeros((60, 80), np.uint8)
    got = want.copy()
    got[30, 40] = 255
    picture = drawn(tmp_path / "crop.png", want, got)
    marks = places(picture[crop._HEAD : crop._HEAD + 25 * CELL], MARK)
    marks = marks[marks[:, 1] > crop._SIDE]  # not the row's number
    boxes = np.split(np.unique(marks[:, 1]), np.flatnonzero(np.diff(np.unique(marks[:, 1])) > CELL) + 1)
    assert len(boxes) == 3
    for panel, box in enumerate(boxes):
        middle = (box[0] + box[-1]) / 2
        wanted = crop._SIDE + panel * (33 * CELL + crop._GAP) + CELL * 16.5
        assert abs(middle - wanted) < 1, "column 40 is the seventeenth of those shown"
    assert len(places(picture, LARGER)) == CELL * CELL, "the one element that differs, and it alone"
    assert len(places(picture, (255, 255, 255))) >= CELL * CELL, "what came is white"


def test_smaller_values_have_another_colour(tmp_path):
    want = np.full((30, 40, 3), 200, np.uint8)
    got = want.copy()
    got[10, 20, 2] = 1
    picture = drawn(tmp_path / "crop.png", want, got)
    assert len(places(picture, SMALLER)) == CELL * CELL
    assert len(places(picture, LARGER)) == 0


@pytest.mark.parametrize(
    ("shape", "at"),
    [
        ((30, 40), (0, 0)),
        ((30, 40), (29, 39)),
        ((3, 4), (1, 1)),
        ((30, 40, 16), (5, 6, 15)),
        ((1, 9, 9, 4), (0, 8, 0, 3)),
    ],
)
def test_borders_and_small_arrays_have_pictures_too(tmp_path, shape, at):
    want = np.zeros(shape, np.int8)
    got = want.copy()
    got[at] = 7
    picture = drawn(tmp_path / "crop.png", want, got, ("batch", *AXES) if len(shape) == 4 else AXES)
    assert len(places(picture, LARGER)) == CELL * CELL


@pytest.mark.parametrize("at", [0, 3, 99])
def test_a_vector_is_a_strip_of_numbers(tmp_path, at):
    want = np.arange(100, dtype=np.uint8)
    got = want.copy()
    got[at] ^= 128
    picture = drawn(tmp_path / "crop.png", want, got, ("byte",))
    assert picture.shape[0] < 300
    assert len(places(picture, MARK)) > 100


def test_what_has_no_element_has_no_picture(tmp_path):
    shapes = difference("stage", np.zeros((2, 3)), np.zeros((3, 2)))
    assert shapes is not None
    assert not save_crop(tmp_path / "crop.png", shapes)
    assert not (tmp_path / "crop.png").exists()
