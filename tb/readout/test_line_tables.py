"""What the gateware's memories hold, and how it lays out the line, against the golden model."""

import numpy as np
import pytest

from ocellus.line import LANES, Flaw, Shape
from ocellus.settings import FrameFormat
from ocellus_hdl.readout import line_sprites, line_tables
from ocellus_sim.golden import line
from ocellus_sim.golden import line_sprites as golden


@pytest.mark.parametrize("shape", Shape)
def test_parts_are_the_golden_ones(shape: Shape):
    assert np.array_equal(np.reshape(line_sprites.part(shape), (64, 64)), golden.part(shape))


def test_flaws_are_the_golden_ones():
    assert np.array_equal(np.reshape(line_sprites.flaws(), (4, 32, 32)), [golden.flaw(kind) for kind in Flaw])


def test_the_palette_is_the_golden_one():
    assert np.array_equal(np.reshape(line_tables.palette(), (8, 16, 4, 2, 2)), line.palette())


@pytest.mark.parametrize("height", [2, 4, 36, 360, 640, 642, 720, 1080, 1280, 1282, 2160, 2560, 2562, 8190])
def test_the_line_lies_where_the_golden_one_does(height: int):
    frame = FrameFormat(8, height, 12, height)
    got, want = line_tables.LineGeometry(frame), line.Geometry.of(frame)
    assert (1 << got.shift, got.cells) == (want.columns[1], want.cells)
    tops = [want.top(lane, slot) for lane, slots in enumerate(LANES) for slot in slots]
    assert [slot.top for slot in got.slots()] == tops
    assert max(tops) < 1 << got.row_bits
