"""The decoder: what the golden link sends comes back, and damage costs only what it touched."""

import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocellus import decoder
from ocellus.decoder import Decoder, DetectedObject, Record
from ocellus.errors import BadInput
from ocellus.formats import Mode, PacketType, RecordFlag
from ocellus.settings import FrameFormat, MetadataSettings, Window
from ocellus_sim.golden import link, metadata
from ocellus_sim.golden.sensor import UNSPENT


def make_record(frame: int, objects: int = 2) -> bytes:
    """A vector record with ``objects`` objects."""
    ticket = {"frame_counter": frame, "timestamp": 2475000 * frame, "readout_clocks": 1000 + frame,
              "lines_lost": 0, "frames_skipped": 0, "test_pattern": 0}  # fmt: skip
    head = MetadataSettings.vector(FrameFormat(), Window(8, 4, 100, 60), top_k=objects)
    return metadata.record(ticket, np.arange(16, dtype=np.int8) * 3, 0xABCDEF, 500 + frame, UNSPENT, head)


def record_packets(count: int, first: int = 0) -> list[bytes]:
    """Packets of records of different sizes."""
    return [link.record_packet(make_record(n, 1 + n % 4), first + n) for n in range(count)]


def frame_counters(data: bytes) -> tuple[list[int], Decoder]:
    """Which frames' records were found."""
    records, _, state = decoder.decode(data)
    return [r.frame_counter for r in records], state


def sealed(body: bytes) -> bytes:
    """A record with a checksum that agrees, whatever its content."""
    return body + zlib.crc32(body).to_bytes(4, "little") + b"LECO"


# --- what was sent comes back -----------------------------------------------------------------------


def test_a_record_written_by_hand():
    body = b"OCEL" + bytes.fromhex(
        "02 06 01 00  50 00 00 00"  # version 2, lines lost and frames skipped, one object, 80 bytes
        "03 00 00 00  08 07 06 05 04 03 02 01"
        "DD CC BB AA  E8 03 00 00  4D 00 00 00  05 00 02 00"
        "0B 00 00 00  16 00 00 00  21 00 00 00  2C 00 00 80"  # clocks: busy 11, weights 22, requantiser 33, input
        "01 00 F6 FF  3C 00 2E 00  0A 00 14 00  64 00 34 00"
    )
    assert decoder.parse_record(sealed(body)) == Record(
        version=2,
        flags=RecordFlag.LINES_LOST | RecordFlag.FRAMES_SKIPPED,
        frame_counter=3,
        timestamp=0x0102030405060708,
        network_id=0xAABBCCDD,
        readout_clocks=1000,
        inference_clocks=77,
        lines_lost=5,
        frames_skipped=2,
        clocks_busy=11,
        clocks_weights=22,
        clocks_requantiser=33,
        clocks_input=(1 << 31) + 44,
        objects=(DetectedObject(1, -10, 60, 46, 10, 20, 100, 52),),
    )


def test_records_and_lines_come_back_in_order():
    raw = np.random.default_rng(1).integers(0, 1024, (3, 20), dtype=np.uint16)
    order = [PacketType.IMAGE_LINE, PacketType.RECORD, PacketType.IMAGE_LINE, PacketType.IMAGE_LINE]
    data = b"".join(link.in_order(order, link.lines([raw], 7), [make_record(6)]))
    records, lines, state = decoder.decode(data)
    assert [r.frame_counter for r in records] == [6]
    assert [(line.frame_counter, line.line) for line in lines] == [(7, 0), (7, 1), (7, 2)]
    (frame,) = decoder.frames(lines)
    np.testing.assert_array_equal(frame.raw, raw)
    assert frame.raw.dtype == np.uint16
    assert frame.missing == ()
    assert (state.damaged_packets, state.skipped_bytes, state.refused_packets) == (0, 0, 0)


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), max_size=20))
def test_the_size_of_the_pieces_does_not_matter(sizes):
    data = b"junk" + b"".join(record_packets(4)) + b"\x0e"
    state = Decoder()
    found = []
    at = 0
    for size in [*sizes, len(data)]:
        found += state.feed(data[at : at + size])
        at += size
    found += state.finish()
    whole, _, at_once = decoder.decode(data)
    assert found == whole
    assert state == at_once


def test_a_record_is_given_with_its_last_byte():
    data = record_packets(1)[0]
    state = Decoder()
    assert state.feed(data[:-1]) == []
    assert len(state.feed(data[-1:])) == 1


def test_names_of_classes_are_given_as_far_as_they_reach():
    record = decoder.parse_record(make_record(0, 2)).named([str(n) for n in range(15)])
    assert [(o.class_index, o.class_name) for o in record.objects] == [(15, None), (14, "14")]


# --- damage -----------------------------------------------------------------------------------------

