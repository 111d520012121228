"""The sixth stage: records, and pictures when they are allowed, as packets on one stream."""

from amaranth.hdl import Module
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import PACKET_WORD, RAW_BEAT
from ocellus.settings import FrameFormat

from ..layouts import struct
from .arbiter import Arbiter
from .image_packer import ImagePacker
from .packet_framer import PacketFramer
from .privacy_gate import PrivacyGate
from .record_gate import RecordGate

WORD = struct(PACKET_WORD)
IMAGE_STORE_WORDS = 512
"""One block RAM deep; the longest record takes 272 clocks of the link's time, in which 171 words of a line arrive."""


class Link(wiring.Component):
    """docs/link.md is its contract.

    A beat of pixels and a word of packets a clock. With ``o`` never stalled the pixels of a 4K line and the longest
    record leave within the line's time; a stalled ``o`` stands the picture still, and readout says what was lost.

    Parameters
    ----------
    frame : FrameFormat
        Size of the picture.

    Attributes
    ----------
    i_record : stream(PACKET_WORD), in
        Records from metadata.
    i_image : stream(RAW_BEAT), in
        The readout's pixels.
    i_mode : 2, in
        :class:`~ocellus.formats.Mode`.
    i_frame_counter : 32, in
        Of the frame on ``i_image``, read at its first beat.
    o : stream(PACKET_WORD), out
        Packets; ``last`` with the trailer.
    """

    i_record: In(stream.Signature(WORD))
    i_image: In(stream.Signature(struct(RAW_BEAT)))
    i_mode: In(2)
    i_frame_counter: In(32)
    o: Out(stream.Signature(WORD))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """Everything that sees a pixel stands behind the privacy gate."""
        m = Module()
        m.submodules.privacy_gate = gate = PrivacyGate()
        m.submodules.image_packer = packer = ImagePacker(self._frame)
        m.submodules.image_store = store = fifo.SyncFIFOBuffered(width=WORD.size, depth=IMAGE_STORE_WORDS)
        m.submodules.record_gate = record_gate = RecordGate()
        m.submodules.arbiter = arbiter = Arbiter(self._frame)
        m.submodules.packet_framer = framer = PacketFramer()

        m.d.comb += [
            gate.i_mode.eq(self.i_mode),
            record_gate.i_mode.eq(self.i_mode),
            packer.i_frame_counter.eq(self.i_frame_counter),
        ]
        connect(m, flipped(self.i_image), gate.i)
        connect(m, gate.o, packer.i)
        m.d.comb += [
            store.w_data.eq(packer.o.payload),
            store.w_en.eq(packer.o.valid),
            packer.o.ready.eq(store.w_rdy),
            arbiter.i_image.payload.eq(store.r_data),
            arbiter.i_image.valid.eq(store.r_rdy),
            store.r_en.eq(arbiter.i_image.ready),
        ]
        connect(m, flipped(self.i_record), record_gate.i)
        connect(m, record_gate.o, arbiter.i_record)
        connect(m, arbiter.o, framer.i)
        connect(m, framer.o, flipped(self.o))
        return m
