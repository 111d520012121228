"""The words of a program image: header, layer descriptors, steps, parameters. docs/cnn.md says what they mean."""

from enum import IntEnum

from .layouts import Field, Layout

IMAGE_MAGIC = int.from_bytes(b"OCNN", "little")
IMAGE_VERSION = 5
LINE_BITS = 14
BANK_BITS = 8
LARGEST_SHIFT = 7
"""To the left, in requantisation: a lane has no wider one. To the right it is 31."""


def wheel(name: str) -> tuple[Field, Field]:
    """A place or a distance in the activation memory: ``line * banks + bank`` words, lines modulo ``2^14``."""
    return Field(f"{name}_line", LINE_BITS), Field(f"{name}_bank", BANK_BITS)


class LayerOp(IntEnum):
    """How the array takes its operands."""

    POINT = 0
    WINDOW = 1
    MAXIMUM = 2


class Epilogue(IntEnum):
    """What happens to a requantised result before it is written."""

    PLAIN = 0
    TABLE = 1
    ADD = 2
    MULTIPLY = 3


IMAGE_HEADER = Layout(
    "ImageHeader",
    (
        Field("magic", 32),
        Field("version", 16), Field("arithmetic", 16),
        Field("word", 8), Field("windows", 8), Field("inputs", 8), Field("outputs", 8),
        Field("network_id", 32),
        Field("layers", 16), Field("steps", 16),
        Field("parameter_words", 32),
        Field("weight_words", 32),
        Field("tables", 16), Field("input_channels", 16),
        Field("input_rows", 16), Field("input_columns", 16),
        *wheel("input"), Field("input_fill", 8, signed=True), Field("reserved", 2),
        *wheel("input_row"), Field("unfold_columns", 8), Field("reserved_2", 2),
        *wheel("input_plane"), Field("unfold_stride", 8), Field("reserved_3", 2),
        Field("unfold_lead", 8), Field("stored_columns", 16), Field("unfold_bytes", 8),
        Field("ring_rows", 16), Field("output_rows", 16),
        Field("output_columns", 16), Field("output_channels", 16),
        *wheel("output"), Field("reserved_4", 10),
        *wheel("output_row"), Field("reserved_5", 10),
        *wheel("output_plane"), Field("reserved_6", 10),
        Field("host_bytes", 32),
    ),
)  # fmt: skip
"""Nineteen 32-bit words. Then come layers, steps, tables (256 bytes each), parameter words, weight words and the
CRC-32 of all before it: these are loaded. What only the host needs (``host_bytes`` of JSON, then its own CRC-32)
follows."""

LAYER = Layout(
    "Layer",
    (
        Field("op", 2), Field("epilogue", 2), Field("swapped", 1), Field("cut", 1), Field("tile", 4),
        Field("spread", 2), Field("out_spread", 2), Field("subtract", 1), Field("table", 4), Field("shared", 1),
        Field("word_sets", 5), Field("reserved", 7),
        Field("groups", 16), Field("chunks", 16),
        Field("in_rows", 12), Field("in_columns", 12), Field("pace", 8),
        Field("out_columns", 12), Field("tap_rows", 8), Field("tap_columns", 8), Field("stride_rows", 4),
        Field("kernel_rows", 8), Field("kernel_columns", 8), Field("lead", 8), Field("stride_columns", 8),
        Field("weight_base", 24), Field("fill", 8, signed=True),
        Field("parameter_base", 16), Field("zero_point", 8, signed=True), Field("reserved_2", 8),
        Field("minimum", 8, signed=True), Field("maximum", 8, signed=True), Field("in_ring_lines", 16),
        Field("out_ring_lines", 16), Field("operand_lines", 16),
        *wheel("in_plane"), Field("reserved_3", 10),
        *wheel("in_tap"), Field("reserved_4", 10),
        *wheel("in_tap_row"), Field("reserved_5", 10),
        *wheel("in_pixel"), Field("reserved_6", 10),
        *wheel("in_row"), Field("reserved_7", 10),
        *wheel("in_pitch"), Field("reserved_8", 10),
        *wheel("in_pitch_2"), Field("reserved_9", 10),
        *wheel("out_plane"), Field("reserved_10", 10),
        *wheel("out_pixel"), Field("reserved_11", 10),
        *wheel("out_row"), Field("reserved_12", 10),
        Field("multiplier_1", 32), Field("multiplier_2", 32), Field("multiplier_3", 32),
        Field("shift_1", 8), Field("shift_2", 8), Field("shift_3", 8, signed=True), Field("reserved_13", 8),
        Field("zero_point_1", 8, signed=True), Field("zero_point_2", 8, signed=True),
        Field("zero_point_3", 8, signed=True), Field("reserved_14", 8),
        Field("minimum_3", 8, signed=True), Field("maximum_3", 8, signed=True), Field("sets", 16),
    ),
)  # fmt: skip
"""One layer, the same for all its steps."""

STEP = Layout(
    "Step",
    (
        Field("rows", 12), Field("tiles", 20),
        Field("after", 16), Field("wait_rows", 16),
        Field("free_rows", 16), Field("first_row", 16, signed=True),
        Field("in_wrap", 16, signed=True), Field("out_wrap", 16),
        *wheel("in"), Field("layer", 8), Field("last", 1), Field("reserved", 1),
        *wheel("out"), Field("reserved_2", 10),
    ),
)  # fmt: skip
"""Some rows of a layer."""

PARAMETER = Layout(
    "Parameter", (Field("bias", 32, signed=True), Field("multiplier", 32), Field("shift", 8, signed=True))
)
"""One output channel's requantisation; three 32-bit words in the image (the upper 24 bits of the third are 0)."""

CNN_SPENT = Layout("CnnSpent", (Field("busy", 32), Field("weights", 32), Field("requantiser", 32), Field("input", 32)))
"""Where clocks went: a command left for the array; one waited for weights; for its pace, parameters; there was none."""
