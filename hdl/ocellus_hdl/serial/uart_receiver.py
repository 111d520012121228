"""Bytes from the wire of a UART: 8 data bits, no parity, a stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .clocks_per_bit import check

RECEIVED = data.StructLayout({"byte": 8, "damaged": 1})
"""A byte; ``damaged``: it had no stop bit."""


class UartReceiver(wiring.Component):
    """A byte in the middle of its stop bit, and four clocks for the way there.

    A bit is what two of three samples around its middle say. A start bit that is gone by its middle was none; after a
    byte without a stop bit the next start is looked for when the line is high again. Nobody can make a wire wait.

    Parameters
    ----------
    clocks_per_bit : int
        8 and more; ``ValueError`` otherwise.

    Attributes
    ----------
    i : 1, in
        The wire, from any clock.
    o : stream(RECEIVED), out
        Always ready; valid for one clock.
    """

    i: In(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init
    o: Out(stream.Signature(RECEIVED, always_ready=True))

    def __init__(self, clocks_per_bit: int):
        super().__init__()
        self._clocks = check(clocks_per_bit)

    def elaborate(self, platform: object) -> Module:
        """Counts clocks in a bit, and bits in a byte."""
        m = Module()
        line = Signal(init=1)
        # Two flip-flops for the other clock, two for the way across the chip: the pin may be far.
        m.submodules.synchroniser = FFSynchronizer(self.i, line, init=1, stages=4)

        middle, apart = self._clocks // 2, self._clocks // 8
        clock = Signal(range(self._clocks))
        looks, decides = Signal(), Signal()
        m.d.comb += [
            looks.eq((clock == middle - apart) | (clock == middle)),
            decides.eq(clock == middle + apart),
        ]
        ones = Signal(2)
        bit = Signal()
        m.d.comb += bit.eq(ones[1] | (ones[0] & line))
        with m.If(decides):
            m.d.sync += ones.eq(0)
        with m.Elif(looks):
            m.d.sync += ones.eq(ones + line)

        m.d.sync += [clock.eq(clock + 1), self.o.valid.eq(0)]
        with m.If(clock == self._clocks - 1):
            m.d.sync += clock.eq(0)

        # The bits push a mark through, from the top to the lowest place: it is there with the last.
        bits = Signal(9)
        with m.FSM():
            with m.State("AWAIT"):
                m.d.sync += [clock.eq(1), ones.eq(0), bits.eq(1 << 8)]
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(decides):
                m.next = "BITS"
                with m.If(bit):
                    m.next = "AWAIT"
            with m.State("BITS"), m.If(decides):
                m.d.sync += bits.eq(Cat(bits[1:], bit))
                with m.If(bits[1]):
                    m.next = "STOP"
            with m.State("STOP"), m.If(decides):
                m.d.sync += [self.o.valid.eq(1), self.o.payload.byte.eq(bits[1:]), self.o.payload.damaged.eq(~bit)]
                m.next = "AWAIT"
                with m.If(~bit):
                    m.next = "REST"
            with m.State("REST"), m.If(line):
                m.next = "AWAIT"
        return m
