"""The golden readout: patterns against their published or hand-worked values, words against hand-packed ones."""

import numpy as np
import pytest

from ocellus.errors import BadInput
from ocellus.formats import RAW_BEAT, RAW_WORD, Pattern
from ocellus.settings import FrameFormat, ReadoutSettings
from ocellus_sim.golden import readout


def frame(width: int, height: int) -> FrameFormat:
    """A frame format with the smallest blanking."""
    return FrameFormat(width, height, width + 4, height)


def draw(pattern: Pattern, width: int, height: int, solid: int = 512) -> np.ndarray:
    """A pattern on a frame of this size."""
    return readout.pattern(frame(width, height), ReadoutSettings(pattern=pattern, solid=solid))


def test_pn9_equals_the_published_words():
    # Analog Devices AD9249 data sheet, "PN sequence short": ITU-T O.150, x^9 + x^5 + 1, seed all ones, 14-bit words
    # with the first bit on top and, being two's complement, the top bit inverted.
    bits = readout.pn9_bits(4 * 14).reshape(4, 14)
    words = [int("".join(map(str, word)), 2) ^ 0x2000 for word in bits]
    assert words == [0x1FE0, 0x1DF1, 0x3CC8, 0x294E]


def test_pn9_has_the_properties_of_a_maximal_sequence():
    bits = readout.pn9_bits(3 * 511)
    assert (bits[:511] == bits[511:1022]).all()
    assert bits[:511].sum() == 256
    states = {tuple(bits[n : n + 9]) for n in range(511)}
    assert len(states) == 511
    assert (0,) * 9 not in states
    for n in range(9, 511):
        assert bits[n] == bits[n - 9] ^ bits[n - 5]


def test_pn9_pixels_take_ten_bits_each_across_lines():
    # First bits of the sequence: 1111111110 0000111101 1111000101 1100110010 0000100101 (see the published words).
    raw = draw(Pattern.PN9, 8, 4)
    assert raw[0, :4].tolist() == [0b1111111110, 0b0000111101, 0b1111000101, 0b1100110010]
    bits = readout.pn9_bits(10 * raw.size).reshape(-1, 10)
    assert raw.reshape(-1).tolist() == [int("".join(map(str, ten)), 2) for ten in bits]


def test_pn9_pixels_repeat_after_511():
    raw = draw(Pattern.PN9, 64, 32).reshape(-1)
    assert (raw[:511] == raw[511:1022]).all()


def test_ramp_counts_columns_and_wraps_at_1024():
    raw = draw(Pattern.RAMP, 1032, 2)
    assert raw[1, :3].tolist() == [0, 1, 2]
    assert raw[0, 1022:1026].tolist() == [1022, 1023, 0, 1]


def test_solid_is_the_set_level():
    assert (draw(Pattern.SOLID, 8, 2, solid=77) == 77).all()


def test_bars_have_the_colours_of_their_names():
    raw = draw(Pattern.BARS, 64, 4)  # bars of floor(64 / 32) * 4 = 8
    quads = [(int(raw[2, 8 * n]), int(raw[2, 8 * n + 1]), int(raw[3, 8 * n]), int(raw[3, 8 * n + 1])) for n in range(8)]
    on = 1023
    assert quads == [
        (on, on, on, on),  # white
        (on, on, on, 0),  # yellow
        (0, on, on, on),  # cyan
        (0, on, on, 0),  # green
        (on, 0, 0, on),  # magenta
        (on, 0, 0, 0),  # red
        (0, 0, 0, on),  # blue
        (0, 0, 0, 0),  # black
    ]
    assert (raw[:, :8] == on).all()
    assert not raw[:, 56:].any()


def test_the_last_bar_takes_the_rest_of_the_line():
    raw = draw(Pattern.BARS, 92, 2)  # floor(92 / 32) * 4 = 8: black from 56 to 91
    assert raw[1, 55] == 1023
    assert not raw[:, 56:].any()


def test_a_line_too_narrow_for_bars_is_black():
    assert not draw(Pattern.BARS, 28, 2).any()


def test_the_array_is_no_pattern():
    with pytest.raises(BadInput, match=r"test pattern: found .*ARRAY.*, allowed SOLID, RAMP, BARS, PN9, LINE"):
        draw(Pattern.ARRAY, 8, 2)


def test_words_carry_four_pixels_leftmost_lowest():
    raw = np.array([[1, 2, 3, 1023], [512, 0, 0, 5]], np.uint16)
    # 1 + 2*2^10 + 3*2^20 + 1023*2^30 = 1 + 2048 + 3145728 + 1098437885952
    assert readout.beats(raw).tolist() == [1098441033729, 512 + 5 * 2**30]


def test_words_are_those_of_the_layouts():
    rng = np.random.default_rng(1)
    raw = rng.integers(0, 1024, (2, 8), dtype=np.uint16)
    fours = raw.reshape(-1, 4)
    assert readout.beats(raw).tolist() == [RAW_WORD.pack({"pixel": four}) for four in fours]
    marks = [(0, 0), (1, 0), (0, 0), (1, 1)]
    assert readout.stream(raw).tolist() == [
        RAW_BEAT.pack({"pixel": four, "last_in_line": line, "last_in_frame": end})
        for four, (line, end) in zip(fours, marks, strict=True)
    ]


def test_packed_frames_unpack_to_themselves():
    rng = np.random.default_rng(2)
    raws = rng.integers(0, 1024, (3, 6, 12), dtype=np.uint16)
    assert (readout.pixels(readout.beats(raws), 12).reshape(raws.shape) == raws).all()
    assert (readout.pixels(readout.stream(raws[1]), 12) == raws[1]).all()
    assert readout.beats(raws[:, :, :8]).shape == (3 * 6 * 2,)


def test_lines_of_odd_length_and_levels_over_ten_bits_are_refused():
    with pytest.raises(BadInput, match="allowed lines of a multiple of 4 pixels"):
        readout.beats(np.zeros((2, 6), np.uint16))
    with pytest.raises(BadInput, match="found levels from 0 to 1024, allowed 0 to 1023"):
        readout.beats(np.array([[0, 0, 0, 1024]], np.uint16))
