"""How the clocks of each layer were spent."""

from amaranth.hdl import Array, Cat, Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ocellus.configurations import Configuration
from ocellus.program_formats import CNN_SPENT

WAYS = len(CNN_SPENT.fields)


class Counters(wiring.Component):
    """Four counts a layer, modulo 2^32, that run on from one inference to the next: what is read twice is subtracted.

    The clocks of a layer's steps are added up in registers, and go to the memory when another layer begins or the
    inference ends: thirteen clocks, in which the walk lets no further layer begin.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_runs : unsigned(1), in
        An inference is under way.
    i_layer : unsigned(8), in
        Layer of the step under way, or of the last one.
    i_spent : unsigned(4), in
        One bit a field of ``CNN_SPENT``: what this clock goes to.
    i_address : unsigned(10), in
        ``4 * layer + way``.
    o : unsigned(32), out
        The count at ``i_address``, two clocks later, except in the thirteen clocks that follow the last.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_runs": In(1),
                "i_layer": In(8),
                "i_spent": In(WAYS),
                "i_address": In(10),
                "o": Out(unsigned(32)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Sums, a copy of them on its way to the memory, and the memory's read, add and write in turn."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=32, depth=WAYS * self._c.layers, init=[])
        read, write = memory.read_port(), memory.write_port()

        layer, changes = Signal(8), Signal()
        runs, next_layer, spent = Signal(), Signal(8), Signal(WAYS)
        sums = [Signal(32, name=f"sum_{n}") for n in range(WAYS)]
        m.d.sync += [
            runs.eq(self.i_runs), next_layer.eq(self.i_layer), spent.eq(self.i_spent), layer.eq(next_layer),
            changes.eq((next_layer != self.i_layer) | (runs & ~self.i_runs)),
        ]  # fmt: skip

        kept_layer = Signal(8)
        kept = [Signal(32, name=f"kept_{n}") for n in range(WAYS)]
        at, busy, phase = Signal(ceil_log2(WAYS)), Signal(), Signal(range(3))
        added, total = Signal(32), Signal(32)
        m.d.sync += [added.eq(Array(kept)[at]), total.eq(read.data + added)]
        m.d.comb += [
            read.en.eq(1),
            read.addr.eq(self.i_address),
            write.addr.eq(Cat(at, kept_layer)),
            write.data.eq(total),
            self.o.eq(read.data),
        ]
        with m.If(runs):
            for n in range(WAYS):
                m.d.sync += sums[n].eq(sums[n] + spent[n])
        with m.If(changes):
            m.d.sync += [busy.eq(1), kept_layer.eq(layer), at.eq(0), phase.eq(0)]
            for n in range(WAYS):
                m.d.sync += [kept[n].eq(sums[n]), sums[n].eq(runs & spent[n])]
        with m.If(busy):
            m.d.comb += read.addr.eq(Cat(at, kept_layer))
            # The count is read, added to, written.
            m.d.sync += phase.eq(phase + 1)
            with m.If(phase == 2):
                m.d.comb += write.en.eq(1)
                m.d.sync += [at.eq(at + 1), phase.eq(0)]
                with m.If(at == WAYS - 1):
                    m.d.sync += busy.eq(0)
        return m
