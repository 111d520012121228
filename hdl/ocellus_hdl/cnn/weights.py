"""The weight memory."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import copies
from .words import ADDRESS_BITS, LOAD, Section, flow, own_loads


class Weights(wiring.Component):
    """``weight_words`` words of ``inputs * outputs`` bytes; a read arrives :attr:`LATENCY` clocks later, one a clock.

    They lie in blocks of falling powers of two: a block RAM that is narrow and deep needs no choice between RAMs, and
    a block of every size that is needed wastes none.

    Parameters
    ----------
    c : Configuration
        ``inputs * outputs`` is a multiple of 4.
    words : words of 32-bit words
        The first from power-on; zeros follow.

    Attributes
    ----------
    i_read : flow(unsigned(24)), in
        Address of a word.
    i_load : flow(LOAD), in
        Words, part after part.
    o : array of bytes, out
        Steady until the next word that is read arrives.
    """

    LATENCY = 3

    def __init__(self, c: Configuration, words: Sequence[Sequence[int]] = ()):
        self._c = c
        self._words = words
        word = data.ArrayLayout(8, c.lanes)
        super().__init__({"i_read": In(flow(ADDRESS_BITS)), "i_load": In(flow(LOAD)), "o": Out(word)})

    def elaborate(self, platform: object) -> Module:
        """An address in a register, memories, the choice."""
        m = Module()
        c = self._c
        parts = c.lanes // 4
        part_bits = (parts - 1).bit_length()
        load = own_loads(m, platform, self.i_load, Section.WEIGHTS)
        coming = self.i_load.payload
        address = Signal(ADDRESS_BITS)
        reads = Signal()
        m.d.sync += reads.eq(self.i_read.valid)
        arrives = copies(m, platform, reads, parts, "arrives")
        with m.If(self.i_read.valid):
            m.d.sync += address.eq(self.i_read.payload)
        chosen: Any = None
        for base, size in _blocks(c.weight_words):
            init: Any = self._words[base : base + size]
            words = memory.Memory(shape=data.ArrayLayout(32, parts), depth=size, init=init)
            m.submodules[f"block_{base}"] = words
            read, write = words.read_port(), words.write_port(granularity=1)
            bits = (size - 1).bit_length()
            # Decoded on the way into registers: the block RAMs that each enable leads to lie far apart.
            reads_here = Signal(name=f"reads_{base}")
            m.d.sync += reads_here.eq(self.i_read.valid & ((self.i_read.payload >> bits) == base >> bits))
            within = coming.address[bits : c.weight_words.bit_length()] == base >> bits
            m.d.sync += write.en.eq(
                Mux(self.i_load.valid & (coming.section == Section.WEIGHTS) & within, 1 << coming.part[:part_bits], 0)
            )
            m.d.comb += [
                read.addr.eq(address[:bits]),
                read.en.eq(reads_here),
                write.addr.eq(load.payload.address[:bits]),
                write.data.eq(load.payload.data.replicate(parts)),
            ]

            came = Signal(name=f"came_{base}")
            with m.If(reads):
                m.d.sync += came.eq(reads_here)
            found = read.data.as_value()
            chosen = found if chosen is None else Mux(came, found, chosen)
        for part, arrived in enumerate(arrives):
            own = slice(32 * part, 32 * (part + 1))
            with m.If(arrived):
                m.d.sync += self.o.as_value()[own].eq(chosen[own])
        return m


def _blocks(words: int) -> list[tuple[int, int]]:
    """Base and size of the blocks, largest first, so that each begins at a multiple of its size."""
    blocks, base = [], 0
    for bit in reversed(range(words.bit_length())):
        if words >> bit & 1:
            blocks.append((base, 1 << bit))
            base += 1 << bit
    return blocks
