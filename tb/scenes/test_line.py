"""Rendered scenes: repeatable, in range, and with a truth that lies where the pixels are."""

import hashlib
import time
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from ocellus.settings import FrameFormat
from ocellus_sim.golden import isp
from ocellus_sim.scenes import CLASSES, PARTS, Scene, camera, isp_settings, render
from ocellus_sim.scenes import line as line_module
from ocellus_sim.scenes.camera import Illumination, expose

QUARTER = FrameFormat(960, 540, 1100, 563)


@cache
def quarter(seed: int) -> Scene:
    return render(seed, QUARTER)


def picture(scene: Scene) -> NDArray[np.float32]:
    return isp.process(scene.raw, isp_settings()).astype(np.float32)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    assert np.array_equal(render(3, QUARTER).raw, quarter(3).raw)
    assert render(3, QUARTER).objects == quarter(3).objects
    assert not np.array_equal(render(4, QUARTER).raw, quarter(3).raw)


def test_a_known_seed_gives_the_bytes_it_always_gave() -> None:
    digest = hashlib.sha256(render(20, FrameFormat(192, 108, 220, 112)).raw.tobytes()).hexdigest()
    assert digest == "10b133ccff78527ec67c2e9734833b5991ba874eef8438a5779f32e37cd83923"


def test_a_4k_frame_has_its_shape_range_and_speed() -> None:
    began = time.process_time()
    scene = render(1)
    assert time.process_time() - began < 1.5
    assert scene.raw.shape == (2160, 3840)
    assert scene.raw.dtype == np.uint16
    assert scene.raw.max() <= 1023
    assert scene.raw.min() >= camera.BLACK - 20


def test_the_same_seed_is_the_same_scene_in_every_format() -> None:
    small, large = render(5, QUARTER), render(5)
    assert [o.name for o in small.objects] == [o.name for o in large.objects]
    for a, b in zip(small.objects, large.objects, strict=True):
        assert abs(4 * a.centre_x - b.centre_x) <= 8
        assert abs(4 * a.centre_y - b.centre_y) <= 8
        assert abs(4 * a.width - b.width) <= 10
        assert abs(4 * a.height - b.height) <= 10
    averaged = picture(large).reshape(270, 4, 480, 4, 3).mean(axis=(1, 3))
    assert np.abs(averaged - picture(small)).mean() < 4


@pytest.mark.parametrize("seed", range(40))
def test_every_object_lies_inside_the_frame_with_its_centre_in_its_box(seed: int) -> None:
    for o in quarter(seed).objects:
        assert o.left >= 0
        assert o.top >= 0
        assert o.left + o.width <= QUARTER.width
        assert o.top + o.height <= QUARTER.height
        assert o.width > 0
        assert o.height > 0
        assert o.centre_x == o.left + o.width // 2
        assert o.centre_y == o.top + o.height // 2


def test_parts_and_defects_have_the_sizes_the_page_promises() -> None:
    parts, defects = [], []
    for seed in range(60):
        for o in quarter(seed).objects:
            (parts if o.kind == "part" else defects).append(4 * max(o.width, o.height))
    assert min(parts) >= 340
    assert max(parts) <= 720
    assert np.percentile(defects, 5) >= 85
    assert max(defects) <= 300


def test_forty_seeds_hold_every_class_and_three_to_eight_parts_each() -> None:
    seen = set()
    for seed in range(40):
        names = [o.name for o in quarter(seed).objects]
        seen |= set(names)
        assert 3 <= sum(name in PARTS for name in names) <= 8
    assert seen == set(CLASSES)


def test_parts_do_not_lie_over_each_other() -> None:
    for seed in range(40):
        parts = [o for o in quarter(seed).objects if o.kind == "part"]
        for index, a in enumerate(parts):
            for b in parts[:index]:
                apart = (a.centre_x - b.centre_x) ** 2 + (a.centre_y - b.centre_y) ** 2
                assert apart > (min(a.width, a.height) / 2 + min(b.width, b.height) / 2) ** 2


