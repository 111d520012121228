"""The gateware between its wires, control and the link, against docs/serial.md."""

import random

import pytest

from ocellus.serial_protocol import Packets, Receiver, Reply
from ocellus_hdl.serial.clocks_per_bit import clocks_per_bit

from .line import Control, Level, NoStop, Rest, Seen, converse
from .model import Deframing, Expected, payload, random_payloads, stuffed

READ, WRITE, FEED = 1, 2, 3
RATE = 8


def without_data_of_reads(requests: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    return [(address, data * write, write) for address, data, write in requests]


def answers(seen: Seen) -> list[bytes]:
    return [p for p in frames(seen) if p[0] != 0x90]


def frames(seen: Seen) -> list[bytes]:
    """Payloads on the wire to the host, taken apart by the model; nothing else may be there."""
    inside = seen.wire.split(b"\x7e")
    assert inside[0] == inside[-1] == b""
    assert all(piece == b"" for piece in inside[::2]), "between two frames stand two flags and nothing else"
    found = []
    for piece in inside[1::2]:
        flipped = bytearray()
        escaped = False
        for byte in piece:
            if byte == 0x7D:
                escaped = True
            else:
                flipped.append(byte ^ 0x20 * escaped)
                escaped = False
        assert bytes(piece) == stuffed(bytes(flipped[:-4]))[1:-1]
        found.append(bytes(flipped[:-4]))
    return found


def check(payloads: list[bytes], seen: Seen) -> None:
    expected = Expected(payloads)
    assert without_data_of_reads(seen.requests) == expected.requests
    assert answers(seen) == expected.answers


@pytest.mark.parametrize("stalls", [0.0, 0.9])
def test_requests_are_carried_out_in_order_and_answered(stalls: float):
    payloads = random_payloads(random.Random(5), 7, longest=4)
    sends = [stuffed(one) for one in payloads]
    check(payloads, converse(sends, control=Control(stalls), seed=5))


def test_damaged_frames_never_reach_control_and_are_counted():
    dice = random.Random(11)
    good, sends, errors = [], [], 0
    for n in range(8):
        whole = stuffed(payload(FEED, len(good), 0x500, *(dice.randrange(2**32) for _ in range(dice.randint(1, 3)))))
        at = dice.randrange(1, len(whole) - 1)
        cut = dice.randrange(2, len(whole) - 1)
        match n:
            case 0:  # a bit
                sends.append(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
            case 1:  # cut short, the next frame behind it
                sends.append(whole[:cut])
            case 2:  # a byte missing
                sends.append(whole[:2] + whole[3:])
            case 3:  # broken off
                sends.append(whole[:-1] + b"\x7d\x7e")
            case 4:  # its flag is no flag
                sends += [whole[:-1] + b"\xfe"]
            case 5:  # a byte without a stop bit, and all others are there
                sends += [whole[:2], NoStop(0x55), whole[2:]]
                errors += 1
            case 6:  # too short for a request
                sends.append(stuffed(b"\x01\x02\x03"))
            case 7:  # noise
                sends.append(bytes(b for b in dice.randbytes(20) if b not in (0x7D, 0x7E)))
        good.append(payload(FEED, len(good), 0x500, n))
        sends += [Rest(dice.randrange(100)), stuffed(good[-1])]
    good += [payload(READ, 1, 0x718), payload(READ, 2, 0x71C)]
    sends += [stuffed(one) for one in good[-2:]]
    deframing = Deframing()
    seen = converse(sends)
    *writes, frames_dropped, framing_errors = answers(seen)
    assert seen.requests == [(0x500, n, 1) for n in range(8)]
    assert writes == Expected(good[:-2]).answers
    assert int.from_bytes(framing_errors[3:], "little") == errors
    list(deframing.take(b"".join(s for s in sends if isinstance(s, bytes))))
    # The model does not see the byte without a stop bit, and takes its frame for a whole one.
    assert int.from_bytes(frames_dropped[3:], "little") == deframing.dropped + errors


def test_a_wire_joined_in_mid_frame_is_understood_from_the_next_flag_on():
    whole = stuffed(payload(FEED, 0, 0x500, 1, 2, 3))
    for cut in (1, len(whole) - 1):
        # The rest of a byte first: the host was there before the board.
        seen = converse([Level(3 * RATE), Rest(10 * RATE), whole[cut:], whole])
        check([payload(FEED, 0, 0x500, 1, 2, 3)], seen)


def test_glitches_and_breaks_are_no_bytes():
    one, two = payload(FEED, 0, 0x500, 1), payload(READ, 5, 0x71C)
    seen = converse([Level(3), stuffed(one)[:-1], Level(4), b"\x7e", Level(400), stuffed(two)], clocks=16, after=6000)
    assert [a[3:] for a in answers(seen)] == [bytes(4), (1).to_bytes(4, "little")]
    assert seen.requests == [(0x500, 1, 1)]


def records(dice: random.Random, count: int) -> list[bytes]:
    return [bytes(dice.choice((0x7E, 0x7D, dice.randrange(256))) for _ in range(8 * dice.randint(1, 16)))
            for _ in range(count)]  # fmt: skip


def test_packets_and_answers_share_the_wire():
    dice = random.Random(17)
    packets = [*records(dice, 2), dice.randbytes(256)]
    payloads = random_payloads(dice, 5, longest=3)
    sends: list[bytes | Rest] = []
    for one in payloads:
        sends += [stuffed(one), Rest(dice.randrange(8000))]
    waits = [(dice.randrange(9000), packet) for packet in packets]
    seen = converse(sends, control=Control(0.5), packets=waits, after=70_000)
    check(payloads, seen)
    receiver = Receiver()
    messages = list(receiver.feed(bytes(seen.wire)))
    assert b"".join(m.data for m in messages if isinstance(m, Packets)) == b"".join(packets)
    replies = [m for m in messages if isinstance(m, Reply)]
    assert [bytes([r.kind | 0x80, r.sequence, r.next]) + r.data.to_bytes(4, "little") for r in replies] == answers(seen)
    assert receiver.dropped_frames == 0
    pieces = [p[1:] for p in frames(seen) if p[0] == 0x90]
    assert b"".join(pieces) == b"".join(packets)
    assert max(map(len, pieces)) == 128
    kinds = [p[0] for p in frames(seen)]
    first, last = kinds.index(0x90), len(kinds) - kinds[::-1].index(0x90)
    assert len({*kinds[first:last]}) > 1, "no answer went between packets: the test shows nothing"


def test_an_answer_waits_for_one_frame_of_packets_at_most():
    """A store that fills with packets, and one request."""
    packets = [(0, bytes([n]) * 128) for n in range(4)]
    seen = converse([Rest(2000), stuffed(payload(READ, 1, 0x600))], packets=packets, after=55_000)
    kinds = [p[0] for p in frames(seen)]
    assert kinds.index(0x81) <= 3
    assert max(len(p) for p in frames(seen)) == 1 + 128
    assert b"".join(p[1:] for p in frames(seen) if p[0] == 0x90) == b"".join(packet for _, packet in packets)


def test_bytes_follow_each_other_without_a_gap():
    seen = converse([], packets=[(0, bytes(range(128)))], after=15_000)
    assert len(seen.clocks) > 135
    assert seen.clocks == [seen.clocks[0] + n * 10 * RATE for n in range(len(seen.clocks))]


@pytest.mark.parametrize(
    ("clock_hz", "baud", "sentence"),
    [
        (75e6, 2e7, "serial: found 4 clocks a bit, allowed 8 and more"),
        (25e6, 2.3e6, "serial: found 2.3e+06 baud at 2.5e+07 Hz, 2.27273e+06 is the nearest"),
    ],
)
def test_a_rate_that_the_clock_cannot_make_is_refused(clock_hz: float, baud: float, sentence: str):
    with pytest.raises(ValueError, match="serial: ") as refusal:
        clocks_per_bit(clock_hz, baud)
    assert str(refusal.value) == sentence
    assert clocks_per_bit(75e6, 1e6) == 75
