"""The golden metadata stage: peaks, places and record bytes worked out by hand."""

import zlib

import numpy as np
import pytest

from ocellus.errors import BadInput
from ocellus.formats import Head
from ocellus.settings import FrameFormat, MetadataSettings, Window
from ocellus_sim.golden import metadata

FRAME = FrameFormat(640, 480, 704, 500)
TICKET = {
    "frame_counter": 3, "timestamp": 0x0102030405060708, "readout_clocks": 1000, "lines_lost": 0, "frames_skipped": 0,
    "test_pattern": 0,
}  # fmt: skip
SPENT = {"busy": 0x11223344, "weights": 1, "requantiser": 2, "input": 0xFFFFFFFF}


def heatmap(grid, classes=1, threshold=10, zero_point=0, window=None, step=256, half_cell=4 * 256):
    """Cells of 8x8 pixels unless told; box channels of one pixel a count."""
    window = window or Window(0, 0, 8 * grid[1], 8 * grid[0])
    return MetadataSettings(
        Head.HEATMAP, FRAME.width, FRAME.height, window.x, window.y, window.width, window.height,
        grid[1], grid[0], classes, threshold, zero_point,
        half_cell_x=half_cell, half_cell_y=half_cell, step_x=step, step_y=step,
    )  # fmt: skip


def score_map(scores):
    """A heat map of one class with empty boxes."""
    scores = np.array(scores, np.int8)
    return np.dstack([scores, np.zeros((*scores.shape, 4), np.int8)])


def places(scores, threshold=10):
    """(row, column) of each peak of one class."""
    tensor = score_map(scores)
    return [peak[:2] for peak in metadata.peaks(tensor, heatmap(tensor.shape[:2], threshold=threshold))]


def test_a_vector_record_written_by_hand():
    settings = MetadataSettings.vector(FRAME, Window(10, 20, 100, 52), top_k=2)
    got = metadata.record(TICKET, np.array([-5, 90, 7, 90], np.int8), 0xAABBCCDD, 77, SPENT, settings)
    body = b"OCEL" + bytes.fromhex(
        "02 10 02 00"  # version 2, flag VECTOR, two objects
        "60 00 00 00"  # 64 + 2 * 16 = 96 bytes
        "03 00 00 00  08 07 06 05 04 03 02 01"  # frame 3, timestamp
        "DD CC BB AA  E8 03 00 00  4D 00 00 00"  # network, readout clocks, inference clocks
        "00 00 00 00"  # lines lost, frames skipped
        "44 33 22 11  01 00 00 00  02 00 00 00  FF FF FF FF"  # clocks: busy, for weights, the requantiser, input
        "01 00 5A 00  3C 00 2E 00  0A 00 14 00  64 00 34 00"  # class 1, 90, at 10 + 50 and 20 + 26, the window
        "03 00 5A 00  3C 00 2E 00  0A 00 14 00  64 00 34 00"  # class 3, equal, later
    )
    assert got == body + zlib.crc32(body).to_bytes(4, "little") + b"LECO"


def test_top_k_is_largest_first_and_ties_keep_their_order():
    settings = MetadataSettings.vector(FRAME, Window(0, 0, 640, 480), top_k=4)
    tensor = np.array([[[-128, 3, 127, 3, 127, -128]]], np.int8)
    objects = metadata.vector_objects(tensor, settings)
    assert [(o["class_index"], o["score"]) for o in objects] == [(2, 127), (4, 127), (1, 3), (3, 3)]


def test_a_vector_shorter_than_top_k_gives_fewer_objects():
    settings = MetadataSettings.vector(FRAME, Window(0, 0, 640, 480), top_k=16)
    assert len(metadata.vector_objects(np.array([1, 2, -3], np.int8), settings)) == 3


def test_one_cell_above_its_neighbours_is_a_peak():
    assert places([[1, 2, 3], [4, 50, 5], [6, 7, 8]]) == [(1, 1)]


def test_of_two_equal_neighbours_the_first_in_row_order_is_the_peak():
    assert places([[50, 50]]) == [(0, 0)]
    assert places([[50], [50]]) == [(0, 0)]
    assert places([[50, 0], [0, 50]]) == [(0, 0)]
    assert places([[0, 50], [50, 0]]) == [(0, 1)]


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)])
def test_each_of_the_eight_neighbours_counts(place):
    scores = np.zeros((3, 3), np.int8)
    scores[1, 1] = 40
    scores[place] = 41
    assert places(scores) == [place]
    scores[place] = 40
    assert places(scores) == [min(place, (1, 1))]  # of equal ones the first in row order


def test_a_plateau_has_one_peak_at_its_upper_left():
    assert places([[50, 50, 50], [50, 50, 50]]) == [(0, 0)]


def test_a_slope_of_equal_steps_hides_the_lower_plateau():
    # (0, 1) stands beside a 50; (0, 2) equals (0, 1), which comes before it.
    assert places([[50, 40, 40]]) == [(0, 0)]


def test_peaks_touch_every_border():
    corners = [[50, 0, 50], [0, 0, 0], [50, 0, 50]]
    assert places(corners) == [(0, 0), (0, 2), (2, 0), (2, 2)]


def test_the_threshold_itself_is_enough():
    assert places([[9, 0, 10]], threshold=10) == [(0, 2)]


def test_the_lowest_value_can_peak_where_there_is_no_neighbour():
    # -128 everywhere: equal to those after it, and the first has none before it.
    assert places([[-128, -128], [-128, -128]], threshold=-128) == [(0, 0)]


