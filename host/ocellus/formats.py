"""Every word that crosses a border, described once: streams, records, packets, program images, registers.

Gateware takes its structs from here (through ``ocellus_hdl.layouts``), and so do the compiler, the golden
model, the testbenches and the decoder. Layouts are shared; arithmetic never is.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from .layouts import Field, Layout

# --- streams between the stages ---------------------------------------------------------------------

PIXELS_PER_CLOCK = 4
RAW_BITS = 10

RAW_WORD = Layout("RawWord", (Field("pixel", RAW_BITS, count=PIXELS_PER_CLOCK),))
"""Four neighbouring pixels of one line, leftmost first: what the pixel array delivers."""

RAW_BEAT = Layout("RawBeat", (*RAW_WORD.fields, Field("last_in_line", 1), Field("last_in_frame", 1)))
"""readout -> isp and link."""

RGB_PIXEL = Layout(
    "RgbPixel",
    (Field("red", 8), Field("green", 8), Field("blue", 8), Field("last_in_line", 1), Field("last_in_frame", 1)),
)
"""isp -> tensor: one pixel of the half-size picture."""

TENSOR_BYTE = Layout("TensorByte", (Field("value", 8, signed=True), Field("last", 1)))
"""tensor -> cnn, and cnn -> metadata: int8 in row, column, channel order; ``last`` ends the tensor."""

PACKET_WORD = Layout("PacketWord", (Field("data", 64), Field("last", 1)))
"""metadata -> link, and the link's output: eight bytes, first byte in the low bits."""

TICKET = Layout(
    "Ticket",
    (
        Field("frame_counter", 32),
        Field("timestamp", 64),
        Field("readout_clocks", 32),
        Field("lines_lost", 16),
        Field("frames_skipped", 16),
        Field("test_pattern", 1),
    ),
)
"""What the record says of a frame besides what was seen in it: readout -> tensor -> metadata, one a frame."""


class Mode(IntEnum):
    """What leaves the chip; the value on the mode input."""

    METADATA = 0
    IMAGE = 1
    IMAGE_AND_METADATA = 2


class Pattern(IntEnum):
    """Where readout takes its pixels from."""

    ARRAY = 0
    SOLID = 1
    RAMP = 2
    BARS = 3
    PN9 = 4
    LINE = 5


class Head(IntEnum):
    """How metadata reads the network's output tensor."""

    VECTOR = 0
    HEATMAP = 1


# --- records ----------------------------------------------------------------------------------------

RECORD_MAGIC = int.from_bytes(b"OCEL", "little")
RECORD_END = int.from_bytes(b"LECO", "little")
RECORD_VERSION = 2
MAX_OBJECTS = 64
MAX_TOP_K = 16


class RecordFlag(IntFlag):
    """Bits of ``RecordHeader.flags``."""

    OBJECTS_OVERFLOW = 1
    LINES_LOST = 2
    FRAMES_SKIPPED = 4
    TEST_PATTERN = 8
    VECTOR = 16


RECORD_HEADER = Layout(
    "RecordHeader",
    (
        Field("magic", 32), Field("version", 8), Field("flags", 8), Field("object_count", 8), Field("reserved", 8),
        Field("length", 32), Field("frame_counter", 32),
        Field("timestamp", 64),
        Field("network_id", 32), Field("readout_clocks", 32),
        Field("inference_clocks", 32), Field("lines_lost", 16), Field("frames_skipped", 16),
        Field("clocks_busy", 32), Field("clocks_weights", 32),
        Field("clocks_requantiser", 32), Field("clocks_input", 32),
    ),
)  # fmt: skip
"""Fifty-six bytes. ``length`` counts the whole record, header to trailer, in bytes; ``clocks_*`` are the fields of
``CNN_SPENT``."""

OBJECT = Layout(
    "Object",
    (
        Field("class_index", 16), Field("score", 16, signed=True), Field("centre_x", 16), Field("centre_y", 16),
        Field("left", 16), Field("top", 16), Field("width", 16), Field("height", 16),
    ),
)  # fmt: skip
"""Sixteen bytes: score as the int8 the network gave, places in full-frame pixels."""

RECORD_TRAILER = Layout("RecordTrailer", (Field("crc", 32), Field("end", 32)))
"""Eight bytes: CRC-32 (ISO-HDLC) of every byte of the record before it, and the end mark."""

# --- packets ----------------------------------------------------------------------------------------

PACKET_SYNC = 0x5C0E
PACKET_END = int.from_bytes(b"\xc0\xde\xc0\xde", "little")


class PacketType(IntEnum):
    """What a packet carries."""

    RECORD = 1
    IMAGE_LINE = 2


PACKET_HEADER = Layout("PacketHeader", (Field("sync", 16), Field("type", 8), Field("sequence", 8), Field("length", 32)))
"""Eight bytes; ``length`` is the payload in bytes, without the zeros that fill its last word;
``sequence`` counts the packets that left, modulo 256."""

LINE_HEADER = Layout("LineHeader", (Field("frame_counter", 32), Field("line", 16), Field("pixels", 16)))
"""First eight payload bytes of an image line; the MIPI RAW10 bytes of the line follow."""

PACKET_TRAILER = Layout("PacketTrailer", (Field("crc", 32), Field("end", 32)))
"""Eight bytes: CRC-32 (ISO-HDLC) of header and filled payload, and the end mark."""


class Arithmetic(IntEnum):
    """How the requantiser rounds a sum: twice, as TensorFlow Lite's reference kernels do, or once."""

    DOUBLE = 0
    SINGLE = 1


