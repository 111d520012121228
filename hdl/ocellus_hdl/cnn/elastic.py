"""A stream's waiting room: whether there is a place for what comes is known before it is known who leaves."""

from amaranth.hdl import Cat, Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .cells import copies

PART = 48
"""Bits of an item that share an enable."""


class Elastic(wiring.Component):
    """Three items in a row, of which the eldest may leave; an item a clock, a clock from in to out.

    Room for the next clock is what there would be if nothing left in this one.

    Parameters
    ----------
    shape : ShapeLike
        Of an item.
    watchers : int
        Places far apart where it counts that the eldest changes: each has a register that says so, as has each part of
        the eldest. With none, nobody needs to know ahead that it leaves.

    Attributes
    ----------
    i, o : stream(shape)
        ``i.ready``, ``o.valid`` and ``o.payload`` are registers.
    i_leaves : unsigned(1), in
        The eldest leaves with the next clock. With watchers it alone decides, and nobody looks at ``o.ready``.
    o_enters : array of unsigned(1), out
        ``o`` is what enters, from this clock's end on: the same for all. One, or as many as there are watchers.
    o_entering_valid, o_entering : unsigned(1), shape, out
        Whether something does, and what.
    o_room : unsigned(1), out
        ``i.ready`` in the next clock.
    o_waits, o_waiting : arrays of unsigned(1) and shape, out
        Whether the younger two are there, and what they are; any item where they are not.
    """

    def __init__(self, shape: ShapeLike, watchers: int = 0):
        self._shape = shape
        self._watchers = watchers
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
                "i_leaves": In(1),
                "o_enters": Out(data.ArrayLayout(1, max(1, watchers))),
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
        comes, enters = self.i.valid & room, Signal()
        m.d.comb += [
            self.i.ready.eq(room),
            self.o_room.eq(~three & ~(two & comes)),
            self.o_entering.eq(Mux(two, second, came)),
            self.o_entering_valid.eq(two | comes),
        ]
        m.d.sync += room.eq(self.o_room)
        entering = Value.cast(self.o_entering)
        pieces = [entering[at : at + PART] for at in range(0, len(entering), PART)]
        parts = [Signal(len(piece), name=f"eldest_{n}") for n, piece in enumerate(pieces)]
        m.d.comb += self.o.payload.eq(Cat(parts))
        enter: list[Value] = [~self.o.valid | self.o.ready] * (2 + len(parts))
        if self._watchers:
            will_be = Signal()
            m.d.comb += will_be.eq(Mux(enters, self.o_entering_valid, self.o.valid))
            enter = copies(m, platform, ~will_be | self.i_leaves, 1 + len(parts) + self._watchers, "enters")
        m.d.comb += [enters.eq(enter[0]), self.o_enters.eq(Cat(enter[1 + len(parts) :]))]
        for part, piece, part_enters in zip(parts, pieces, enter[1:], strict=False):
            with m.If(part_enters):
                m.d.sync += part.eq(piece)
        with m.If(~three):
            m.d.sync += third.eq(came)
        with m.If(enters | ~two):
            m.d.sync += second.eq(Mux(three, third, came))
        with m.If(enters):
            m.d.sync += self.o.valid.eq(self.o_entering_valid)
            m.d.sync += [two.eq(three | (two & comes)), three.eq(0)]
        with m.Else():
            m.d.sync += [two.eq(two | comes), three.eq(three | (two & comes))]
        return m