def test_classes_peak_apart_and_come_in_row_column_class_order():
    tensor = np.zeros((2, 3, 6), np.int8)
    tensor[0, 0, 1] = 60
    tensor[0, 1, 0] = 50
    tensor[1, 2, 0] = 50
    tensor[1, 2, 1] = 70
    found = metadata.peaks(tensor, heatmap((2, 3), classes=2))
    assert [tuple(p) for p in found] == [(0, 0, 1), (0, 1, 0), (1, 2, 1)]  # (0, 1) hides the 50 of (1, 2)


def test_an_object_worked_by_hand():
    # Window at (100, 40), cells of 10 pixels across and 6 down, scale such that a count is 0.5 and 0.25 pixels,
    # zero point -8. Peak in row 1, column 2.
    settings = MetadataSettings(
        Head.HEATMAP, 640, 480, 100, 40, 30, 12, grid_w=3, grid_h=2, classes=1, threshold=0, zero_point=-8,
        half_cell_x=5 * 256, half_cell_y=3 * 256, step_x=128, step_y=64,
    )  # fmt: skip
    tensor = np.full((2, 3, 5), -128, np.int8)
    tensor[1, 2] = [33, -1, -20, 29, 60]
    # d = 7, -12, 37, 68.
    # x = 100*256 + 5*1280 + 7*128 = 25600 + 6400 + 896 = 32896 (128.5): centre (32896 + 128) >> 8 = 129
    # half_w = 37*128 >> 1 = 2368: left (30528 + 128) >> 8 = 119, right (35264 + 128) >> 8 = 138, width 19
    # y = 40*256 + 3*768 - 12*64 = 10240 + 2304 - 768 = 11776 (46): centre 46
    # half_h = 68*64 >> 1 = 2176 (8.5): top (9600 + 128) >> 8 = 38, bottom (13952 + 128) >> 8 = 55, height 17
    record = metadata.record(TICKET, tensor, 0, 0, SPENT, settings)
    fields = np.frombuffer(record[56:72], "<i2").tolist()
    assert fields == [0, 33, 129, 46, 119, 38, 19, 17]


def test_half_a_size_is_cut_off_after_the_product():
    # d = 127 + 128 = 255; half = 255*3 >> 1 = 382 (255 * (3 >> 1) would be 255). x = 1152 (4.5): centre 1280 >> 8 = 5,
    # left (770 + 128) >> 8 = 3, right (1534 + 128) >> 8 = 6.
    tensor = np.array([[[0, -128, -128, 127, 127]]], np.int8)
    settings = heatmap((1, 1), threshold=0, zero_point=-128, step=3, half_cell=1152)
    record = metadata.record(TICKET, tensor, 0, 0, SPENT, settings)
    assert np.frombuffer(record[56:72], "<i2").tolist() == [0, 0, 5, 5, 3, 3, 3, 3]


def test_places_are_clamped_to_the_frame_and_negative_sizes_are_none():
    tensor = np.full((1, 2, 5), 0, np.int8)
    tensor[0, 0] = [20, -100, -100, 127, -5]  # far to the upper left
    tensor[0, 1] = [20, 127, 127, -1, 127]  # far to the lower right, in row order second; 20 is not above 20
    settings = heatmap((1, 2), step=256 * 8)
    record = metadata.record(TICKET, tensor, 0, 0, SPENT, settings)
    # x = 4*256 - 100*2048 = -203776, half = 127*2048 >> 1 = 130048: left, right (-73728 + 128) >> 8 < 0: all 0
    assert record[6] == 1
    assert np.frombuffer(record[56:72], "<i2").tolist() == [0, 20, 0, 0, 0, 0, 0, 0]
    tensor[0, 0, 0] = 19
    record = metadata.record(TICKET, tensor, 0, 0, SPENT, settings)
    # x = 3*1024 + 127*2048 = 263168 (1028): clamped to 639, width 0
    # y = 1024 + 127*2048 = 261120, half_h = 127*2048 >> 1 = 130048: top 131200 >> 8 = 512, clamped to 479, height 0
    assert np.frombuffer(record[56:72], "<i2").tolist() == [0, 20, 639, 479, 639, 479, 0, 0]


@pytest.mark.parametrize(("count", "flags"), [(63, 0), (64, 0), (65, 1)])
def test_only_64_objects_fit_and_more_are_flagged(count, flags):
    scores = np.zeros((9, 63), np.int8)
    spots = [(row, column) for row in range(0, 9, 2) for column in range(0, 63, 2)][:count]
    for spot in spots:
        scores[spot] = 50
    record = metadata.record(TICKET, score_map(scores), 0, 0, SPENT, heatmap((9, 63)))
    assert record[5] == flags
    assert record[6] == min(count, 64)
    assert len(record) == int.from_bytes(record[8:12], "little") == 64 + 16 * min(count, 64)


@pytest.mark.parametrize(
    ("field", "value", "flags"), [("lines_lost", 5, 2), ("frames_skipped", 2, 4), ("test_pattern", 1, 8)]
)
def test_the_ticket_sets_its_flags(field, value, flags):
    record = metadata.record({**TICKET, field: value}, score_map([[0]]), 0, 0, SPENT, heatmap((1, 1)))
    assert record[5] == flags
    counts = np.frombuffer(record[36:40], "<u2").tolist()
    assert counts == [value if field == "lines_lost" else 0, value if field == "frames_skipped" else 0]


def test_a_tensor_of_another_size_is_refused():
    with pytest.raises(BadInput, match=r"heat map: found a tensor of \(2, 2, 5\), allowed 2x3x5 values"):
        metadata.record(TICKET, np.zeros((2, 2, 5), np.int8), 0, 0, SPENT, heatmap((2, 3)))
