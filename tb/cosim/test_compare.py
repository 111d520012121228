"""The message of a failing comparison."""

import time

import numpy as np
import pytest

from ocellus_sim.compare import first_difference


def test_equal_arrays_of_different_types_have_no_difference():
    want = np.arange(24).reshape(2, 3, 4)
    assert first_difference("isp", want, want.astype(np.uint8)) is None
    assert first_difference("link", b"\x01\x02", np.array([1, 2])) is None
    assert first_difference("empty", np.zeros((0, 3)), np.zeros((0, 3))) is None


def test_the_first_difference_is_named_with_its_neighbourhood():
    want = np.arange(5 * 6 * 3).reshape(5, 6, 3)
    got = want.copy()
    got[2, 4, 1] = 777
    got[3, 0, 0] = 778
    message = first_difference("isp", want, got)
    assert message is not None
    head, *rest = message.splitlines()
    assert head == "isp: first difference at row 2, column 4, channel 1: want 49, got 777; 2 of 90 elements differ."
    assert rest[0] == "want from row 1.., column 1.."
    assert rest[1].split() == ["[[22", "25", "28", "31", "34]"]
    assert rest[4] == "got from row 1.., column 1.."
    assert "777" in rest[6]


def test_a_vector_names_its_own_axis():
    message = first_difference("link", bytes(100), bytes(50) + b"\x07" + bytes(49), axes=("byte",))
    assert message is not None
    assert message.startswith("link: first difference at byte 50: want 0, got 7; 1 of 100 elements differ.")
    assert "want from byte 46.." in message


def test_another_shape_is_a_difference():
    assert first_difference("tensor", np.zeros((2, 3)), np.zeros((3, 2))) == "tensor: got shape (3, 2), wanted (2, 3)."
    assert first_difference("link", b"abc", b"ab", ("byte",)) == (
        "link: got 2 bytes, wanted 3; as far as both go they are equal."
    )
    one = first_difference("raw", [1, 2], [1], ("element",))
    assert one == "raw: got 1 element, wanted 2; as far as both go they are equal."
    longer = first_difference("link", b"abc", b"aXcd", axes=("byte",))
    assert longer is not None
    assert "first difference at byte 1" in longer


def test_large_unsigned_words_are_compared_exactly():
    want = np.array([2**63 + 1], np.uint64)
    assert first_difference("record", want, want - np.uint64(1)) is not None
    assert first_difference("record", np.array([-1]), np.array([2**64 - 1], np.uint64)) is not None


def test_nan_equals_nan():
    assert first_difference("quality", np.array([np.nan, 1.0]), np.array([np.nan, 1.0])) is None


@pytest.mark.parametrize("at", [0, -1])
def test_a_whole_frame_is_compared_at_once(at):
    want = np.zeros((2160, 3840, 3), np.uint16)
    got = want.copy()
    got.reshape(-1)[at] = 1
    begin = time.monotonic()
    assert first_difference("isp", want, got) is not None
    assert time.monotonic() - begin < 1
