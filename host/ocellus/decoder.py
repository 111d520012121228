"""The link's bytes, decoded: records and image lines, with damage skipped and counted; docs/decoder.md."""

import zlib
from dataclasses import dataclass, field
from typing import NamedTuple

from . import formats
from .errors import BadInput
from .formats import PacketType
from .pictures import MAX_LINE_BYTES, Frame, ImageLine, frames, parse_line
from .records import DetectedObject, Record, parse_record

__all__ = [
    "Decoder",
    "DetectedObject",
    "Frame",
    "ImageLine",
    "Record",
    "decode",
    "frames",
    "parse_line",
    "parse_record",
]

HEADER_BYTES = formats.PACKET_HEADER.bits // 8
TRAILER_BYTES = formats.PACKET_TRAILER.bits // 8
SYNC = formats.PACKET_SYNC.to_bytes(2, "little")
MAX_PAYLOAD = MAX_LINE_BYTES
"""No packet has a longer payload, so a header that announces one is damage."""
SMALLEST_PACKET = HEADER_BYTES + 24 + TRAILER_BYTES
"""A line of the narrowest frame, eight pixels: 8 + 10 bytes in three words."""


class _Packet(NamedTuple):
    kind: int
    sequence: int
    payload: bytes


@dataclass
class Decoder:
    """Reads the link's bytes in pieces of any size; after damage it goes on with the next packet that is whole.

    A packet is whole when its end mark stands where its length says and its CRC agrees, so damage costs only the
    packets that it touches.

    Attributes
    ----------
    records, lines : int
        Decoded so far.
    damaged_packets : int
        Packets of which bytes arrived, but not whole: told by their headers and by the sequence numbers around them.
        A piece of a packet at either end of the stream counts as one.
    skipped_bytes : int
        Bytes that belong to no whole packet.
    refused_packets : int
        Whole packets with content that this decoder does not know or that contradicts itself.
    first_refusal : str
        Why the first of them was refused.
    """

    records: int = 0
    lines: int = 0
    damaged_packets: int = 0
    skipped_bytes: int = 0
    refused_packets: int = 0
    first_refusal: str = ""
    _waiting: bytearray = field(default_factory=bytearray, repr=False)
    _last_sequence: int | None = field(default=None, repr=False)
    _stretch_bytes: int = field(default=0, repr=False)  # since the last whole packet
    _stretch_headers: int = field(default=0, repr=False)

    def feed(self, chunk: bytes) -> list[Record | ImageLine]:
        """Take the next bytes of the stream; give back what they complete, in order."""
        self._waiting += chunk
        return self._read(at_end=False)

    def finish(self) -> list[Record | ImageLine]:
        """Say that the stream has ended; give back what lay behind a packet cut short. The counts are final then."""
        found = self._read(at_end=True)
        if self._stretch_bytes:
            self.damaged_packets += max(self._stretch_headers, 1)
        self._stretch_bytes = self._stretch_headers = 0
        self._last_sequence = None
        return found

    def _read(self, at_end: bool) -> list[Record | ImageLine]:
        data = bytes(self._waiting)
        found: list[Record | ImageLine] = []
        at = 0
        while True:
            start = data.find(SYNC, at)
            if start < 0:
                # The last byte may be the first half of a sync word.
                start = len(data) - (not at_end and data.endswith(SYNC[:1]))
                self._skip(max(start - at, 0))
                at = max(start, at)
                break
            self._skip(start - at)
            at = start
            size = _size(data, at)
            if size is None:
                self._skip(1)
                at += 1
            elif at + size > len(data):
                if not at_end:
                    break
                self._stretch_headers += at + HEADER_BYTES <= len(data)
                self._skip(1)
                at += 1
            elif packet := _whole(data, at, size):
                self._close_stretch(packet.sequence)
                self._accept(packet, found)
                at += size
            else:
                self._stretch_headers += 1
                self._skip(1)
                at += 1
        del self._waiting[:at]
        return found

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        self._stretch_bytes += count

    def _close_stretch(self, sequence: int) -> None:
        """Count the packets between the last whole one and the one with this sequence number."""
        if self._stretch_bytes:
            if self._last_sequence is None:
                self.damaged_packets += max(self._stretch_headers, 1)
            else:
                # A chip that was reset in between starts again at 0, so never more than the bytes can have held.
                missing = min((sequence - self._last_sequence - 1) % 256, -(-self._stretch_bytes // SMALLEST_PACKET))
                self.damaged_packets += max(self._stretch_headers, missing)
        self._stretch_bytes = self._stretch_headers = 0
        self._last_sequence = sequence

    def _accept(self, packet: _Packet, found: list[Record | ImageLine]) -> None:
        try:
            if packet.kind == PacketType.RECORD:
                found.append(parse_record(packet.payload))
                self.records += 1
            elif packet.kind == PacketType.IMAGE_LINE:
                found.append(parse_line(packet.payload))
                self.lines += 1
            else:
                raise BadInput(f"packet: found type {packet.kind}, allowed 1 (record) and 2 (image line)")
        except BadInput as refusal:
            self.refused_packets += 1
            self.first_refusal = self.first_refusal or str(refusal)


def _size(data: bytes, at: int) -> int | None:
    """Bytes of the packet whose sync word stands at ``at``; None when its header cannot be one."""
    header = data[at : at + HEADER_BYTES]
    if len(header) < HEADER_BYTES:
        return HEADER_BYTES
    length = int.from_bytes(header[4:], "little")
    if length > MAX_PAYLOAD:
        return None
    return HEADER_BYTES + -(-length // 8) * 8 + TRAILER_BYTES


def _whole(data: bytes, at: int, size: int) -> _Packet | None:
    """The packet at ``at``, or None when its end mark or its CRC is wrong."""
    end = at + size
    trailer = formats.PACKET_TRAILER.unpack(int.from_bytes(data[end - TRAILER_BYTES : end], "little"))
    if trailer["end"] != formats.PACKET_END:
        return None
    if zlib.crc32(memoryview(data)[at : end - TRAILER_BYTES]) != trailer["crc"]:
        return None
    header = formats.PACKET_HEADER.unpack(int.from_bytes(data[at : at + HEADER_BYTES], "little"))
    payload = data[at + HEADER_BYTES : at + HEADER_BYTES + header["length"]]
    return _Packet(header["type"], header["sequence"], payload)


def decode(data: bytes) -> tuple[list[Record], list[ImageLine], Decoder]:
    """Decode a whole stream at once: its records, its image lines, and the decoder with its counts."""
    decoder = Decoder()
    found = decoder.feed(data) + decoder.finish()
    records = [f for f in found if isinstance(f, Record)]
    return records, [f for f in found if isinstance(f, ImageLine)], decoder
