"""Recall and precision: matching worked out by hand."""

from dataclasses import dataclass

import pytest

from ocellus_sim.scenes import CLASSES, Count, SceneObject, Score, pairs, score

WASHER, STAIN = CLASSES.index("washer"), CLASSES.index("stain")


@dataclass
class Found:
    """What a record says of an object."""

    class_index: int
    score: int
    left: int
    top: int
    width: int
    height: int

    @property
    def centre_x(self) -> int:
        return self.left + self.width // 2

    @property
    def centre_y(self) -> int:
        return self.top + self.height // 2


PART = SceneObject("washer", 200, 200, 100, 100, 200, 200)
FLAW = SceneObject("stain", 150, 150, 100, 100, 100, 100)


def test_the_same_box_is_found() -> None:
    result = score([PART, FLAW], [Found(WASHER, 5, 100, 100, 200, 200), Found(STAIN, 5, 100, 100, 100, 100)])
    assert result.of("part") == Count(1, 0, 0)
    assert result.of("defect") == Count(1, 0, 0)
    assert result.total.recall == result.total.precision == 1


def test_half_the_union_is_enough_for_a_part_and_less_is_not() -> None:
    assert score([PART], [Found(WASHER, 5, 100, 100, 100, 200)]).of("part") == Count(1, 0, 0)
    assert score([PART], [Found(WASHER, 5, 100, 100, 98, 200)]).of("part") == Count(0, 1, 1)
    assert score([PART], [Found(WASHER, 5, 900, 900, 200, 200)]).of("part") == Count(0, 1, 1)


def test_sixty_pixels_are_near_enough_for_a_defect_and_more_are_not() -> None:
    assert score([FLAW], [Found(STAIN, 5, 136, 148, 100, 100)]).of("defect") == Count(1, 0, 0)
    assert score([FLAW], [Found(STAIN, 5, 137, 148, 100, 100)]).of("defect") == Count(0, 1, 1)


def test_another_class_never_matches() -> None:
    assert score([PART], [Found(WASHER + 1, 5, 100, 100, 200, 200)]).of("part") == Count(0, 1, 1)


def test_each_object_is_found_once() -> None:
    twice = [Found(WASHER, 5, 100, 100, 200, 200), Found(WASHER, 9, 104, 100, 200, 200)]
    assert score([PART], twice).of("part") == Count(1, 0, 1)


def test_the_better_score_chooses_first() -> None:
    left, right = SceneObject("stain", 100, 100, 50, 50, 100, 100), SceneObject("stain", 190, 100, 140, 50, 100, 100)
    between = Found(STAIN, 9, 92, 50, 100, 100)  # 42 from the left one, 48 from the right one: takes the left one
    at_left = Found(STAIN, 1, 50, 50, 100, 100)  # finds the left one taken, and the right one too far
    assert score([left, right], [at_left, between]).of("defect") == Count(1, 1, 1)
    surer = Found(STAIN, 10, 50, 50, 100, 100)
    assert score([left, right], [surer, between]).of("defect") == Count(2, 0, 0)


def test_what_was_found_comes_before_what_was_missed_and_what_is_not_there() -> None:
    there, nowhere = Found(STAIN, 1, 100, 100, 100, 100), Found(WASHER, 9, 900, 900, 50, 50)
    assert pairs([PART, FLAW], [nowhere, there]) == [(FLAW, there), (PART, None), (None, nowhere)]
    assert pairs([], []) == []


def test_nothing_seen_of_nothing_is_perfect() -> None:
    assert score([], []).total.recall == 1
    assert score([], []).total.precision == 1


def test_scores_of_frames_add_up() -> None:
    total = score([PART], []) + score([], [Found(WASHER, 5, 0, 0, 10, 10)]) + Score()
    assert total.of("part") == Count(0, 1, 1)


def test_a_class_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="found class 7, allowed 0 to 6"):
        score([], [Found(7, 0, 0, 0, 1, 1)])
