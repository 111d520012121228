"""The words that pass between the parts of the isp."""

from amaranth.lib import data

from ocellus import formats
from ocellus.formats import RAW_BITS

from ..layouts import struct

CHANNELS = 3
BALANCED_BITS = 12
LINEAR_BITS = 10
LEVEL_BITS = 8

QUAD = data.StructLayout({"red": RAW_BITS, "green_red": RAW_BITS, "green_blue": RAW_BITS, "blue": RAW_BITS})
"""The four pixels of one 2x2 Bayer quad; the greens are named after the colour they share a row with."""

QUAD_PAIR = data.StructLayout({"quad": data.ArrayLayout(QUAD, 2), "last_in_line": 1, "last_in_frame": 1})
"""Two neighbouring quads, the left one first: what two words of four pixels make."""

QUAD_PIXEL = data.StructLayout({"quad": QUAD, "last_in_line": 1, "last_in_frame": 1})
"""One quad, which becomes one pixel."""

BALANCED = data.StructLayout(
    {"colour": data.ArrayLayout(BALANCED_BITS, CHANNELS), "last_in_line": 1, "last_in_frame": 1}
)
"""Red, green and blue after white balance, with 2 fraction bits."""

LINEAR = data.StructLayout({"colour": data.ArrayLayout(LINEAR_BITS, CHANNELS), "last_in_line": 1, "last_in_frame": 1})
"""Red, green and blue after the colour matrix: the index into the gamma tables."""

GAMMA_WRITE = struct(formats.GAMMA_WRITE)
"""One entry of the gamma tables: channel 0 is red."""
