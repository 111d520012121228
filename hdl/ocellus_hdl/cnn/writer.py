"""Writes a layer's results side by side into the activation memory."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import ADDRESS_BITS, flow, results, writing


class Writer(wiring.Component):
    """One beat a clock, one clock of latency, no backpressure.

    Every operator makes its outputs in the order in which they lie in memory, so an address that runs is enough.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i : flow(results), in
    i_start : unsigned(1), in
        Begin a tensor, for one clock.
    i_address, i_elements : unsigned(24), in
        Where the tensor lies and how many bytes it has.
    o : flow(writing), out
    o_settled : unsigned(1), out
        The whole tensor lies in the memory.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i": In(flow(results(c))),
                "i_start": In(1),
                "i_address": In(ADDRESS_BITS),
                "i_elements": In(24),
                "o": Out(flow(writing(c))),
                "o_settled": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Address and number of bytes left."""
        m = Module()
        address = Signal(ADDRESS_BITS)
        left = Signal(24)
        landing = Signal(2)  # the memory takes two clocks for a write

        m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.valid):
            count = self.i.payload.count
            m.d.sync += [address.eq(address + count), left.eq(left - count), self.o.payload.address.eq(address)]
            for n in range(self._c.requantisers):
                m.d.sync += [
                    self.o.payload.data[n].eq(self.i.payload.value[n]),
                    self.o.payload.mask[n].eq(count > n),
                ]
        with m.If(self.i_start):
            m.d.sync += [address.eq(self.i_address), left.eq(self.i_elements)]

        m.d.sync += landing.eq((landing << 1) | self.o.valid)
        m.d.comb += self.o_settled.eq((left == 0) & ~self.o.valid & (landing == 0))
        return m
