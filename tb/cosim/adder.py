"""A small component with every kind of port: a two-entry queue that adds, at any width."""

from amaranth.hdl import Array, Assert, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped


class QueuedAdder(wiring.Component):
    """Adds ``i_addend`` to each beat behind a queue of two.

    Parameters
    ----------
    width
        Bits of a payload.
    limit
        The design's own assertion: no beat equals this value.
    """

    def __init__(self, width: int, limit: int | None = None) -> None:
        self.width = width
        self.limit = limit
        shape = data.StructLayout({"low": 4, "rest": width - 4})
        super().__init__(
            {
                "i": In(stream.Signature(shape)),
                "i_addend": In(width),
                "o": Out(stream.Signature(width)),
                "o_tap": Out(stream.Signature(width, always_ready=True)),
                "o_level": Out(2),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A ring of two entries."""
        m = Module()
        entries = Array(Signal(self.width, name=f"entry{k}") for k in range(2))
        write, read = Signal(), Signal()
        push, pop = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(self.o_level != 2),
            push.eq(self.i.valid & self.i.ready),
            self.o.valid.eq(self.o_level != 0),
            self.o.payload.eq(entries[read]),
            pop.eq(self.o.valid & self.o.ready),
            self.o_tap.valid.eq(push),
            self.o_tap.payload.eq(self.i.payload.as_value() + self.i_addend),
        ]
        with m.If(push):
            m.d.sync += [entries[write].eq(self.i.payload.as_value() + self.i_addend), write.eq(~write)]
        with m.If(pop):
            m.d.sync += read.eq(~read)
        m.d.sync += self.o_level.eq(self.o_level + push - pop)
        if self.limit is not None:
            with m.If(push):
                m.d.sync += Assert(self.i.payload.as_value() != self.limit, "a beat equals the limit")
        return m


class ManyAdders(wiring.Component):
    """Adders of several widths side by side: ``w7.i``, ``w7.o``, and so on.

    Parameters
    ----------
    widths
        One adder each.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        self.adders = {f"w{width}": QueuedAdder(width) for width in widths}
        super().__init__({name: Out(adder.signature) for name, adder in self.adders.items()})

    def elaborate(self, platform: object) -> Module:
        """Each adder on its own ports."""
        m = Module()
        for name, adder in self.adders.items():
            m.submodules[name] = adder
            connect(m, flipped(getattr(self, name)), adder)
        return m