DAMAGES = ("flip", "insert", "delete")


def damage(packet: bytes, kind: str, at: int, value: int) -> bytes:
    """One bit changed, or one byte put in or taken out."""
    at %= len(packet)
    if kind == "flip":
        return packet[:at] + bytes([packet[at] ^ (1 << value % 8)]) + packet[at + 1 :]
    if kind == "delete":
        return packet[:at] + packet[at + 1 :]
    changed = packet[:at] + bytes([value]) + packet[at:]
    if packet in changed:  # put in at an end, or beside its like there: then the packet is whole
        return changed[:at] + bytes([value ^ 1]) + changed[at + 1 :] if at else damage(packet, kind, 1, value)
    return changed


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(DAMAGES), st.integers(0, 5), st.integers(0, 1000), st.integers(0, 255))
def test_one_damaged_byte_costs_one_record(kind, victim, at, value):
    packets = record_packets(6, first=253)
    packets[victim] = damage(packets[victim], kind, at, value)
    found, state = frame_counters(b"".join(packets))
    assert found == [n for n in range(6) if n != victim]
    assert state.damaged_packets == 1
    assert state.skipped_bytes == len(packets[victim])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.tuples(st.sampled_from(DAMAGES), st.integers(0, 1000), st.integers(0, 255))), max_size=8
    )
)
def test_every_damaged_record_is_lost_and_counted_and_no_other(damages):
    packets = record_packets(len(damages) + 2)
    for victim, what in enumerate(damages, 1):
        if what:
            packets[victim] = damage(packets[victim], *what)
    found, state = frame_counters(b"".join(packets))
    victims = [n for n, what in enumerate(damages, 1) if what]
    assert found == [n for n in range(len(packets)) if n not in victims]
    assert state.damaged_packets == len(victims)
    assert state.skipped_bytes == sum(len(packets[n]) for n in victims)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_stream_cut_short_keeps_the_records_before_the_cut(at):
    packets = record_packets(5)
    data = b"".join(packets)
    at %= len(data)
    whole = 0
    while sum(map(len, packets[: whole + 1])) <= at:
        whole += 1
    found, state = frame_counters(data[:at])
    rest = at - sum(map(len, packets[:whole]))
    assert found == list(range(whole))
    assert state.skipped_bytes == rest
    assert state.damaged_packets == (rest > 0)


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_a_stream_joined_late_starts_with_the_next_whole_packet(at):
    packets = record_packets(5)
    data = b"".join(packets)
    at %= len(data)
    gone = 0
    while sum(map(len, packets[:gone])) < at:
        gone += 1
    found, state = frame_counters(data[at:])
    assert found == list(range(gone, 5))
    assert state.damaged_packets == (state.skipped_bytes > 0)


def test_a_length_damaged_to_a_longer_one_hides_nothing_behind_it():
    packets = record_packets(3)
    packets[1] = packets[1][:5] + b"\x02" + packets[1][6:]  # length + 512: reaches over the packets that follow
    found, state = frame_counters(b"".join(packets))
    assert found == [0, 2]
    assert state.damaged_packets == 1


def test_junk_between_packets_is_skipped_and_damages_nothing():
    packets = record_packets(2)
    found, state = frame_counters(packets[0] + b"\x0e\x5c hello \x0e" + packets[1])
    assert found == [0, 1]
    assert (state.damaged_packets, state.skipped_bytes) == (0, 10)


def test_a_chip_that_starts_again_has_no_hundred_damaged_packets():
    before, after = record_packets(3), record_packets(3)
    found, state = frame_counters(b"".join(before) + before[0][:30] + b"".join(after))
    assert found == [0, 1, 2, 0, 1, 2]
    assert state.damaged_packets == 1


def test_a_line_lost_from_the_picture_is_named():
    raw = np.random.default_rng(2).integers(0, 1024, (4, 8), dtype=np.uint16)
    packets = [link.line_packet(0, n, raw[n], n) for n in range(4)]
    packets[2] = packets[2][:20] + b"!" + packets[2][21:]
    _, lines, state = decoder.decode(b"".join(packets))
    (frame,) = decoder.frames(lines, height=4)
    assert frame.missing == (2,)
    assert not frame.raw[2].any()
    np.testing.assert_array_equal(frame.raw[[0, 1, 3]], raw[[0, 1, 3]])
    assert state.damaged_packets == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"\x0e\x5c", b"\x0e\x5c\x01\x00\x30\0\0\0", b"OCEL",
       b"\xc0\xde\xc0\xde", b"\0" * 16, record_packets(1)[0]])), max_size=30))  # fmt: skip
