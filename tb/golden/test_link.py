"""The golden link: RAW10 and packets against bytes written out by hand."""

import zlib

import numpy as np
import pytest

from ocellus.errors import BadInput
from ocellus.formats import Mode, PacketType
from ocellus_sim.golden import link


def test_raw10_of_four_pixels_worked_by_hand():
    # 0x3FF: FF, low 3. 0x001: 00, low 1. 0x202: 80, low 2. 0x1A4: 69, low 0.
    # Fifth byte: 3 + (1 << 2) + (2 << 4) + (0 << 6) = 3 + 4 + 32 = 0x27.
    packed = link.raw10(np.array([0x3FF, 0x001, 0x202, 0x1A4], np.uint16))
    assert packed.tobytes() == bytes.fromhex("FF 00 80 69 27")


def test_raw10_uses_the_top_bits_of_the_fifth_byte():
    assert link.raw10(np.array([0, 0, 0, 3], np.uint16)).tobytes() == bytes.fromhex("00 00 00 00 C0")


def test_raw10_of_a_frame_is_that_of_its_lines():
    raw = np.random.default_rng(3).integers(0, 1024, (3, 8), dtype=np.uint16)
    assert [line.tobytes() for line in link.raw10(raw)] == [link.raw10(line).tobytes() for line in raw]


def test_the_checksum_has_the_published_check_value():
    assert zlib.crc32(b"123456789") == 0xCBF43926  # CRC-32/ISO-HDLC


def test_a_packet_written_by_hand():
    # Sync 0x5C0E low byte first, type 1, sequence 7, length 9; nine bytes and seven zeros; CRC; end mark.
    body = bytes.fromhex("0E 5C 01 07 09 00 00 00") + b"123456789" + bytes(7)
    expected = body + zlib.crc32(body).to_bytes(4, "little") + bytes.fromhex("C0 DE C0 DE")
    assert link.packet(PacketType.RECORD, 7, b"123456789") == expected


def test_a_line_packet_written_by_hand():
    # Frame 5, line 258, 4 pixels; 13 bytes of payload and 3 zeros; sequence 256 is 0.
    body = bytes.fromhex("0E 5C 02 00 0D 00 00 00  05 00 00 00 02 01 04 00  FF 00 80 69 27 00 00 00")
    expected = body + zlib.crc32(body).to_bytes(4, "little") + bytes.fromhex("C0 DE C0 DE")
    pixels = np.array([0x3FF, 0x001, 0x202, 0x1A4], np.uint16)
    assert link.line_packet(5, 258, pixels, 256) == expected


def test_a_payload_of_whole_words_gets_no_filling():
    assert len(link.record_packet(bytes(48), 0)) == 8 + 48 + 8


def test_a_4k_line_takes_603_words():
    # Header 1, line header 1, 4800 bytes 600, trailer 1: what docs/link.md counts on.
    assert len(link.line_packet(0, 0, np.zeros(3840, np.uint16), 0)) == 603 * 8


def frames_and_records():
    """Two frames of two lines, and two records."""
    raws = np.random.default_rng(4).integers(0, 1024, (2, 2, 8), dtype=np.uint16)
    return raws, [b"first record", b"second"]


def test_each_mode_lets_its_own_packets_out():
    raws, records = frames_and_records()
    assert link.packets(Mode.METADATA, raws, records) == [link.record_packet(r, n) for n, r in enumerate(records)]
    image = [link.line_packet(n // 2, n % 2, raws[n // 2, n % 2], n) for n in range(4)]
    assert link.packets(Mode.IMAGE, raws, records) == image
    kinds = [p[2] for p in link.packets(Mode.IMAGE_AND_METADATA, raws, records)]
    assert kinds == [2, 2, 1, 2, 2, 1]


def test_the_order_of_packets_decides_sequence_numbers_alone():
    raws, records = frames_and_records()
    record, line = PacketType.RECORD, PacketType.IMAGE_LINE
    got = list(link.in_order([line, record, line, line, record], link.lines(raws, 10), records, sequence=254))
    assert got == [
        link.line_packet(10, 0, raws[0, 0], 254),
        link.record_packet(records[0], 255),
        link.line_packet(10, 1, raws[0, 1], 0),
        link.line_packet(11, 0, raws[1, 0], 1),
        link.record_packet(records[1], 2),
    ]


def test_more_packets_than_there_was_to_send_are_refused():
    raws, records = frames_and_records()
    with pytest.raises(BadInput, match="link: found RECORD as packet 2, allowed none after the last was sent"):
        list(link.in_order([PacketType.RECORD] * 3, link.lines(raws), records))


def test_lines_of_odd_length_are_refused():
    with pytest.raises(BadInput, match="image line: found 6 pixels, allowed multiples of 4"):
        link.raw10(np.zeros(6, np.uint16))


def test_words_carry_eight_bytes_and_the_end_of_the_packet():
    words = link.words([bytes(range(16)), bytes(range(8))])
    assert words.tolist() == [[0x0706050403020100, 0], [0x0F0E0D0C0B0A0908, 1], [0x0706050403020100, 1]]
    assert link.words([]).shape == (0, 2)
