"""A stream's waiting room: whether there is a place for what comes is known before it is known who leaves."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


class Elastic(wiring.Component):
    """Three items in a row, of which the eldest may leave; an item a clock, a clock from in to out.

    Room for the next clock is what there would be if nothing left in this one.

    Parameters
    ----------
    shape : ShapeLike
        Of an item.

    Attributes
    ----------
    i, o : stream(shape)
        ``i.ready``, ``o.valid`` and ``o.payload`` are registers.
    o_enters : unsigned(1), out
        ``o`` changes with this clock.
    o_entering_valid, o_entering : unsigned(1), shape, out
        What it then is.
    o_room : unsigned(1), out
        ``i.ready`` in the next clock.
    o_waits, o_waiting : arrays of unsigned(1) and shape, out
        The younger two, and whether they are there.
    """

    def __init__(self, shape: ShapeLike):
        self._shape = shape
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "o_enters": Out(1),
                "o_entering_valid": Out(1),
                "o_entering": Out(shape),
                "o_room": Out(1),
                "o_waits": Out(data.ArrayLayout(1, 2)),
                "o_waiting": Out(data.ArrayLayout(shape, 2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The last place takes whatever comes while it is empty; that it is full is decided afterwards."""
        m = Module()
        room = Signal(init=1)
        came = Value.cast(self.i.payload)
        second, third = (Value.cast(waiting) for waiting in self.o_waiting)
        two, three = self.o_waits
        comes = self.i.valid & room
        m.d.comb += [
            self.i.ready.eq(room),
            self.o_room.eq(~three & ~(two & comes)),
            self.o_enters.eq(~self.o.valid | self.o.ready),
            self.o_entering.eq(Mux(two, second, came)),
            self.o_entering_valid.eq(two | comes),
        ]
        m.d.sync += room.eq(self.o_room)
        with m.If(~three):
            m.d.sync += third.eq(came)
        with m.If(self.o_enters | ~two):
            m.d.sync += second.eq(Mux(three, third, came))
        with m.If(self.o_enters):
            m.d.sync += [self.o.payload.eq(self.o_entering), self.o.valid.eq(self.o_entering_valid)]
            m.d.sync += [two.eq(three | (two & comes)), three.eq(0)]
        with m.Else():
            m.d.sync += [two.eq(two | comes), three.eq(three | (two & comes))]
        return m
