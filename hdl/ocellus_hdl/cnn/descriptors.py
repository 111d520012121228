"""The layer descriptors: a memory, and the descriptor in force."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .words import LAYER_WORD, flow

WORDS = -(-LAYER_WORD.size // 32)
"""32-bit words of one descriptor."""


class Descriptors(wiring.Component):
    """Fetches descriptors one after the other from the memory that the loader fills.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_write : flow({address, part, data}), in
        ``address`` is the layer, ``part`` the descriptor's 32-bit word.
    i_rewind : unsigned(1), in
        The next descriptor is that of layer 0.
    i_fetch : unsigned(1), in
        Fetch the next one, for one clock.
    o_fetched : unsigned(1), out
        ``o`` has become valid, for one clock.
    o : LAYER, out
        Steady from ``o_fetched`` to the next ``i_fetch``.
    """

    def __init__(self, c: Configuration):
        self._c = c
        write = data.StructLayout({"address": 16, "part": range(WORDS), "data": 32})
        super().__init__(
            {
                "i_write": In(flow(write)),
                "i_rewind": In(1),
                "i_fetch": In(1),
                "o_fetched": Out(1),
                "o": Out(LAYER_WORD),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """A place for each descriptor is a power of two of words; they enter the register from the top."""
        m = Module()
        place = data.StructLayout({"part": range(WORDS), "layer": range(max(self._c.layers, 2))})
        m.submodules.words = words = memory.Memory(shape=32, depth=1 << place.size, init=[])
        read, write = words.read_port(), words.write_port()

        to = Signal(place)
        m.d.comb += [
            to.layer.eq(self.i_write.payload.address),
            to.part.eq(self.i_write.payload.part),
            write.addr.eq(to.as_value()),
            write.data.eq(self.i_write.payload.data),
            write.en.eq(self.i_write.valid),
        ]

        at = Signal(place)
        reading = Signal()
        arriving = Signal()
        ending = Signal()
        last = at.part == WORDS - 1
        with m.If(self.i_fetch):
            m.d.sync += reading.eq(1)
        with m.If(reading):
            m.d.sync += at.part.eq(at.part + 1)
            with m.If(last):
                m.d.sync += [at.part.eq(0), at.layer.eq(at.layer + 1), reading.eq(0)]
        with m.If(self.i_rewind):
            m.d.sync += at.eq(0)

        register = Signal(32 * WORDS)
        m.d.comb += [read.addr.eq(at.as_value()), read.en.eq(reading), self.o.eq(register[: LAYER_WORD.size])]
        m.d.sync += [arriving.eq(reading), ending.eq(reading & last), self.o_fetched.eq(ending)]
        with m.If(arriving):
            m.d.sync += register.eq(Cat(register[32:], read.data))
        return m
