"""What a board says, held against the golden model byte by byte."""

from collections.abc import Iterable

from ocellus import formats
from ocellus.compiler.graph import Network
from ocellus.records import Record, parse_record
from ocellus.serial_protocol import Packets, Receiver
from ocellus.settings import FrameFormat
from ocellus.start import StageSettings
from ocellus_sim.golden import link
from ocellus_sim.golden import sensor as golden
from ocellus_sim.golden.sensor import SensorSettings
from tb.sensor.chip import assert_equal, timing_of

HEADER = formats.PACKET_HEADER.bits // 8
TRAILER = formats.PACKET_TRAILER.bits // 8


class Witness:
    """Bytes of the wire in, records out, each of which was compared.

    Parameters
    ----------
    settings, frame
        Of the sensor; readout draws the picture.
    networks
        By the id in the record, what the network gives is known.

    Attributes
    ----------
    records : list of Record
        All so far.
    """

    def __init__(self, settings: StageSettings, frame: FrameFormat, networks: Iterable[Network]):
        tensor, metadata, readout, isp = settings
        self._settings = SensorSettings(tensor, metadata, frame, readout, isp)
        self._networks = {network.identity: network for network in networks}
        self._receiver = Receiver()
        self._bytes = bytearray()
        self.records: list[Record] = []

    @property
    def in_mid_record(self) -> bool:
        """Part of a record has left, and more of it is to come."""
        return len(self._bytes) > HEADER

    def feed(self, data: bytes) -> None:
        """``AssertionError`` names the first byte of a packet that is not the golden one."""
        for message in self._receiver.feed(data):
            if isinstance(message, Packets):
                self._bytes += message.data
        assert self._receiver.dropped_frames == 0, "a frame of the wire is damaged"
        while len(self._bytes) >= HEADER:
            length = formats.PACKET_HEADER.unpack(int.from_bytes(self._bytes[:HEADER], "little"))["length"]
            size = HEADER + length + -length % 8 + TRAILER
            if len(self._bytes) < size:
                return
            packet = bytes(self._bytes[:size])
            del self._bytes[:size]
            self._look_at(packet, packet[HEADER : HEADER + length])

    def _look_at(self, packet: bytes, got: bytes) -> None:
        number = len(self.records)
        record = parse_record(got)
        assert record.network_id in self._networks, f"record {number}: network {record.network_id:08x}"
        ticket, clocks, spent = timing_of(got)
        want = golden.run(None, self._settings, self._networks[record.network_id], ticket, clocks, spent).record
        what = f"record {number} (frame {record.frame_counter})"
        assert_equal(what, link.record_packet(want, number % 256), packet, ("byte",))
        assert record.lines_lost == 0, what
        before = self.records[-1].frame_counter if self.records else -1
        assert record.frame_counter == before + 1 + record.frames_skipped, what
        self.records.append(record)
