"""The protocol on the host against docs/serial.md: by hand, and with whatever bytes come."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocellus.formats import SerialKind
from ocellus.serial_protocol import LONGEST_FRAME, Packets, Receiver, Reply, frame, request, unstuffed

from .model import Deframing, stuffed

REPLY = bytes([0x83, 7, 8, 0x7E, 0x7D, 0, 1])
MESSAGE = Reply(SerialKind.FEED, 7, 8, 0x01007D7E)


def test_a_frame_by_hand():
    """The CRC's published check value is of "123456789"; then a frame all of whose bytes are stuffed."""
    assert frame(b"123456789") == b"\x7e123456789" + (0xCBF43926).to_bytes(4, "little") + b"\x7e"
    assert frame(b"\x7e\x7d")[:5] == b"\x7e\x7d\x5e\x7d\x5d"


def test_requests_by_hand():
    assert request(SerialKind.READ, 5, 0x600) == b"\x01\x05\x00\x06"
    assert request(SerialKind.FEED, 255, 0x500, [1, 0xCAFEF00D]) == b"\x03\xff\x00\x05\x01\0\0\0\x0d\xf0\xfe\xca"


@pytest.mark.parametrize(
    ("kind", "words"), [(SerialKind.READ, [1]), (SerialKind.WRITE, []), (SerialKind.FEED, [0] * 61)]
)
def test_a_request_that_no_board_takes_is_refused(kind: SerialKind, words: list[int]):
    with pytest.raises(ValueError, match=f"request: found {len(words)} words, allowed"):
        request(kind, 0, 0, words)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_what_is_framed_is_unframed(data: bytes):
    assert frame(data) == stuffed(data)
    assert frame(data).count(b"\x7e") == 2
    assert unstuffed(frame(data)[1:-1]) == (data or None)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60)), st.integers(1, 9))
def test_arbitrary_bytes_never_crash_and_hide_nothing_behind_them(noise: list[bytes], size: int):
    """A frame comes through whole behind anything, with a flag between; in pieces of any size."""
    stream = b"".join(piece + b"\x7e" + stuffed(REPLY) for piece in noise)
    receiver = Receiver()
    found = [m for at in range(0, len(stream), size) for m in receiver.feed(stream[at : at + size])]
    assert [m for m in found if m == MESSAGE] == [MESSAGE] * len(noise)
    assert receiver.messages == len(found)


def test_damage_costs_the_frames_that_it_touches_and_is_counted():
    dice = random.Random(1)
    for _ in range(300):
        one, two, three = (stuffed(bytes([0x90, n]) + dice.randbytes(dice.randint(1, 20))) for n in range(3))
        at = dice.randrange(1, len(two) - 1)
        damaged = dice.choice((
            two[:at] + bytes([two[at] ^ 1 << dice.randrange(8)]) + two[at + 1 :],
            two[: max(at, 2)], two[:-1] + b"\x7d\x7e", stuffed(two[1:9], crc=zlib.crc32(two[1:9]) ^ 1),
            stuffed(b"\x90"), stuffed(b"\x90" + bytes(129)), stuffed(b"\x81\0\0"), stuffed(b"\x84\0\0\0\0\0\0"),
            b"\xff" * 2 * LONGEST_FRAME,
        ))  # fmt: skip
        receiver = Receiver()
        found = list(receiver.feed(one + damaged + three))
        assert [m.data[0] for m in found if isinstance(m, Packets)] == [0, 2]
        assert 1 <= receiver.dropped_frames <= 2, damaged


def test_what_was_under_way_when_one_began_to_listen_is_no_damage():
    receiver = Receiver()
    assert list(receiver.feed(stuffed(REPLY)[5:] + stuffed(REPLY))) == [MESSAGE]
    assert receiver.dropped_frames == 0


def test_who_takes_one_message_of_a_piece_loses_nothing_behind_it():
    receiver = Receiver()
    assert receiver.feed(stuffed(REPLY) * 2 + stuffed(REPLY)[:3])[0] == MESSAGE
    assert receiver.feed(stuffed(REPLY)[3:]) == [MESSAGE]
    assert receiver.dropped_frames == 0


def test_a_megabyte_without_a_flag_is_not_kept():
    receiver = Receiver()
    for _ in range(100):
        assert list(receiver.feed(bytes(10_000))) == []
    assert len(receiver._waiting) <= LONGEST_FRAME
    assert list(receiver.feed(stuffed(REPLY))) == [MESSAGE]


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_an_escape_flips_whatever_stands_behind_it(data: bytes):
    inside = data.replace(b"\x7e", b"\x7d")
    frames = list(Deframing().take(b"\x7e" + inside + b"\x7e"))
    found = unstuffed(inside)
    assert frames == ([found] if found is not None and 4 <= len(found) <= 244 else [])


@settings(deadline=None)
@given(st.binary(max_size=40), st.data())
def test_two_escapes_in_a_row_are_an_escape_and_a_byte(data: bytes, draw: st.DataObject):
    """Stuffed by a sender that also escapes other bytes than it must, which no rule forbids."""
    sealed = data + zlib.crc32(data).to_bytes(4, "little")
    inside = b"".join(
        bytes([0x7D, b ^ 0x20]) if b in (0x7D, 0x7E) or (b ^ 0x20 != 0x7E and draw.draw(st.booleans())) else bytes([b])
        for b in sealed
    )
    assert unstuffed(inside) == (data or None)
