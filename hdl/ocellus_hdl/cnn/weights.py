"""The weight memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import ADDRESS_BITS, LOAD, Section, flow


class Weights(wiring.Component):
    """``weight_words`` words of ``inputs * outputs`` bytes; a read arrives :attr:`LATENCY` clocks later, one a clock.

    The words lie in blocks of falling powers of two: a block RAM that is narrow and deep needs no choice between RAMs,
    and a block of every size that is needed wastes none.

    Parameters
    ----------
    c : Configuration
        ``inputs * outputs`` is a multiple of 4.

    Attributes
    ----------
    i_read : flow(unsigned(24)), in
        Address of a word.
    i_load : flow(LOAD), in
    o : array of bytes, out
        Steady until the next word that is read arrives.
    """

    LATENCY = 3

    def __init__(self, c: Configuration):
        self._c = c
        word = data.ArrayLayout(8, c.lanes)
        super().__init__({"i_read": In(flow(ADDRESS_BITS)), "i_load": In(flow(LOAD)), "o": Out(word)})

    def elaborate(self, platform: object) -> Module:
        """Memories, a register behind each, the choice."""
        m = Module()
        c = self._c
        parts = c.lanes // 4
        loads = self.i_load.valid & (self.i_load.payload.section == Section.WEIGHTS)
        arrives = Signal(2)
        m.d.sync += arrives.eq((arrives << 1) | self.i_read.valid)
        chosen = None
        for base, size in _blocks(c.weight_words):
            words = memory.Memory(shape=data.ArrayLayout(32, parts), depth=size, init=[])
            m.submodules[f"block_{base}"] = words
            read, write = words.read_port(), words.write_port(granularity=1)
            bits = (size - 1).bit_length()
            here = (self.i_read.payload >> bits) == base >> bits
            m.d.comb += [
                read.addr.eq(self.i_read.payload[:bits]),
                read.en.eq(self.i_read.valid & here),
                write.addr.eq(self.i_load.payload.address[:bits]),
                write.data.eq(self.i_load.payload.data.replicate(parts)),
            ]
            with m.If(loads & ((self.i_load.payload.address >> bits) == base >> bits)):
                m.d.comb += write.en.eq(1 << self.i_load.payload.part)

            came, is_here = Signal(name=f"came_{base}"), Signal(name=f"is_here_{base}")
            held = Signal(8 * c.lanes, name=f"held_{base}")
            with m.If(self.i_read.valid):
                m.d.sync += came.eq(here)
            with m.If(arrives[0]):
                m.d.sync += is_here.eq(came)
            with m.If(arrives[0] & came):
                m.d.sync += held.eq(read.data.as_value())
            chosen = held if chosen is None else Mux(is_here, held, chosen)
        with m.If(arrives[1]):
            m.d.sync += self.o.eq(chosen)
        return m


def _blocks(words: int) -> list[tuple[int, int]]:
    """Base and size of the blocks, largest first, so that each begins at a multiple of its size."""
    blocks, base = [], 0
    for bit in reversed(range(words.bit_length())):
        if words >> bit & 1:
            blocks.append((base, 1 << bit))
            base += 1 << bit
    return blocks
