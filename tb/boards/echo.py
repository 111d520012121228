"""What stands in the camera's place where only the pins matter."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Echo(wiring.Component):
    """The serial line a clock later; clocks since reset as lights."""

    i_serial: In(1)
    o_serial: Out(1)
    o_frame: Out(1)
    o_object: Out(1)
    o_error: Out(1)

    def __init__(self, *arguments: object, **named: object):
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(3)
        m.d.sync += [self.o_serial.eq(self.i_serial), count.eq(count + 1)]
        m.d.comb += [self.o_frame.eq(count[0]), self.o_object.eq(count[1]), self.o_error.eq(count[2])]
        return m
