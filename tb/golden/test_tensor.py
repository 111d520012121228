"""The golden tensor stage against hand-worked numbers, exact fractions, NumPy and Pillow."""

from fractions import Fraction
from math import floor, gcd

import numpy as np
import pytest
from PIL import Image

from ocellus.errors import BadInput
from ocellus.settings import TensorSettings, Window
from ocellus_sim.golden import tensor


def settings(crop, out, channels=3, multiplier=(1, 1, 1), shift=0, offset=(0, 0, 0)):
    """Settings for ``crop`` = (x, y, width, height) in picture pixels and ``out`` = (rows, columns)."""
    x, y, width, height = crop
    rows, columns = out
    gx, gy = gcd(width, columns), gcd(height, rows)
    return TensorSettings(
        x, y, width, height, columns, rows, width // gx, columns // gx, height // gy, rows // gy,
        channels, multiplier, shift, offset,
    )  # fmt: skip


def brute_force(rgb, s):
    """The page's formula, one output at a time, in exact fractions."""
    out = np.zeros((s.out_h, s.out_w, s.channels), np.int8)
    for i, j, c in np.ndindex(out.shape):
        # Output pixel (i, j) covers these intervals of the crop, in input pixels.
        top, bottom = Fraction(i * s.crop_h, s.out_h), Fraction((i + 1) * s.crop_h, s.out_h)
        left, right = Fraction(j * s.crop_w, s.out_w), Fraction((j + 1) * s.crop_w, s.out_w)
        average = Fraction(0)
        for y in range(s.crop_h):
            for x in range(s.crop_w):
                high = min(bottom, y + 1) - max(top, y)
                wide = min(right, x + 1) - max(left, x)
                if high > 0 and wide > 0:
                    average += int(rgb[s.crop_y + y, s.crop_x + x, c]) * high * wide
        average /= (bottom - top) * (right - left)
        total = average * s.x_in * s.y_in
        assert total.denominator == 1
        p = floor(total * s.multiplier[c] / 2**s.shift)
        out[i, j, c] = min(max((p + s.offset[c] + 128) // 256, -128), 127)
    return out


def test_three_pixels_become_two_worked_by_hand():
    # Each input pixel is 2 long, each output pixel 3: weights 2,1,0 and 0,1,2.
    sums = tensor.area_sums(np.array([10, 20, 40], np.uint8), 3, 2)
    assert sums.tolist() == [10 * 2 + 20 * 1, 20 * 1 + 40 * 2]


def test_two_pixels_become_three_worked_by_hand():
    # Each input pixel is 3 long, each output pixel 2: 2,0 then 1,1 then 0,2.
    sums = tensor.area_sums(np.array([10, 40], np.uint8), 2, 3)
    assert sums.tolist() == [20, 10 + 40, 80]


def test_quantisation_worked_by_hand():
    # A 2x1 picture into one value: W = 2, H = 1, S = 100 + 101 = 201. multiplier 1000, shift 3: 201000 >> 3 = 25125.
    # Channel 0: 25125 - 30000 + 128 = -4747 >> 8 = -19 (floor of -18.5). Channel 1: 25125 + 128 = 25253 >> 8 = 98.
    # Channel 2: 25125 + 20000 + 128 = 45253 >> 8 = 176, clamped to 127.
    rgb = np.array([[[100] * 3, [101] * 3]], np.uint8)
    s = settings((0, 0, 2, 1), (1, 1), multiplier=(1000,) * 3, shift=3, offset=(-30000, 0, 20000))
    assert tensor.scale(rgb, s).tolist() == [[[-19, 98, 127]]]


def test_the_lower_clamp_is_minus_128():
    rgb = np.zeros((1, 1, 3), np.uint8)
    assert tensor.scale(rgb, settings((0, 0, 1, 1), (1, 1), offset=(-(1 << 23),) * 3)).tolist() == [[[-128] * 3]]


def test_the_rounding_of_halves_goes_up():
    # p = 0; offset -128: (-128 + 128) >> 8 = 0; offset -129: -1 >> 8 = -1; offset 128: 256 >> 8 = 1.
    rgb = np.zeros((1, 1, 3), np.uint8)
    assert tensor.scale(rgb, settings((0, 0, 1, 1), (1, 1), offset=(-128, -129, 128))).tolist() == [[[0, -1, 1]]]


@pytest.mark.parametrize(
    ("crop", "out"),
    [
        ((0, 0, 8, 6), (3, 4)),
        ((0, 0, 8, 6), (6, 8)),
        ((1, 2, 7, 5), (3, 4)),
        ((3, 1, 5, 7), (7, 2)),
        ((2, 2, 3, 2), (5, 7)),
        ((0, 0, 1, 1), (3, 2)),
        ((9, 8, 1, 1), (1, 1)),
        ((0, 3, 10, 1), (4, 3)),
        ((4, 0, 1, 9), (4, 1)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_ratio_equals_exact_fractions(crop, out, channels):
    seed = 20 * crop[2] + out[0]
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (9, 10, 3), dtype=np.uint8)
    area = (crop[2] // gcd(crop[2], out[1])) * (crop[3] // gcd(crop[3], out[0]))
    multiplier = (round((1 << 22) / area), round((1 << 21) / area), 77)
    s = settings(crop, out, channels, multiplier, shift=14, offset=(-32768, 123, -77))
    got = tensor.scale(rgb, s)
    assert got.shape == (*out, channels)
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, brute_force(rgb, s), err_msg=f"seed {seed}")


def test_whole_ratios_equal_numpy_and_pillow_averages():
    rng = np.random.default_rng(5)
    rgb = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
    # W = 5, H = 4: p = (S * 2^24/20) >> 16 is the average with 8 fraction bits, cut off; -128 makes it int8.
    s = settings((0, 0, 20, 12), (3, 4), multiplier=(838861,) * 3, shift=16, offset=(-32768,) * 3)
    got = tensor.scale(rgb, s).astype(int) + 128
    average = rgb.reshape(3, 4, 4, 5, 3).mean(axis=(1, 3))
    assert np.abs(got - average).max() <= 0.5 + 1 / 128
    pillow = np.asarray(Image.fromarray(rgb).reduce((5, 4))).astype(int)
    assert np.abs(got - pillow).max() <= 1
    halfway = np.abs(average % 1 - 0.5) < 1 / 128  # Pillow rounds these its own way
    np.testing.assert_array_equal(got[~halfway], pillow[~halfway])
    assert np.count_nonzero(~halfway) > 24


def test_fractional_ratios_stay_within_one_level_of_pillows_box_filter():
    rng = np.random.default_rng(6)
    rgb = rng.integers(0, 256, (54, 96, 3), dtype=np.uint8)
    s = TensorSettings.scaled(Window(0, 0, 192, 108), (31, 40, 3), 1 / 255, -128)
    got = tensor.scale(rgb, s).astype(int) + 128
    pillow = np.asarray(Image.fromarray(rgb).resize((40, 31), Image.Resampling.BOX)).astype(int)
    # Pillow's box takes whole pixels only, so it differs where an edge cuts a pixel; the mean must agree.
    assert abs(got.mean() - pillow.mean()) < 0.6


def test_largest_sums_do_not_overflow():
    # S = 255 * 2047 * 2047 = 1068522495 and, times the largest multiplier, 2^53.99.
    rgb = np.full((2047, 2047, 3), 255, np.uint8)
    s = settings((0, 0, 2047, 2047), (1, 1), channels=1, multiplier=((1 << 24) - 1,) * 3, shift=40)
    expected = ((255 * 2047 * 2047 * ((1 << 24) - 1)) >> 40) + 128 >> 8
    assert tensor.scale(rgb, s).tolist() == [[[expected]]]
    assert 0 < expected < 127


def test_a_crop_outside_the_picture_is_refused():
    with pytest.raises(BadInput, match=r"tensor: found a crop of 4x3 at \(2, 0\), allowed inside 5x3"):
        tensor.scale(np.zeros((3, 5, 3), np.uint8), settings((2, 0, 4, 3), (1, 1)))


def test_ratios_that_are_not_those_of_the_crop_are_refused():
    s = TensorSettings(0, 0, 4, 4, 2, 2, 3, 1, 2, 1, 3, (1, 1, 1), 0, (0, 0, 0))
    with pytest.raises(BadInput, match="tensor: found the ratios 3:1 and 2:1, allowed 4:2 and 4:2"):
        tensor.scale(np.zeros((4, 4, 3), np.uint8), s)
