"""The weight memory."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import BLOCK_ROWS, SET_BLOCKS, Configuration

from .cells import choice_of_four, passing
from .words import ADDRESS_BITS, LOAD, Section, flow, own_loads

ROW_BITS = exact_log2(BLOCK_ROWS)
SET = 2 * SET_BLOCKS + 1
"""``BLOCK_ROWS`` words each that a set of blocks holds."""
SOURCES = 4
"""Words that one is chosen from between two registers."""


class Weights(wiring.Component):
    """``weight_words`` words of ``inputs * outputs`` bytes; a read arrives :attr:`LATENCY` clocks later, one a clock.

    Without ``parity`` the words lie in blocks of falling powers of two: a block RAM that is narrow and deep needs no
    choice between RAMs, and a block of every size that is needed wastes none.

    With it they lie in blocks of 1,024 rows of two words and a quarter: in RAMs 18 bits wide, two words take 16 of
    each. Word n of the first 8,192 is half ``n mod 2`` of row ``n div 2``; the quarters in row r of the four blocks
    are word 8,192 + r; and so on with the next four blocks.

    Parameters
    ----------
    c : Configuration
        ``inputs * outputs`` is a multiple of 4; with ``parity`` of 16, and ``weight_words`` of 1,024.
    rows : rows of 32-bit words
        The first rows from power-on; zeros follow.

    Attributes
    ----------
    i_read : flow(unsigned(24)), in
        Address of a word.
    i_load : flow(LOAD), in
        Rows, part after part.
    o : array of bytes, out
        Steady until the next word that is read arrives.
    """

    LATENCY = 4

    def __init__(self, c: Configuration, rows: Sequence[Sequence[int]] = ()):
        self._c = c
        self._rows = rows
        word = data.ArrayLayout(8, c.lanes)
        super().__init__({"i_read": In(flow(ADDRESS_BITS)), "i_load": In(flow(LOAD)), "o": Out(word)})

    def elaborate(self, platform: object) -> Module:
        """An address in a register, memories, a register behind some of them each, the choice."""
        m = Module()
        arrives = Signal(self.LATENCY - 1)
        m.d.sync += arrives.eq((arrives << 1) | self.i_read.valid)
        read = (self._pairs if self._c.parity else self._blocks)(m, platform, arrives)
        with m.If(arrives[-1]):
            m.d.sync += self.o.eq(read)
        return m

    def _blocks(self, m: Module, platform: object, arrives: Signal) -> Any:
        c = self._c
        parts = c.lanes // 4
        load = own_loads(m, self.i_load, Section.WEIGHTS)
        address = Signal(ADDRESS_BITS)
        with m.If(self.i_read.valid):
            m.d.sync += address.eq(self.i_read.payload)
        chosen = None
        for base, size in _blocks(c.weight_words):
            init: Any = self._rows[base : base + size]
            words = memory.Memory(shape=data.ArrayLayout(32, parts), depth=size, init=init)
            m.submodules[f"block_{base}"] = words
            read, write = words.read_port(), words.write_port(granularity=1)
            bits = (size - 1).bit_length()
            here = (address >> bits) == base >> bits
            m.d.comb += [
                read.addr.eq(address[:bits]),
                read.en.eq(arrives[0] & here),
                write.addr.eq(load.payload.address[:bits]),
                write.data.eq(load.payload.data.replicate(parts)),
            ]
            with m.If(load.valid & ((load.payload.address >> bits) == base >> bits)):
                m.d.comb += write.en.eq(1 << load.payload.part)

            came, is_here = Signal(name=f"came_{base}"), Signal(name=f"is_here_{base}")
            held = Signal(8 * c.lanes, name=f"held_{base}")
            with m.If(arrives[0]):
                m.d.sync += came.eq(here)
            with m.If(arrives[1]):
                m.d.sync += is_here.eq(came)
            with m.If(arrives[1] & came):
                m.d.sync += held.eq(read.data.as_value())
            chosen = held if chosen is None else Mux(is_here, held, chosen)
        return chosen

    def _pairs(self, m: Module, platform: object, arrives: Signal) -> Any:
        """Two rows of registers and choices: one of two blocks' four words, or a ninth one; then one of those."""
        c = self._c
        bits = 8 * c.lanes
        parts = c.weight_row_bytes // 4
        count = -(-c.weight_rows(c.weight_words) // BLOCK_ROWS)
        pairs, groups = -(-count // 2), c.weight_words // (SET * BLOCK_ROWS)
        loads = own_loads(m, self.i_load, Section.WEIGHTS)
        load = loads.payload

        # A row is written whole: a byte enable of the RAM's would cover the ninth bit, too.
        row, at, completes = Signal(32 * parts), Signal(ROW_BITS), Signal(count)
        with m.If(loads.valid):
            m.d.sync += [row.eq(Cat(row[32:], load.data)), at.eq(load.address)]
        last_part = loads.valid & (load.part == parts - 1)
        m.d.sync += [completes[n].eq(last_part & (load.address >> ROW_BITS == n)) for n in range(count)]

        # Which row of which blocks, and which of the words that come from there.
        line, reads = Signal(ROW_BITS), Signal(count)
        pick, source = Signal(range(SOURCES)), Signal(range(pairs + groups))
        address = self.i_read.payload[:ROW_BITS]
        m.d.sync += reads.eq(0)
        with m.If(self.i_read.valid), m.Switch(self.i_read.payload >> ROW_BITS):
            for n in range(c.weight_words // BLOCK_ROWS):
                group, place = divmod(n, SET)
                block, upper = divmod(place, 2)
                block += SET_BLOCKS * group
                with m.Case(n):
                    if place == SET - 1:
                        of_group = (1 << SET_BLOCKS) - 1 << SET_BLOCKS * group
                        m.d.sync += [line.eq(address), reads.eq(of_group), source.eq(pairs + group)]
                    else:
                        m.d.sync += [line.eq(Cat(address[1:], upper)), reads.eq(1 << block), source.eq(block // 2)]
                        m.d.sync += pick.eq(Cat(address[0], block % 2))

        words, quarters = [], []
        for n in range(count):
            rows = self._rows[n * BLOCK_ROWS : (n + 1) * BLOCK_ROWS]
            init = [sum(word << 32 * part for part, word in enumerate(content)) for content in rows]
            m.submodules[f"block_{n}"] = block = memory.Memory(shape=32 * parts, depth=BLOCK_ROWS, init=init)
            read, write = block.read_port(), block.write_port()
            m.d.comb += [
                read.addr.eq(line),
                read.en.eq(reads[n]),
                write.addr.eq(at),
                write.data.eq(row),
                write.en.eq(completes[n]),
            ]
            words += [read.data[:bits], read.data[bits : 2 * bits]]
            quarters.append(read.data[2 * bits :])

        picks, among, behind = Signal.like(pick), Signal.like(source), Signal.like(source)
        with m.If(arrives[0]):
            m.d.sync += [picks.eq(pick), among.eq(source)]
        with m.If(arrives[1]):
            m.d.sync += behind.eq(among)
        sources = []
        for n in range(pairs):
            four = [*words[SOURCES * n : SOURCES * (n + 1)], *words[:SOURCES]][:SOURCES]
            sources.append(choice_of_four(m, platform, four, picks, f"picked_{n}"))
        sources += [Cat(quarters[SET_BLOCKS * n : SET_BLOCKS * (n + 1)]) for n in range(groups)]
        held = []
        for n, word in enumerate(sources):
            held.append(Signal(bits, name=f"held_{n}"))
            with m.If(passing(platform, arrives[1])):
                m.d.sync += held[n].eq(word)
        if len(held) > SOURCES:
            return Array(held)[behind]
        return choice_of_four(m, platform, [*held, *held[:1] * (SOURCES - len(held))], behind, "chosen")


def _blocks(words: int) -> list[tuple[int, int]]:
    """Base and size of the blocks, largest first, so that each begins at a multiple of its size."""
    blocks, base = [], 0
    for bit in reversed(range(words.bit_length())):
        if words >> bit & 1:
            blocks.append((base, 1 << bit))
            base += 1 << bit
    return blocks
