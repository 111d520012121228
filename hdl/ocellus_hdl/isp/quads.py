"""Joins two lines of RAW into 2x2 Bayer quads."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import RAW_BEAT, RAW_WORD
from ocellus.settings import FrameFormat

from ..layouts import struct
from .words import QUAD_PAIR


class Quads(wiring.Component):
    """Even lines go into a line store; every word of an odd line leaves with the word above it.

    One word a clock, one clock of latency. Even lines are taken at any time, odd lines wait for ``o``.

    Parameters
    ----------
    frame : FrameFormat
        The line store holds one line of it.

    Attributes
    ----------
    i : stream(RAW_BEAT), in
    o : stream(QUAD_PAIR), out
        One for each word of an odd line.
    """

    i: In(stream.Signature(struct(RAW_BEAT)))
    o: Out(stream.Signature(QUAD_PAIR))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        self._frame = frame

    def elaborate(self, platform: object) -> Module:
        """One read of the line store for each word of an odd line."""
        m = Module()
        m.submodules.line = line = memory.Memory(shape=struct(RAW_WORD), depth=self._frame.words_per_line, init=[])
        above = line.read_port()
        write = line.write_port()
        below = Signal(struct(RAW_BEAT))
        column = Signal(range(self._frame.words_per_line))
        odd = Signal()

        taken = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~odd | ~self.o.valid | self.o.ready),
            write.addr.eq(column),
            write.en.eq(taken & ~odd),
            write.data.pixel.eq(self.i.payload.pixel),
            above.addr.eq(column),
            above.en.eq(taken & odd),
        ]
        with m.If(taken):
            m.d.sync += column.eq(column + 1)
            with m.If(self.i.payload.last_in_line):
                m.d.sync += [column.eq(0), odd.eq(~odd)]

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(taken & odd):
            m.d.sync += [self.o.valid.eq(1), below.eq(self.i.payload)]

        for index in range(2):
            quad = self.o.payload.quad[index]
            m.d.comb += [
                quad.red.eq(above.data.pixel[2 * index]),
                quad.green_red.eq(above.data.pixel[2 * index + 1]),
                quad.green_blue.eq(below.pixel[2 * index]),
                quad.blue.eq(below.pixel[2 * index + 1]),
            ]
        m.d.comb += [
            self.o.payload.last_in_line.eq(below.last_in_line),
            self.o.payload.last_in_frame.eq(below.last_in_frame),
        ]
        return m
