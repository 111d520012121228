"""Takes the input tensor into the activation memory, as soon as nobody reads the last one any more."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .words import ADDRESS_BITS, TENSOR, flow

BYTE = data.StructLayout({"address": ADDRESS_BITS, "value": 8})


class Inlet(wiring.Component):
    """A byte a clock while the write port is free; held off while the input memory is read.

    A tensor ends with its ``last``: when it is shorter than the network's input the rest keeps its old bytes, when it
    is longer the surplus is dropped. The rest of a tensor in whose midst a network is loaded is dropped too.

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
    i_open : unsigned(1), in
        There is a network.
    i_forget : unsigned(1), in
        A network is being loaded: drop what has come. Not while an inference runs.
    i_address, i_bytes : unsigned(24), in
        The place of the input tensor.
    i_grant : unsigned(1), in
        The write port is free.
    i_take, i_release : unsigned(1), in
        An inference begins with the tensor; the memory may be written again.
    o : flow({address, value}), out
        A write, in a clock with ``i_grant`` only.
    o_waits : unsigned(1), out
        A byte wants the write port.
    o_free, o_full : unsigned(1), out
        The memory may be written; the tensor is complete.
    """

    i: In(stream.Signature(TENSOR))
    i_open: In(1)
    i_forget: In(1)
    i_address: In(ADDRESS_BITS)
    i_bytes: In(unsigned(ADDRESS_BITS))
    i_grant: In(1)
    i_take: In(1)
    i_release: In(1)
    o: Out(flow(BYTE))
    o_waits: Out(1)
    o_free: Out(1)
    o_full: Out(1)

    def elaborate(self, platform: object) -> Module:
        """A state for what the input memory holds."""
        m = Module()
        count = Signal(ADDRESS_BITS)
        begun = Signal()
        takes = self.i.valid & self.i.ready

        m.d.comb += [
            self.o.payload.address.eq(self.i_address + count),
            self.o.payload.value.eq(self.i.payload.value),
        ]
        with m.FSM(name="inlet"):
            with m.State("FILL"):
                m.d.comb += [
                    self.o_free.eq(self.i_open),
                    self.o_waits.eq(self.i.valid & self.i_open),
                    self.i.ready.eq(self.i_open & self.i_grant & ~self.i_forget),
                    self.o.valid.eq(takes & (count < self.i_bytes)),
                ]
                with m.If(takes):
                    m.d.sync += [count.eq(count + self.o.valid), begun.eq(1)]
                    with m.If(self.i.payload.last):
                        m.next = "HOLD"
                with m.If(self.i_forget):
                    m.d.sync += [count.eq(0), begun.eq(0)]
                    with m.If(begun):
                        m.next = "SKIP"

            with m.State("HOLD"):
                m.d.comb += self.o_full.eq(1)
                m.d.sync += [count.eq(0), begun.eq(0)]
                with m.If(self.i_take):
                    m.next = "LEND"
                with m.If(self.i_forget):
                    m.next = "FILL"

            with m.State("LEND"), m.If(self.i_release):
                m.next = "FILL"

            with m.State("SKIP"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(takes & self.i.payload.last):
                    m.next = "FILL"

        return m
