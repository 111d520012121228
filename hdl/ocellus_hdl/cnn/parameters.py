"""The parameter memory: bias, multiplier and shift of every output channel."""

from amaranth.hdl import Module
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import entries, flow

MEMBERS = ("bias", "multiplier", "shift")
"""In the order of their 32-bit words in the image."""


class Parameters(wiring.Component):
    """``parameter_words`` words of ``requantisers`` entries, written 32 bits at a time; a read arrives one clock later.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_read : flow(unsigned(16)), in
        Address of a word.
    i_write : flow({address, part, data}), in
        ``part`` counts the 32-bit words of the entries: three each, entry 0 first.
    o : entries, out
    """

    def __init__(self, c: Configuration):
        self._c = c
        self.parts = len(MEMBERS) * c.requantisers
        write = data.StructLayout({"address": 16, "part": range(self.parts), "data": 32})
        super().__init__({"i_read": In(flow(16)), "i_write": In(flow(write)), "o": Out(entries(c))})

    def elaborate(self, platform: object) -> Module:
        """A memory for each member, so that each part has a write enable of its own."""
        m = Module()
        c = self._c
        for index, member in enumerate(MEMBERS):
            shape = self.o[0][member].shape()
            word = data.ArrayLayout(shape, c.requantisers)
            m.submodules[member] = words = memory.Memory(shape=word, depth=c.parameter_words, init=[])
            read, write = words.read_port(), words.write_port(granularity=1)
            m.d.comb += [
                read.addr.eq(self.i_read.payload),
                read.en.eq(self.i_read.valid),
                write.addr.eq(self.i_write.payload.address),
            ]
            for entry in range(c.requantisers):
                part = len(MEMBERS) * entry + index
                m.d.comb += [
                    self.o[entry][member].eq(read.data[entry]),
                    write.data[entry].eq(self.i_write.payload.data),
                    write.en[entry].eq(self.i_write.valid & (self.i_write.payload.part == part)),
                ]
        return m
