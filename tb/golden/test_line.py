"""The golden production line: pinned pictures, noise bit by bit, the belt's way, boxes, and what is detected."""

import zlib

import numpy as np
import pytest

from ocellus import networks
from ocellus.errors import BadInput
from ocellus.formats import Pattern
from ocellus.line import LANES
from ocellus.records import DetectedObject, parse_record
from ocellus.settings import UHD, FrameFormat, ReadoutSettings, Window
from ocellus_sim.golden import line, sensor
from ocellus_sim.line_truth import LineTruth, truth
from ocellus_sim.scenes import Score, isp_settings
from ocellus_sim.scenes.camera import BLACK, site_weights
from ocellus_sim.scenes.parts import MATERIALS

SMALL = FrameFormat(640, 360, 700, 370)


def cells(frame: FrameFormat, counter: int) -> np.ndarray:
    """Material, code and quadrant of each word of each line, as one number."""
    geometry = line.Geometry.of(frame)
    return line.belt(frame)[np.ix_(geometry.rows, (geometry.columns + line.moved(counter)) % line.BELT)]


@pytest.mark.parametrize(("counter", "digest"), [(0, 839445164), (404, 3761261556)])
def test_4k_frames_are_those_that_were_looked_at(counter: int, digest: int):
    assert zlib.crc32(line.draw(UHD, counter).astype("<u2").tobytes()) == digest


def test_noise_is_the_sequence_drawn_bit_by_bit():
    for counter in (0, 1, 0x8001, 0x1_8001):
        number = counter % 65536
        bits = [(number >> i % 16 ^ 0x5A3C96E1 >> i) & 1 for i in range(31)]
        while len(bits) < 32 * 5000:
            bits.append(bits[-18] ^ bits[-31])
        want = [sum(bit << i for i, bit in enumerate(bits[at : at + 32])) for at in range(0, len(bits), 32)]
        assert line.noise_words(5000, counter).tolist() == want
        assert line.noise_words(7, counter).tolist() == want[:7]


def test_noise_is_white_and_new_in_every_frame():
    """Of the red pixels of a rail; correlations stay within four standard deviations of independent noise."""
    a, b = (line.draw(SMALL, n)[:6:2, ::2].astype(float).ravel() for n in (3, 4))
    assert a.var() == pytest.approx(11.75, rel=0.15)
    for one, other in ((a, b), (a[:-1], a[1:]), (a[:-2], a[2:]), (a[:-320], a[320:])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / len(one) ** 0.5


def test_the_belt_moves_four_cells_a_frame_and_closes_upon_itself():
    assert (cells(UHD, 1)[:, :-4] == cells(UHD, 0)[:, 4:]).all()
    assert (cells(UHD, 1024) == cells(UHD, 0)).all()
    assert (line.draw(SMALL, 1024) != line.draw(SMALL, 0)).any()
    assert (line.draw(SMALL, 65536 + 5) == line.draw(SMALL, 5)).all()


@pytest.mark.parametrize("height", [2, 36, 1080, 2160, 2562, 8190])
def test_parts_keep_to_their_lanes(height: int):
    geometry = line.Geometry.of(FrameFormat(8, height, 12, height))
    for lane, slots in enumerate(LANES):
        for slot in slots:
            top = geometry.top(lane, slot)
            assert top >= 24 + lane * (128 + geometry.room)
            assert top + 128 <= geometry.cells - 24 - (1 - lane) * (128 + geometry.room)


def test_slots_keep_to_the_ranges_that_the_gateware_has_room_for():
    assert [len(slots) for slots in LANES] == [16, 16]
    for slot in (slot for slots in LANES for slot in slots):
        assert 0 <= slot.x <= 127
        assert 0 <= slot.y <= 15
        assert -32 <= min(slot.flaw_x, slot.flaw_y) <= max(slot.flaw_x, slot.flaw_y) <= 95


def test_levels_are_those_of_the_scenes_materials():
    for name, colour in MATERIALS.items():
        want = site_weights() @ np.array(colour) / 2
        got = line.COLOURS[line.Material[name.upper()]]
        assert np.abs(want - got).max() <= 0.51, name
    assert int(line.palette().max()) * 2 + line.LOWEST + 17 <= 1023
    assert round(line.LOWEST + 8.5 - 0.5) == BLACK


@pytest.mark.parametrize("frame", [UHD, SMALL], ids=["4K", "640x360"])
def test_boxes_hold_their_parts_and_nothing_less(frame: FrameFormat):
    """In each column and row at a box's sides there is metal, and none in those just outside."""
    for counter in (0, 77, 500):
        seen = truth(frame, counter)
        metal = np.repeat((cells(frame, counter) >> 6) % 7 > 0, 4, axis=1)
        parts = [o for o in (*seen.objects, *seen.cut) if o.kind == "part"]
        assert parts
        chipped = [o for o in (*seen.objects, *seen.cut) if o.name == "chip"]
        for o in parts:
            right, bottom = o.left + o.width, o.top + o.height
            own = metal[o.top : bottom, o.left : right]
            if not any(o.left <= c.centre_x < right and o.top <= c.centre_y < bottom for c in chipped):
                assert all(side.any() for side in (own[0], own[-1], own[:, 0], own[:, -1]))
            assert not metal[o.top : bottom, max(o.left - 1, 0) : o.left].any()
            assert not metal[o.top : bottom, right : right + 1].any()
            assert not metal[o.top - 1, o.left : right].any()
            assert not metal[bottom, o.left : right].any()


def test_parts_at_the_sides_are_cut():
    for counter in range(0, 1024, 8):
        seen = truth(UHD, counter)
        for o in seen.cut:
            assert o.left < 512 or o.left + o.width > 3840 - 512
        assert all(o.left >= 0 and o.left + o.width <= 3840 for o in (*seen.objects, *seen.cut))
        assert 2 <= sum(o.kind == "part" for o in seen.objects) <= 8


def test_a_frame_that_shows_the_belt_twice_has_no_truth():
    with pytest.raises(BadInput, match="found 16369 cells in a line, allowed 3968"):
        truth(FrameFormat(8188, 320, 8192, 320), 0)


def test_what_is_cut_counts_neither_for_nor_against():
    seen = next(t for n in range(1024) if len((t := truth(UHD, n)).cut) > 1)
    claims = [
        DetectedObject(o.class_index, 1, o.centre_x, o.centre_y, o.left, o.top, o.width, o.height)
        for o in (*seen.objects, *seen.cut)
    ]
    assert seen.score(claims) == seen.score(claims[: len(seen.objects)])
    assert seen.score([]).total.missed == len(seen.objects)
    assert LineTruth((), ()).score(claims).total.invented == len(claims)


def test_the_network_finds_the_parts():
    """Eight 4K frames; scripts/quality.py --line measures sixty."""
    file = networks.default()
    window = Window(0, 0, UHD.width, UHD.height)
    settings = sensor.SensorSettings(
        file.tensor_settings(window), file.metadata_settings(UHD, window), UHD, ReadoutSettings(pattern=Pattern.LINE),
        isp_settings(),
    )  # fmt: skip
    total = Score()
    for counter in range(30, 1024, 128):
        passage = sensor.run(None, settings, file.network, {**sensor.UNTIMED, "frame_counter": counter})
        total += truth(UHD, counter).score(parse_record(passage.record).objects)
    assert total.of("part").found > 35
    for kind in ("part", "defect"):
        assert total.of(kind).recall >= 0.95, total
        assert total.of(kind).precision >= 0.9, total
