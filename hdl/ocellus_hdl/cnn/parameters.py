"""The requantiser's parameters: bias, multiplier and shift of every output channel."""

from collections.abc import Sequence
from typing import Any, cast

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .contents import Entry
from .words import ENTRY, LOAD, Section, entry_count, flow, own_loads

FETCH = data.StructLayout({"address": 16, "point": 1})
"""Fetch the entries of a group from word ``address`` on: ``outputs`` of them for a POINT, else ``word``."""


def fetch_words(c: Configuration, point: bool) -> int:
    """Words of the memory in a set of entries, hence clocks from one fetch to the next."""
    return -(-(c.outputs if point else c.word) // c.parameter_lanes)


class Parameters(wiring.Component):
    """``parameter_words`` words of ``parameter_lanes`` entries, and the sets fetched from it.

    A set is ready :meth:`latency` clocks after its fetch; what is taken then or later shows in ``o`` a clock after
    that, and may be taken again until the next set is ready. Sets wait in a row of three: one is collected, one is
    ready, one in use. A short set is read as much later as it is
    shorter, so that all take equally long: between two fetches lie as many clocks as the words of the first, and
    where a long one follows a short one, as its own.

    Parameters
    ----------
    c : Configuration
    words : words of ``parameter_lanes`` entries
        The first words from power-on; zeros follow.

    Attributes
    ----------
    i_fetch : flow(FETCH), in
    i_take : unsigned(1), in
        The set that is ready comes into use.
    i_load : flow(LOAD), in
        The three parts of an entry in their order.
    o : array of entries, out
        Those of a POINT repeat every ``outputs``.
    """

    def __init__(self, c: Configuration, words: Sequence[Sequence[Entry]] = ()):
        self._c = c
        self._words = words
        super().__init__(
            {
                "i_fetch": In(flow(FETCH)),
                "i_take": In(1),
                "i_load": In(flow(LOAD)),
                "o": Out(data.ArrayLayout(ENTRY, entry_count(c))),
            }
        )

    @staticmethod
    def latency(c: Configuration) -> int:
        """Clocks from a fetch to the first in which its set may be taken."""
        return fetch_words(c, point=False) + 3

    def elaborate(self, platform: object) -> Module:
        """Memory, the set that is collected, the one that is ready, the one in use."""
        m = Module()
        c = self._c
        words = fetch_words(c, point=False)
        wait = words - fetch_words(c, point=True)

        # A POINT's fetch waits.
        begins, fetch = self.i_fetch.valid & ~self.i_fetch.payload.point, self.i_fetch.payload
        if wait:
            waiting = Signal(wait)
            late = [Signal(FETCH, name=f"late_{n}") for n in range(wait)]
            m.d.sync += waiting.eq((waiting << 1) | (self.i_fetch.valid & self.i_fetch.payload.point))
            for n in range(wait):
                with m.If(waiting[n - 1] if n else self.i_fetch.valid):
                    m.d.sync += late[n].eq(late[n - 1] if n else self.i_fetch.payload)
            begins, fetch = begins | waiting[-1], Mux(waiting[-1], late[-1], self.i_fetch.payload)
        else:
            begins = self.i_fetch.valid
        begin = Signal()
        chosen = Signal(FETCH)
        m.d.comb += [begin.eq(begins), chosen.eq(fetch)]

        # The word that is read, and then the word that arrives; ``number`` counts within the set.
        reads, number, point = Signal(), Signal(range(words + 1)), Signal()
        address = Signal(16)
        reading, at, of_point = Signal(), Signal(16), Signal()
        following = Signal(range(words + 1))
        m.d.comb += [
            reading.eq(begin | reads),
            at.eq(Mux(begin, chosen.address, address)),
            of_point.eq(Mux(begin, chosen.point, point)),
            following.eq(Mux(begin, 0, number) + 1),
        ]
        arrives, arrives_point, arrived_number = Signal(), Signal(), Signal(range(words))
        with m.If(reading):
            m.d.sync += [
                address.eq(at + 1),
                number.eq(following),
                point.eq(of_point),
                reads.eq(following != Mux(of_point, fetch_words(c, point=True), words)),
            ]

        # A row of registers behind the memory, which is slow by itself.
        read, here = self._memory(m, platform, reading, at), Signal()
        word = Signal(read.shape())
        number_read, point_read = Signal.like(arrived_number), Signal()
        m.d.sync += [here.eq(reading), arrives.eq(here)]
        with m.If(reading):
            m.d.sync += [point_read.eq(of_point), number_read.eq(Mux(begin, 0, number))]
        with m.If(here):
            m.d.sync += [word.eq(read), arrived_number.eq(number_read), arrives_point.eq(point_read)]
        collected = Signal.like(self.o)
        ready = Signal.like(self.o)
        complete = Signal()
        last = Mux(arrives_point, fetch_words(c, point=True), words) - 1
        m.d.sync += complete.eq(arrives & (arrived_number == last))
        for e in range(len(collected)):
            mine = arrived_number == e // c.parameter_lanes
            for_point = arrived_number == e % c.outputs // c.parameter_lanes
            with m.If(arrives & Mux(arrives_point, for_point, mine)):
                # A POINT with fewer outputs than the memory has lanes uses the first ones.
                m.d.sync += collected[e].eq(
                    Mux(arrives_point, word[e % c.outputs % c.parameter_lanes], word[e % c.parameter_lanes])
                    if c.outputs % c.parameter_lanes
                    else word[e % c.parameter_lanes]
                )
        with m.If(complete):
            m.d.sync += ready.eq(collected)
        with m.If(self.i_take):
            m.d.sync += self.o.eq(ready)
        return m

    def _memory(self, m: Module, platform: object, enable: Signal, address: Signal) -> data.View:
        """One memory, since narrow ones waste block RAM: an entry is written whole when its last part comes."""
        c = self._c
        own = own_loads(m, platform, self.i_load, Section.PARAMETERS)
        loads, load = own.valid, own.payload
        shape, init = data.ArrayLayout(ENTRY, c.parameter_lanes), cast(Any, self._words)
        words = memory.Memory(shape=shape, depth=c.parameter_words, init=init)
        m.submodules.words = words
        read, write = words.read_port(), words.write_port(granularity=1)
        entry = Signal(ENTRY)
        kept = Signal(ENTRY)
        m.d.comb += [
            read.addr.eq(address),
            read.en.eq(enable),
            write.addr.eq(load.address),
            entry.eq(kept),
            entry.shift.eq(load.data),
            *(write.data[lane].eq(entry) for lane in range(c.parameter_lanes)),
        ]
        for lane in range(c.parameter_lanes):
            bias, multiplier, shift = (loads & (load.part == 3 * lane + n) for n in range(3))
            with m.If(bias):
                m.d.sync += kept.bias.eq(load.data)
            with m.If(multiplier):
                m.d.sync += kept.multiplier.eq(load.data)
            m.d.comb += write.en[lane].eq(shift)
        return read.data
