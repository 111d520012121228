"""The weight memory."""

from amaranth.hdl import Module
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import flow, weight_word


class Weights(wiring.Component):
    """``weight_words`` words of ``lanes * columns`` bytes, written 32 bits at a time; a read arrives one clock later.

    Parameters
    ----------
    c : Configuration
        ``lanes * columns`` is a multiple of 4.

    Attributes
    ----------
    i_read : flow(unsigned(16)), in
        Address of a word.
    i_write : flow({address, part, data}), in
        ``part`` counts the 32-bit parts of the word, low bits first.
    o : weight_word, out
    """

    def __init__(self, c: Configuration):
        self._c = c
        self.parts = c.macs // 4
        write = data.StructLayout({"address": 16, "part": range(self.parts), "data": 32})
        super().__init__({"i_read": In(flow(16)), "i_write": In(flow(write)), "o": Out(weight_word(c))})

    def elaborate(self, platform: object) -> Module:
        """One memory with a write enable for each part."""
        m = Module()
        word = data.ArrayLayout(32, self.parts)
        m.submodules.words = words = memory.Memory(shape=word, depth=self._c.weight_words, init=[])
        read, write = words.read_port(), words.write_port(granularity=1)
        m.d.comb += [
            read.addr.eq(self.i_read.payload),
            read.en.eq(self.i_read.valid),
            self.o.eq(read.data),
            write.addr.eq(self.i_write.payload.address),
        ]
        for part in range(self.parts):
            m.d.comb += [
                write.data[part].eq(self.i_write.payload.data),
                write.en[part].eq(self.i_write.valid & (self.i_write.payload.part == part)),
            ]
        return m