def test_arbitrary_bytes_never_crash_and_every_byte_is_accounted_for(pieces):
    data = b"".join(pieces)
    records, _, state = decoder.decode(data)
    accounted = state.skipped_bytes + len(records) * len(record_packets(1)[0])
    if not state.refused_packets:
        assert accounted == len(data)
    assert (state.damaged_packets > 0) <= (state.skipped_bytes > 0)


@pytest.mark.parametrize(
    "piece",
    [
        b"\x0e\x5c",
        b"\x0e\x5c\x01\x00\xff\xff\xff\xff",
        b"\x0e\x5c\x01\x00\x00\x28\x00\x00\xc0\xde\xc0\xde" + b"\xc0\xde\xc0\xde",  # a long CRC to check for each
    ],
)
def test_a_megabyte_of_false_headers_takes_less_than_five_seconds(piece):
    begin = time.thread_time()
    _, _, state = decoder.decode(piece * ((1 << 20) // len(piece)))
    assert time.thread_time() - begin < 5
    assert state.skipped_bytes == 1 << 20


# --- content that contradicts itself ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda r: r[:20], "record: found 20 bytes, allowed 64 and more"),
        (
            lambda r: sealed(b"OCEM" + r[4:-8]),
            "record: found the marks b'OCEM' and b'LECO', allowed b'OCEL' and b'LECO'",
        ),
        (lambda r: sealed(r[:4] + b"\x03" + r[5:-8]), "record: found format version 3, allowed 2"),
        (lambda r: sealed(r[:4] + b"\x01" + r[5:40]), "record: found format version 1, allowed 2"),
        (lambda r: sealed(r[:6] + b"\x03" + r[7:-8]), "record: found 96 bytes, 96 announced, for 3 objects, allowed"),
        (lambda r: sealed(r[:8] + b"\x61" + r[9:-8]), "record: found 96 bytes, 97 announced, for 2 objects, allowed"),
        (lambda r: r[:66] + b"!" + r[67:], "record: found checksum 0x"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused_by_name(change, sentence):
    packet = link.record_packet(change(make_record(0, 2)), 0)
    records, _, state = decoder.decode(packet + link.record_packet(make_record(1), 1))
    assert [r.frame_counter for r in records] == [1]
    assert state.refused_packets == 1
    assert state.first_refusal.startswith(sentence)
    assert state.skipped_bytes == 0


def test_more_objects_than_a_record_may_hold_are_refused():
    body = make_record(0, 1)[:-8]
    body = body[:6] + b"\x41" + body[7:8] + (64 + 65 * 16).to_bytes(4, "little") + body[12:56] + bytes(65 * 16)
    with pytest.raises(BadInput, match=r"for 65 objects, allowed .* up to 64 objects"):
        decoder.parse_record(sealed(body))


def test_packets_of_a_later_kind_are_stepped_over_and_counted():
    packets = [record_packets(1)[0], link.packet(9, 1, b"a later invention"), link.record_packet(make_record(1), 2)]  # type: ignore[arg-type]  # that is the point
    found, state = frame_counters(b"".join(packets))
    assert found == [0, 1]
    assert state.first_refusal == "packet: found type 9, allowed 1 (record) and 2 (image line)"


@pytest.mark.parametrize("header", [b"\0\0\0\0\0\0\x06\0", b"\0\0\0\0\0\0\x08\0", b"\0\0\0\0\xff\xff\x04\0", b"short"])
def test_a_line_whose_length_is_not_that_of_its_pixels_is_refused(header):
    packet = link.packet(PacketType.IMAGE_LINE, 0, header + b"12345" * (len(header) == 8))
    _, lines, state = decoder.decode(packet)
    assert lines == []
    assert state.first_refusal.startswith("image line: found ")


def test_lines_of_one_frame_must_agree():
    raw = np.zeros((1, 8), np.uint16)
    lines = decoder.decode(link.line_packet(3, 0, raw[0], 0) + link.line_packet(3, 1, raw[0, :4], 1))[1]
    with pytest.raises(BadInput, match="frame 3: line 1 has 4 pixels, allowed 8"):
        list(decoder.frames(lines))
    with pytest.raises(BadInput, match="frame 3: found line 0, allowed lines up to -1"):
        list(decoder.frames(lines[:1], height=0))


def test_a_4k_frame_of_image_lines_decodes_in_less_than_a_second(capsys):
    raw = np.random.default_rng(3).integers(0, 1024, (2160, 3840), dtype=np.uint16)
    data = b"".join(link.packets(Mode.IMAGE, [raw], []))
    begin = time.thread_time()  # processor time, since other tests may run beside this one
    _, lines, _ = decoder.decode(data)
    (frame,) = decoder.frames(lines)
    took = time.thread_time() - begin
    np.testing.assert_array_equal(frame.raw, raw)
    with capsys.disabled():
        print(f"\ndecoder, {len(data)} bytes of a 4K frame: {took:.2f} s of processor time", end=" ")
    assert took < 1
