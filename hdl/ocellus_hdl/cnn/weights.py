"""The weight memory."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .cells import copies
from .words import ADDRESS_BITS, HALVES, LOAD, Section, flow

PARTS = 2
"""Words of a load whose block RAMs lie side by side, and share registers."""


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
        """An address in registers, memories, the choice."""
        m = Module()
        c = self._c
        parts = c.lanes // 4
        part_bits = (parts - 1).bit_length()
        # The block RAMs of the halves lie far apart, and a half's from one end of the array to the other: each few have
        # registers of their own for all that leads there, and what enables a block is decoded on the way into them.
        asked, coming = self.i_read.payload, self.i_load.payload
        places = [(half, at) for half in range(HALVES) for at in range(0, parts, PARTS)]
        addresses = copies(m, platform, asked[: (c.weight_words - 1).bit_length()], len(places), "address")
        load_addresses = copies(m, platform, coming.address[: len(addresses[0])], len(places), "load_address")
        (loaded,) = copies(m, platform, coming.data, 1, "loaded")
        reads = Signal()
        m.d.sync += reads.eq(self.i_read.valid)
        arrives = copies(m, platform, reads, parts, "arrives")
        chosen: list[Any] = [None] * len(places)
        for base, size in _blocks(c.weight_words):
            bits = (size - 1).bit_length()
            reads_block = self.i_read.valid & ((asked >> bits) == base >> bits)
            within = coming.address[bits : c.weight_words.bit_length()] == base >> bits
            loads_block = self.i_load.valid & (coming.section == Section.WEIGHTS) & within
            reads_here = copies(m, platform, reads_block, len(places), f"reads_{base}")
            enables = Mux(loads_block, (1 << coming.part[:part_bits])[:parts], 0)
            loads_here = copies(m, platform, enables, HALVES, f"loads_{base}")
            for n, (half, at) in enumerate(places):
                own = range(parts)[at : at + PARTS]
                of_block = self._words[base : base + size]
                init: Any = [[word[part] >> 16 * half & 0xFFFF for part in own] for word in of_block]
                words = memory.Memory(shape=data.ArrayLayout(16, len(own)), depth=size, init=init)
                m.submodules[f"block_{base}_half_{half}_from_{at}"] = words
                read, write = words.read_port(), words.write_port(granularity=1)
                m.d.comb += [
                    read.addr.eq(addresses[n][:bits]),
                    read.en.eq(reads_here[n]),
                    write.addr.eq(load_addresses[n][:bits]),
                    write.data.eq(loaded.word_select(half, 16).replicate(len(own))),
                    write.en.eq(loads_here[half][own.start : own.stop]),
                ]
                came = Signal(name=f"came_{base}_{n}")
                with m.If(reads):
                    m.d.sync += came.eq(reads_here[n])
                found, before = read.data.as_value(), chosen[n]
                chosen[n] = found if before is None else Mux(came, found, before)
        for part, arrived in enumerate(arrives):
            pieces = (found for found, (_, at) in zip(chosen, places, strict=True) if part in range(at, at + PARTS))
            own = Cat(found.word_select(part % PARTS, 16) for found in pieces)
            with m.If(arrived):
                m.d.sync += self.o.as_value().word_select(part, 32).eq(own)
        return m


def _blocks(words: int) -> list[tuple[int, int]]:
    """Base and size of the blocks, largest first, so that each begins at a multiple of its size."""
    blocks, base = [], 0
    for bit in reversed(range(words.bit_length())):
        if words >> bit & 1:
            blocks.append((base, 1 << bit))
            base += 1 << bit
    return blocks
