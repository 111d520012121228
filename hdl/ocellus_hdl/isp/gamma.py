"""The gamma tables: ten linear bits in, eight bits of level out."""

from collections.abc import Sequence

from amaranth.hdl import Module
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import RGB_PIXEL

from ..layouts import struct
from ..pipeline import delayed, pipeline
from .words import GAMMA_WRITE, LEVEL_BITS, LINEAR, LINEAR_BITS


class Gamma(wiring.Component):
    """``level = table[channel][linear]``: one table of 1024 levels a channel.

    One pixel a clock, one clock of latency. A write takes effect for the pixels of the next clock.

    Parameters
    ----------
    tables : three tables, or nothing
        What they hold from power-on; all zero until they are written, otherwise.

    Attributes
    ----------
    i : stream(LINEAR), in
    o : stream(RGB_PIXEL), out
    i_table : stream(GAMMA_WRITE), in
        Always accepted; channel 3 is swallowed.
    """

    i: In(stream.Signature(LINEAR))
    o: Out(stream.Signature(struct(RGB_PIXEL)))
    i_table: In(stream.Signature(GAMMA_WRITE))

    def __init__(self, tables: Sequence[Sequence[int]] = ()):
        super().__init__()
        self._tables = tables or ((),) * 3

    def elaborate(self, platform: object) -> Module:
        """Three memories side by side."""
        m = Module()
        advance = pipeline(m, self.i, self.o, 1)
        levels = (self.o.payload.red, self.o.payload.green, self.o.payload.blue)
        for channel, level in enumerate(levels):
            init = self._tables[channel]
            table = memory.Memory(shape=LEVEL_BITS, depth=1 << LINEAR_BITS, init=init)
            m.submodules[f"table_{channel}"] = table
            read = table.read_port()
            write = table.write_port()
            m.d.comb += [
                write.addr.eq(self.i_table.payload.index),
                write.data.eq(self.i_table.payload.level),
                write.en.eq(self.i_table.valid & (self.i_table.payload.channel == channel)),
                read.addr.eq(self.i.payload.colour[channel]),
                read.en.eq(advance),
                level.eq(read.data),
            ]
        m.d.comb += [
            self.i_table.ready.eq(1),
            self.o.payload.last_in_line.eq(delayed(m, advance, self.i.payload.last_in_line, 1)),
            self.o.payload.last_in_frame.eq(delayed(m, advance, self.i.payload.last_in_frame, 1)),
        ]
        return m
