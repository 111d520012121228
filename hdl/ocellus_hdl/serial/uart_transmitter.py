"""Bytes onto the wire of a UART: 8 data bits, no parity, a stop bit."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .clocks_per_bit import check


class UartTransmitter(wiring.Component):
    """Ten bits a byte, low bit first; the next start bit may follow the stop bit at once.

    Parameters
    ----------
    clocks_per_bit : int
        8 and more; ``ValueError`` otherwise.

    Attributes
    ----------
    i : stream(8), in
        Ready for one clock in ten bits.
    o : 1, out
        The wire; a register.
    """

    i: In(stream.Signature(8))
    o: Out(1, init=1)  # pyright: ignore[reportCallIssue]  # the stubs do not know init

    def __init__(self, clocks_per_bit: int):
        super().__init__()
        self._clocks = check(clocks_per_bit)

    def elaborate(self, platform: object) -> Module:
        """A shift register that has the line's level in its lowest bit, a count of clocks, a count of bits."""
        m = Module()
        bits = Signal(9, init=-1)
        left = Signal(range(11))
        clock = Signal(range(self._clocks))
        ends = Signal()  # a register: the bit's last clock
        m.d.comb += [self.o.eq(bits[0]), self.i.ready.eq((left == 0) | ((left == 1) & ends))]
        m.d.sync += [clock.eq(clock + 1), ends.eq(clock == self._clocks - 2)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [bits.eq(Cat(Const(0, 1), self.i.payload)), left.eq(10), clock.eq(0), ends.eq(0)]
        with m.Elif(ends):
            m.d.sync += clock.eq(0)
            with m.If(left != 0):
                m.d.sync += [bits.eq(Cat(bits[1:], Const(1, 1))), left.eq(left - 1)]
        return m
