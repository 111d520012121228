"""The golden isp against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from ocellus.errors import BadInput
from ocellus.settings import IspSettings, srgb_table
from ocellus_sim.golden import isp

IDENTITY_GAMMA = (tuple(i >> 2 for i in range(1024)),) * 3
LOW_BITS = (tuple(i & 255 for i in range(1024)),) * 3
BAYER = Path(__file__).parents[3] / "shared/data/bayer"


def quad(r: int, gr: int, gb: int, b: int) -> np.ndarray:
    """One RGGB quad as a frame."""
    return np.array([[r, gr], [gb, b]], np.uint16)


def test_one_quad_worked_by_hand():
    settings = IspSettings(
        black=(64, 60, 50, 70),
        gain=(257, 300, 200, 640),
        matrix=(256, -20, 4, -8, 260, 3, -1, -2, 250),
        gamma=IDENTITY_GAMMA,
    )
    # R:  564-64 = 500; 500*257 = 128500; (128500 + 32) >> 6 = 2008            (2007.8 rounded up)
    # G:  460-60 = 400 and 350-50 = 300; 400*300 + 300*200 = 180000; (180000 + 64) >> 7 = 1406    (1406.25 down)
    # B:  171-70 = 101; 101*640 = 64640; (64640 + 32) >> 6 = 1010
    # red:   256*2008 - 20*1406 + 4*1010 = 514048 - 28120 + 4040  = 489968; (489968 + 512) >> 10 = 478; >> 2 = 119
    # green: -8*2008 + 260*1406 + 3*1010 = -16064 + 365560 + 3030 = 352526; (352526 + 512) >> 10 = 344; >> 2 = 86
    # blue:  -1*2008 - 2*1406 + 250*1010 = -2008 - 2812 + 252500  = 247680; (247680 + 512) >> 10 = 242; >> 2 = 60
    assert isp.process(quad(564, 460, 350, 171), settings).tolist() == [[[119, 86, 60]]]


def test_levels_below_black_are_black_and_do_not_wrap():
    settings = IspSettings(black=(64, 64, 64, 64), gamma=LOW_BITS)
    assert isp.process(quad(63, 0, 64, 1), settings).tolist() == [[[0, 0, 0]]]


def test_white_balance_saturates_at_twelve_bits_before_the_matrix():
    # R: 1023*4095 >> 6 is far above 4095, so R12 = 4095; 128*4095 = 524160; (524160 + 512) >> 10 = 512; >> 2 = 128.
    # G: (1023*4095*2 + 64) >> 7 saturates too.
    # B: gain 1: (1023 + 32) >> 6 = 16; 128*16 = 2048; (2048 + 512) >> 10 = 2; >> 2 = 0
    settings = IspSettings(
        black=(0,) * 4, gain=(4095, 4095, 4095, 1), matrix=(128, 0, 0, 0, 128, 0, 0, 0, 128), gamma=IDENTITY_GAMMA
    )
    assert isp.process(quad(1023, 1023, 1023, 1023), settings).tolist() == [[[128, 128, 0]]]


def test_matrix_rows_clamp_at_both_ends_and_shift_arithmetically():
    # All sites 1000, black 0, gain 256: R12 = G12 = B12 = (256000 + 32) >> 6 = 4000.
    # red:   -1*4000 = -4000, (-4000 + 512) >> 10 = -4 (floor of -3.4), clamped to 0
    # green: 2047*4000 = 8188000, >> 10 = 7996, clamped to 1023, 1023 >> 2 = 255
    # blue:  300*4000 - 44*4000 = 1024000, (1024000 + 512) >> 10 = 1000, 1000 >> 2 = 250
    settings = IspSettings(black=(0,) * 4, matrix=(-1, 0, 0, 0, 2047, 0, 300, 0, -44), gamma=IDENTITY_GAMMA)
    assert isp.process(quad(1000, 1000, 1000, 1000), settings).tolist() == [[[0, 255, 250]]]


def test_an_exact_half_rounds_up_in_white_balance():
    # R: 1*32 = 32, (32 + 32) >> 6 = 1; B the same. G: 1*64 + 0*64 = 64, (64 + 64) >> 7 = 1.
    # 2047*1 = 2047, (2047 + 512) >> 10 = 2; rounded down it would all be 0.
    matrix = (2047, 0, 0, 0, 2047, 0, 0, 0, 2047)
    settings = IspSettings(black=(0,) * 4, gain=(32, 64, 64, 32), matrix=matrix, gamma=LOW_BITS)
    assert isp.process(quad(1, 1, 0, 1), settings).tolist() == [[[2, 2, 2]]]


def test_an_exact_half_rounds_up_behind_the_matrix():
    # R12 = (1*128 + 32) >> 6 = 2; 256*2 = 512; (512 + 512) >> 10 = 1. Negative: -256*2 = -512; 0 >> 10 = 0.
    settings = IspSettings(black=(0,) * 4, gain=(128,) * 4, matrix=(256, 0, 0, -256, 0, 0, 255, 0, 0), gamma=LOW_BITS)
    assert isp.process(quad(1, 0, 0, 0), settings).tolist() == [[[1, 0, 0]]]


def test_each_channel_has_a_gamma_table_of_its_own():
    tables = (tuple([7] * 1024), tuple(255 - (i >> 2) for i in range(1024)), srgb_table())
    settings = IspSettings(black=(0,) * 4, gamma=tables)
    # 512 everywhere: (512*256 + 32) >> 6 = 2048; (256*2048 + 512) >> 10 = 512. Green: 255 - 128 = 127.
    # Blue: 512/1023 = 0.50049; 1.055 * 0.50049^(1/2.4) - 0.055 = 0.73567; * 255 = 187.6, rounded 188.
    assert isp.process(quad(512, 512, 512, 512), settings).tolist() == [[[7, 127, 188]]]


def test_quads_keep_their_places():
    raw = np.zeros((4, 6), np.uint16)
    raw[2:4, 4:6] = 400  # the quad at row 1, column 2
    rgb = isp.process(raw, IspSettings(black=(0,) * 4, gamma=IDENTITY_GAMMA))
    assert rgb.shape == (2, 3, 3)
    assert rgb[1, 2].tolist() == [100, 100, 100]
    assert np.count_nonzero(rgb) == 3


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (0, 4), (4,)])
def test_odd_frames_are_refused(shape):
    with pytest.raises(BadInput, match="isp: found a frame of shape"):
        isp.process(np.zeros(shape, np.uint16), IspSettings())


def test_levels_over_ten_bits_are_refused():
    with pytest.raises(BadInput, match="isp: found levels from 0 to 1024, allowed 0 to 1023"):
        isp.process(quad(0, 0, 1024, 0), IspSettings())


@pytest.mark.skipif(not BAYER.is_dir(), reason="the public Bayer frame is not beside the repository")
def test_the_colours_of_a_photographed_chart_are_right():
    raw = np.fromfile(BAYER / "openISP_test_1920x1080_u16le_rggb.raw", "<u2").reshape(1080, 1920)
    rgb = isp.process(raw, IspSettings(black=(0,) * 4, gain=(440, 256, 256, 278)))  # gains measured on the grey squares

    def patch(x: int, y: int) -> tuple[float, ...]:
        return tuple(rgb[y - 5 : y + 5, x - 5 : x + 5].mean(axis=(0, 1)))

    for grey in (patch(425, 245), patch(140, 90)):
        assert max(grey) - min(grey) < 8
        assert 80 < min(grey) < 160
    red, green, blue = patch(542, 370), patch(506, 183), patch(480, 370)
    assert red[0] > 2 * max(red[1], red[2])
    assert green[1] > 1.2 * max(green[0], green[2])
    assert blue[2] > 1.4 * max(blue[0], blue[1])
