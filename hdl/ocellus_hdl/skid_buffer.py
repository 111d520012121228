"""Between two parts of a stream: the taker's stall reaches the giver a clock later, through a register."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """What comes in the clock in which ``o`` begins to wait stands beside it, until ``o`` is taken.

    One item a clock, one clock of latency, two places.

    Parameters
    ----------
    shape : ShapeLike
        The payload.

    Attributes
    ----------
    i, o : stream(shape)
        ``i.ready``, ``o.valid`` and ``o.payload`` are registers.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: ShapeLike):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        """The place beside takes whatever comes while it is empty; whether it is full is decided afterwards."""
        m = Module()
        room = Signal(init=1)
        beside = Signal(self._shape)
        m.d.comb += self.i.ready.eq(room)
        with m.If(room):
            m.d.sync += beside.eq(self.i.payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.payload.eq(Mux(room, self.i.payload, beside)),
                self.o.valid.eq(self.i.valid | ~room),
                room.eq(1),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += room.eq(0)
        return m
