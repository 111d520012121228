"""What clocks went to: those of the inference, and those of each layer."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import CNN_SPENT

from ..layouts import struct
from .counters import WAYS, Counters


class Accounts(wiring.Component):
    """Counts that stand still from the last step's end to the next tensor's first byte; none lets the engine wait.

    All that goes on changing while the engine waits for rows is here, so that the rest can rest.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_begins, i_ends : unsigned(1), in
        An inference begins; its output is handed out.
    i_full : unsigned(1), in
        The tensor has come whole.
    i_layer : unsigned(8), in
        Layer of the step under way, or of the last one.
    i_spent : unsigned(4), in
        One bit a field of ``CNN_SPENT``: what this clock goes to.
    o_spent : CNN_SPENT, out
        How the clocks of the inference were spent.
    o_inference_clocks : unsigned(32), out
        From the acceptance of the last input byte to the last step's end; 0 again when the next tensor begins.
    i_address, o : unsigned(10), in; unsigned(32), out
        A layer's counter, as :class:`Counters` has them.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_begins": In(1),
                "i_ends": In(1),
                "i_full": In(1),
                "i_layer": In(8),
                "i_spent": In(WAYS),
                "o_spent": Out(struct(CNN_SPENT)),
                "o_inference_clocks": Out(unsigned(32)),
                "i_address": In(10),
                "o": Out(unsigned(32)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Sums lag by a clock: what a clock was spent on is known late in it."""
        m = Module()
        m.submodules.counters = counters = Counters(self._c)
        runs = Signal()
        with m.If(self.i_begins):
            m.d.sync += runs.eq(1)
        with m.If(self.i_ends):
            m.d.sync += runs.eq(0)
        begins, counts, full = Signal(), Signal(), Signal()
        layer, spent = Signal(8), Signal(WAYS)
        m.d.sync += [
            begins.eq(self.i_begins), counts.eq(runs), full.eq(self.i_full),
            layer.eq(self.i_layer), spent.eq(self.i_spent),
        ]  # fmt: skip
        m.d.comb += [
            counters.i_runs.eq(counts),
            counters.i_layer.eq(layer),
            counters.i_spent.eq(spent),
            counters.i_address.eq(self.i_address),
            self.o.eq(counters.o),
        ]
        for n, field in enumerate(CNN_SPENT.fields):
            total = self.o_spent[field.name]
            with m.If(begins):
                m.d.sync += total.eq(0)
            with m.Elif(counts):
                m.d.sync += total.eq(total + spent[n])
        with m.If(~full):
            m.d.sync += self.o_inference_clocks.eq(0)
        with m.Elif(counts):
            m.d.sync += self.o_inference_clocks.eq(self.o_inference_clocks + 1)
        return m
