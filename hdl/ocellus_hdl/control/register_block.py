"""One stage's registers: the fields of a layout, each at an address of its own."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.formats import Block

from ..layouts import struct


class RegisterBlock(wiring.Component):
    """Registers that a host writes and reads and a stage sees as one struct.

    An address is found in one clock and used in the next, by a read or a write: the way there is long enough for a
    clock. A write shows at ``o`` in the clock after it. Written data is cut to the field; signed fields read back with
    their sign extended to 32 bits. Other addresses swallow writes and read 0.

    Parameters
    ----------
    block : Block
        Base address and fields.
    status : bool
        The stage sets the fields (port ``i``), writes are swallowed.
    start : int, or None
        The fields as a packed word, from power-on. They, and what is written later, outlast a reset; without it a reset
        makes them 0.

    Attributes
    ----------
    i_address : 16, in
        Byte address.
    i_data : 32, in
    i_write : 1, in
        ``i_data`` goes to the address of the clock before.
    o_data : 32, out
        The field at the address of two clocks before.
    o : block.layout, out
        The fields; absent with ``status``.
    i : block.layout, in
        The fields; present with ``status`` alone.
    """

    i_address: Signal
    i_data: Signal
    i_write: Signal
    o_data: Signal
    o: data.View
    i: data.View

    def __init__(self, block: Block, *, status: bool = False, start: int | None = None):
        fields = struct(block.layout)
        super().__init__(
            {
                "i_address": In(16),
                "i_data": In(32),
                "i_write": In(1),
                "o_data": Out(32),
                **({"i": In(fields)} if status else {"o": Out(fields)}),
            }
        )
        self._block = block
        self._status = status
        self._start = start

    def elaborate(self, platform: object) -> Module:
        """A bit for each item of each field."""
        m = Module()
        layout, start = self._block.layout, self._start
        init = None if start is None else layout.unpack(start)
        fields = Signal(struct(layout), init=init, reset_less=start is not None)
        if self._status:
            m.d.comb += fields.eq(self.i)
        else:
            m.d.comb += self.o.eq(fields)

        places = [(field, index) for field in layout.fields for index in range(field.count)]
        asked = Signal(len(places))
        answer = Const(0, 32)
        for bit, (field, index) in zip(asked, places, strict=True):
            item = fields[field.name][index] if field.count > 1 else fields[field.name]
            m.d.sync += bit.eq(self.i_address == self._block.address(field.name, index))
            answer |= Mux(bit, item, 0)
            if not self._status:
                with m.If(bit & self.i_write):
                    m.d.sync += item.eq(self.i_data)
        m.d.sync += self.o_data.eq(answer)
        return m