# --- registers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A stage's registers: every field of ``layout`` (every item of an array field) has a 32-bit address of its own."""

    base: int
    layout: Layout

    def address(self, field: str, index: int = 0) -> int:
        """Byte address of a field's register."""
        at = self.base
        for f in self.layout.fields:
            if f.name == field:
                return at + 4 * index
            at += 4 * f.count
        raise KeyError(f"{self.layout.name} has no field {field!r}")


READOUT_SETTINGS = Layout(
    "ReadoutSettings", (Field("enable", 1), Field("live", 1), Field("pattern", 3), Field("solid", RAW_BITS))
)
ISP_SETTINGS = Layout(
    "IspSettings", (Field("black", RAW_BITS, count=4), Field("gain", 12, count=4), Field("matrix", 12, True, count=9))
)
TENSOR_SETTINGS = Layout(
    "TensorSettings",
    (
        Field("crop_x", 12), Field("crop_y", 12), Field("crop_w", 12), Field("crop_h", 12),
        Field("out_w", 10), Field("out_h", 10),
        Field("x_in", 12), Field("x_out", 10), Field("y_in", 12), Field("y_out", 10),
        Field("channels", 2), Field("multiplier", 24, count=3), Field("shift", 6), Field("offset", 24, True, count=3),
    ),
)  # fmt: skip
METADATA_SETTINGS = Layout(
    "MetadataSettings",
    (
        Field("head", 1), Field("grid_w", 8), Field("grid_h", 8), Field("classes", 5),
        Field("threshold", 8, True), Field("zero_point", 8, True), Field("top_k", 5),
        Field("origin_x", 13), Field("origin_y", 13), Field("window_w", 13), Field("window_h", 13),
        Field("half_cell_x", 20), Field("half_cell_y", 20), Field("step_x", 20), Field("step_y", 20),
        Field("frame_w", 13), Field("frame_h", 13),
    ),
)  # fmt: skip
CNN_STATUS = Layout("CnnStatus", (Field("loaded", 1), Field("loading", 1), Field("error", 4), Field("network_id", 32)))


class LoadError(IntEnum):
    """Why the accelerator refused a program image (``CnnStatus.error``)."""

    NONE = 0
    MAGIC = 1
    VERSION = 2
    CONFIGURATION = 3
    TOO_LARGE = 4
    CHECKSUM = 5


READOUT = Block(0x0000, READOUT_SETTINGS)
ISP = Block(0x0100, ISP_SETTINGS)
TENSOR = Block(0x0200, TENSOR_SETTINGS)
METADATA = Block(0x0300, METADATA_SETTINGS)
CNN = Block(0x0400, CNN_STATUS)
"""Read only."""
CNN_LOAD = 0x0500
"""Write only: each write hands the next word of a program image to the accelerator."""
CNN_RESET = 0x0504
"""Write only: forgets a half-loaded image, so that the next word is a header again."""
IDENTITY = 0x0600
"""Read only: ``IDENTITY_VALUE``."""
IDENTITY_VALUE = 0x0CE11050
CNN_COUNTS = 0x1000
"""Read only: ``CNN_SPENT`` of each layer at ``CNN_COUNTS + 16 * layer``, a register a field."""
COUNTED_LAYERS = 64
"""So many layers have their counts at an address."""
GAMMA = 0x4000
"""Write only: three tables (red, green, blue) of 1024 entries, 4096 bytes apart."""
GAMMA_WRITE = Layout("GammaWrite", (Field("channel", 2), Field("index", RAW_BITS), Field("level", 8)))
"""control -> isp: one entry of a gamma table."""

CONTROL_REQUEST = Layout("ControlRequest", (Field("address", 16), Field("data", 32), Field("write", 1)))
CONTROL_REPLY = Layout("ControlReply", (Field("data", 32),))
"""One reply for every read request, none for a write."""

# --- a board's serial line --------------------------------------------------------------------------

SERIAL_BAUD = 1_000_000
SERIAL_VERSION = 1
SERIAL_FLAG = 0x7E
"""At each end of a frame."""
SERIAL_ESCAPE = 0x7D
"""Before a byte that was flag or escape, and is sent XOR ``SERIAL_FLIP``."""
SERIAL_FLIP = 0x20
SERIAL_CRC_BYTES = 4
SERIAL_WORDS = 60
"""At most so many words in a request."""
SERIAL_PACKET_BYTES = 128
"""At most so many of the link's bytes in a frame."""
SERIAL_REPLY_BIT = 0x80


class SerialKind(IntEnum):
    """What a frame is; a reply has ``SERIAL_REPLY_BIT`` beside the request's kind."""

    READ = 1
    WRITE = 2
    FEED = 3
    PACKETS = 0x90


SERIAL_REQUEST = Layout("SerialRequest", (Field("kind", 8), Field("sequence", 8), Field("address", 16)))
"""First four bytes of a frame to the board; words of 32 bits follow. ``sequence`` counts frames that write."""
SERIAL_REPLY = Layout("SerialReply", (Field("kind", 8), Field("sequence", 8), Field("next", 8), Field("data", 32)))
"""Seven bytes: the request's sequence number, that of the next frame that may write, and what was read."""
SERIAL_STATUS = Layout(
    "SerialStatus",
    (
        Field("version", 8), Field("buffer_bytes", 16),
        Field("word", 8), Field("windows", 8), Field("inputs", 8), Field("outputs", 8),
        Field("frames_dropped", 16), Field("framing_errors", 16),
    ),
)  # fmt: skip
SERIAL = Block(0x0700, SERIAL_STATUS)
"""Read only, on boards alone: the serial line, and the accelerator's array."""
