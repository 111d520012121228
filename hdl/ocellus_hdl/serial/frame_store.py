"""Keeps frames until they are read: whole ones alone, so that a damaged one leaves no trace."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import SERIAL_CRC_BYTES, SERIAL_REQUEST, SERIAL_WORDS

from .deframer import PIECE

HEADER_BYTES = SERIAL_REQUEST.bits // 8
LONGEST = HEADER_BYTES + 4 * SERIAL_WORDS
CONTENT = data.StructLayout({"byte": 8, "last": 1})


class FrameStore(wiring.Component):
    """A ring of bytes: each frame's length, then the frame. A byte every two clocks at ``o``, a frame three more.

    A frame is dropped that is not whole, has fewer than 4 bytes or more than 244, or finds no room: its bytes are
    written over by the next.

    Parameters
    ----------
    size : int
        Bytes; a power of two of 512 and more, ``ValueError`` otherwise.

    Attributes
    ----------
    i : stream(PIECE), in
        At most every eleventh clock.
    o : stream(CONTENT), out
        Payloads without their CRC, ``last`` with the last byte of each.
    o_drops : 1, out
        For one clock: a frame was dropped.
    """

    i: In(stream.Signature(PIECE, always_ready=True))
    o: Out(stream.Signature(CONTENT))
    o_drops: Out(1)

    def __init__(self, size: int):
        if size < 512 or size & (size - 1):
            raise ValueError(f"frame store: found {size} bytes, allowed powers of two of 512 and more")
        super().__init__()
        self._size = size

    def elaborate(self, platform: object) -> Module:
        """A frame's length is written in front of it when its end is there; until then nobody reads beyond."""
        m = Module()
        m.submodules.ring = ring = memory.Memory(shape=8, depth=self._size, init=[])
        write, read = ring.write_port(), ring.read_port()

        start = Signal(range(self._size))  # where the length of the frame that arrives will stand
        offset = Signal(range(1 + LONGEST + SERIAL_CRC_BYTES + 1), init=1)  # from there to the next byte
        place = Signal.like(start, init=1)
        first = Signal.like(start)  # the oldest byte in use
        spoiled, full, long_enough, too_long, waits = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            place.eq(start + offset),
            full.eq(place == first),
            long_enough.eq(offset > HEADER_BYTES + SERIAL_CRC_BYTES),
            too_long.eq(offset > LONGEST + SERIAL_CRC_BYTES),
            waits.eq(first != start),
            self.o_drops.eq(0),
        ]
        # From a register into the memory.
        m.d.sync += [write.en.eq(0), write.addr.eq(place), write.data.eq(self.i.payload.byte)]
        with m.If(self.i.valid):
            with m.If(self.i.payload.end):
                m.d.sync += [offset.eq(1), spoiled.eq(0)]
                with m.If(self.i.payload.whole & long_enough & ~spoiled):
                    m.d.sync += [
                        write.en.eq(1),
                        write.addr.eq(start),
                        write.data.eq(offset - (1 + SERIAL_CRC_BYTES)),
                        start.eq(place - SERIAL_CRC_BYTES),
                    ]
                with m.Else():
                    m.d.sync += self.o_drops.eq((offset != 1) | spoiled)
            with m.Elif(full | too_long):
                m.d.sync += spoiled.eq(1)
            with m.Else():
                m.d.sync += [write.en.eq(1), offset.eq(offset + 1)]

        left = Signal(range(LONGEST + 1))
        m.d.comb += [read.addr.eq(first), self.o.payload.byte.eq(read.data), self.o.payload.last.eq(left == 1)]
        with m.FSM():
            with m.State("AWAIT"), m.If(waits):
                m.next = "MEASURE"
            with m.State("MEASURE"):
                m.d.sync += [left.eq(read.data), first.eq(first + 1)]
                m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "SHOW"
            with m.State("SHOW"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [first.eq(first + 1), left.eq(left - 1)]
                    m.next = "FETCH"
                    with m.If(self.o.payload.last):
                        m.next = "REST"
            with m.State("REST"):  # until it is known whether another frame waits
                m.next = "AWAIT"
        return m
