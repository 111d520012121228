"""Hands the output tensor out, byte by byte."""

from amaranth.hdl import Cat, Const, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .activations import Activations
from .words import ADDRESS_BITS, TENSOR, flow, reading, window


class Outlet(wiring.Component):
    """``lanes`` bytes in ``lanes + Activations.READ_LATENCY + 1`` clocks; stalls at ``o`` stand it still.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_start : unsigned(1), in
        Begin, for one clock.
    i_address, i_bytes : unsigned(24), in
        The place of the output tensor.
    o_read : flow(reading), out
    i_window : window, in
        The answer.
    o : stream(TENSOR_BYTE), out
    o_done : unsigned(1), out
        The last byte is being taken.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_start": In(1),
                "i_address": In(ADDRESS_BITS),
                "i_bytes": In(unsigned(ADDRESS_BITS)),
                "o_read": Out(flow(reading(c))),
                "i_window": In(window(c)),
                "o": Out(stream.Signature(TENSOR)),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read a window, send its bytes, read the next."""
        m = Module()
        c = self._c
        address = Signal(ADDRESS_BITS)
        left = Signal(ADDRESS_BITS)
        held = Signal(window(c))
        here = Signal(range(c.lanes))
        wait = Signal(range(Activations.READ_LATENCY + 1))

        m.d.comb += [
            self.o_read.payload.address.eq(address),
            self.o_read.payload.end.eq(c.lanes),
            self.o.payload.value.eq(held[0]),
            self.o.payload.last.eq(left == 1),
        ]
        with m.FSM(name="outlet"):
            with m.State("REST"):
                m.d.sync += [address.eq(self.i_address), left.eq(self.i_bytes)]
                with m.If(self.i_start):
                    m.next = "READ"

            with m.State("READ"):
                m.d.comb += self.o_read.valid.eq(1)
                m.d.sync += [address.eq(address + c.lanes), wait.eq(Activations.READ_LATENCY - 1)]
                m.next = "RECEIVE"

            with m.State("RECEIVE"):
                m.d.sync += [wait.eq(wait - 1), here.eq(c.lanes - 1)]
                with m.If(wait == 0):
                    m.d.sync += held.eq(self.i_window)
                    m.next = "SEND"

            with m.State("SEND"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [held.eq(Cat(held.as_value()[8:], Const(0, 8))), here.eq(here - 1), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.d.comb += self.o_done.eq(1)
                        m.next = "REST"
                    with m.Elif(here == 0):
                        m.next = "READ"
        return m
