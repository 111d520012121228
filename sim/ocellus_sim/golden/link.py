"""Packets as they must leave the chip: records, and image lines as RAW10; docs/link.md is the specification.

When a record arrives between two image lines depends on time, so the order of packets is not the golden model's to
say. It says what every packet holds, and :func:`in_order` what a stream must hold, given the order of its packets.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocellus import formats
from ocellus.errors import BadInput
from ocellus.formats import Mode, PacketType


class Line(NamedTuple):
    """One line of a frame on its way out: ``pixels`` is uint16 (W,)."""

    frame_counter: int
    number: int
    pixels: NDArray[np.uint16]


def raw10(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Pack pixels as MIPI CSI-2 RAW10: four bytes of upper bits, then one with the four pairs of lower bits.

    Parameters
    ----------
    pixels : uint16 (..., W)
        Levels from 0 to 1023; W is a multiple of 4, else :class:`BadInput`.

    Returns
    -------
    uint8 (..., W * 5 / 4)
    """
    if pixels.shape[-1] % 4:
        raise BadInput(f"image line: found {pixels.shape[-1]} pixels, allowed multiples of 4")
    fours = pixels.reshape(*pixels.shape[:-1], -1, 4)
    packed = np.empty((*fours.shape[:-1], 5), np.uint8)
    packed[..., :4] = fours >> 2
    packed[..., 4] = ((fours & 3) << np.array([0, 2, 4, 6], np.uint16)).sum(axis=-1)
    return packed.reshape(*pixels.shape[:-1], -1)


def packet(kind: PacketType, sequence: int, payload: bytes) -> bytes:
    """Frame a payload: header, payload filled with zeros to whole words of 8 bytes, CRC-32 and end mark."""
    header = {"sync": formats.PACKET_SYNC, "type": kind, "sequence": sequence % 256, "length": len(payload)}
    body = formats.PACKET_HEADER.pack(header).to_bytes(8, "little") + payload + bytes(-len(payload) % 8)
    trailer = {"crc": zlib.crc32(body), "end": formats.PACKET_END}
    return body + formats.PACKET_TRAILER.pack(trailer).to_bytes(8, "little")


def record_packet(record: bytes, sequence: int) -> bytes:
    """The packet that carries a record."""
    return packet(PacketType.RECORD, sequence, record)


def line_packet(frame_counter: int, line: int, pixels: NDArray[np.uint16], sequence: int) -> bytes:
    """The packet that carries one image line; ``pixels`` is uint16 (W,)."""
    header = {"frame_counter": frame_counter, "line": line, "pixels": len(pixels)}
    payload = formats.LINE_HEADER.pack(header).to_bytes(8, "little") + raw10(pixels).tobytes()
    return packet(PacketType.IMAGE_LINE, sequence, payload)


def lines(frames: Iterable[NDArray[np.uint16]] | NDArray[np.uint16], frame_counter: int = 0) -> Iterator[Line]:
    """Every line of ``frames`` (each uint16 (H, W)), counted from ``frame_counter`` on."""
    for counter, raw in enumerate(frames, frame_counter):
        for number, pixels in enumerate(raw):
            yield Line(counter, number, pixels)


def in_order(
    order: Sequence[PacketType], image: Iterable[Line], records: Iterable[bytes], sequence: int = 0
) -> Iterator[bytes]:
    """What each packet must be when packets of these types left in this order.

    Records leave in the order in which they were made, and so do lines; sequence numbers run through both.

    Raises
    ------
    BadInput
        When more packets of a type left than there was anything to send.
    """
    left = {PacketType.RECORD: iter(records), PacketType.IMAGE_LINE: iter(image)}
    for place, kind in enumerate(order):
        content = next(left[kind], None)
        if content is None:
            raise BadInput(f"link: found {kind.name} as packet {place}, allowed none after the last was sent")
        if isinstance(content, Line):
            yield line_packet(*content, sequence + place)
        else:
            yield record_packet(content, sequence + place)


def packets(
    mode: Mode,
    frames: Sequence[NDArray[np.uint16]] | NDArray[np.uint16],
    records: Sequence[bytes],
    frame_counter: int = 0,
    sequence: int = 0,
) -> list[bytes]:
    """All packets of a run in ``mode``, each frame's lines before its record.

    Where records and lines leave together the real order depends on time: compare by :func:`in_order` there. In the
    other two modes this is the stream, byte for byte.

    Parameters
    ----------
    frames : each uint16 (H, W)
    records : the record of each frame
    """
    order: list[PacketType] = []
    for number in range(max(len(frames), len(records))):
        if mode in (Mode.IMAGE, Mode.IMAGE_AND_METADATA) and number < len(frames):
            order += [PacketType.IMAGE_LINE] * len(frames[number])
        if mode in (Mode.METADATA, Mode.IMAGE_AND_METADATA) and number < len(records):
            order.append(PacketType.RECORD)
    return list(in_order(order, lines(frames, frame_counter), records, sequence))


def words(packets: Iterable[bytes]) -> NDArray[np.uint64]:
    """Packets as the link's output words (``PACKET_WORD``).

    Returns
    -------
    uint64 (n, 2)
        Eight bytes in column 0, first byte lowest; ``last`` in column 1.
    """
    pieces = [np.frombuffer(p, "<u8") for p in packets]
    result = np.zeros((sum(len(p) for p in pieces), 2), np.uint64)
    if pieces:
        result[:, 0] = np.concatenate(pieces)
        result[np.cumsum([len(p) for p in pieces]) - 1, 1] = 1
    return result