def test_pixels_change_where_a_part_is_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The truth's boxes hold all that is drawn, shadows aside: without parts the rest of the frame is the same."""
    full = quarter(6)
    monkeypatch.setattr(line_module, "_place", lambda *_: [])
    empty = render(6, QUARTER)
    changed = np.abs(full.raw.astype(int) - empty.raw) > 40
    outside = changed.copy()
    shadow = 16
    for o in full.objects:
        if o.kind == "part":
            box = changed[o.top : o.top + o.height, o.left : o.left + o.width]
            assert box.mean() > 0.15
            assert box[:, :3].any(), "the box is wider than the part"
            assert box[:3].any(), "the box is taller than the part"
            outside[
                max(o.top - shadow, 0) : o.top + o.height + shadow, max(o.left - shadow, 0) : o.left + o.width + shadow
            ] = 0
    assert outside.mean() < 1e-4


def test_pixels_change_where_a_defect_is_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "draw_defects", _drawn_but_left_out(line_module.draw_defects))
    whole = {seed: render(seed, QUARTER) for seed in range(12)}
    count = 0
    for seed, sound in whole.items():
        changed = np.abs(quarter_flawed(seed).raw.astype(int) - sound.raw) > 30
        for o in quarter_flawed(seed).objects:
            if o.kind == "defect":
                count += 1
                assert changed[o.top : o.top + o.height, o.left : o.left + o.width].mean() > 0.12, (seed, o)
                margin = 10
                changed[
                    max(o.top - margin, 0) : o.top + o.height + margin,
                    max(o.left - margin, 0) : o.left + o.width + margin,
                ] = 0
        assert changed.mean() < 1e-4, seed
    assert count > 10


@cache
def quarter_flawed(seed: int) -> Scene:
    """Rendered before any test replaced a function."""
    return _ORIGINALS[seed]


_ORIGINALS = {seed: render(seed, QUARTER) for seed in range(12)}


def _drawn_but_left_out(draw):  # a function of the module under test
    def sound(*arguments):
        draw(*arguments)
        return ()

    return sound


def test_a_dark_frame_sits_at_the_black_level_with_the_read_noise() -> None:
    dark = np.zeros((2160, 640), np.float32)
    frame = FrameFormat(640, 2160, 800, 2250)
    even = Illumination(frame, (0, 0), (0.5, 0.5, 0, 1), 0)
    raw = expose(dark, frame, np.random.default_rng(1), even)
    assert abs(raw.mean() - camera.BLACK) < 0.05
    assert abs(raw.std() - (camera.READ_LEVELS**2 + 1 / 12) ** 0.5) < 0.05


def test_shot_noise_grows_with_the_root_of_the_light() -> None:
    frame = FrameFormat(640, 2160, 800, 2250)
    even = Illumination(frame, (0, 0), (0.5, 0.5, 0, 1), 0)
    for level in (100, 400, 800):
        raw = expose(np.full((2160, 640), level, np.float32), frame, np.random.default_rng(2), even)
        variance = camera.LEVELS_PER_ELECTRON * level + camera.READ_LEVELS**2 + 1 / 12
        assert abs(raw.mean() - level - camera.BLACK) < 0.05
        assert abs(raw.var() / variance - 1) < 0.02


def test_the_corners_are_darker_than_the_middle() -> None:
    frame = FrameFormat(960, 540, 1100, 563)
    field = Illumination(frame, (0, 0), (0.5, 0.5, 0, 1), 0.2).rows(slice(0, 540))
    assert field[0, 0] == pytest.approx(1 / 1.2**2, rel=0.01)
    assert field[270, 480] == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("size", [(8, 2), (64, 8), (8, 2160), (640, 480), (4056, 3040)])
def test_any_frame_format_can_be_rendered(size: tuple[int, int]) -> None:
    width, height = size
    scene = render(1, FrameFormat(width, height, width + 400, height + 40))
    assert scene.raw.shape == (height, width)
    assert scene.raw.max() <= 1023


def test_grey_under_the_lamps_is_grey_behind_the_image_processor() -> None:
    rows = camera.mosaic_rows((0.4, 0.4, 0.4), 64)
    raw = (np.tile(rows, (4, 1)) + camera.BLACK + 0.5).astype(np.uint16)
    rgb = isp.process(raw, isp_settings()).astype(int)
    assert np.ptp(rgb.reshape(-1, 3), axis=1).max() <= 2
    assert abs(rgb.mean() - 169.6) < 2  # sRGB of 0.4 is 0.665
