"""The words that pass between the parts of the tensor stage."""

from amaranth.lib import data

from ocellus.formats import TENSOR_SETTINGS
from ocellus.settings import FrameFormat

CHANNELS = 3
LEVEL_BITS = 8
ROW_SUM_BITS = LEVEL_BITS + TENSOR_SETTINGS.field("x_in").bits

ROW_PIXEL = data.StructLayout({"sum": data.ArrayLayout(ROW_SUM_BITS, CHANNELS), "last_in_line": 1, "last_in_frame": 1})
"""One column of a row after the horizontal pass: levels times columns, for each channel."""


def row_sum_bits(frame: FrameFormat) -> int:
    """Of a :data:`ROW_PIXEL`'s sum: at most ``255 * x_in``, and the crop lies in the half-size picture."""
    return (255 * (frame.width // 2)).bit_length()


def area_sum(frame: FrameFormat) -> data.StructLayout:
    """One sum of levels times area, and the channel it belongs to; ``last`` with the tensor's last.

    A sum is at most ``255 * x_in * y_in``, and the crop lies in the half-size picture.
    """
    largest = 255 * (frame.width // 2) * (frame.height // 2)
    return data.StructLayout({"sum": largest.bit_length(), "channel": 2, "last": 1})
