"""Two rows after the horizontal pass: one is filled while the other is used."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .words import CHANNELS, ROW_PIXEL, ROW_SUM_BITS


class RowStore(wiring.Component):
    """A row is there once its last column has come, and can be read any number of times until it is released.

    One column a clock in, one a clock out, data one clock after the address.

    Parameters
    ----------
    max_width : int
        Columns of the widest row.

    Attributes
    ----------
    i : stream(ROW_PIXEL), in
        Waits while both rows are full.
    o_full, o_last : out
        A row is there; it is the window's last.
    i_column, i_read : in
        Which column to read, and that ``o_sum`` takes it at this clock's end.
    o_sum : out
        The column's three sums.
    i_release : in
        The row is done with.
    """

    i: stream.Interface
    o_full: Signal
    o_last: Signal
    i_column: Signal
    i_read: Signal
    o_sum: Signal
    i_release: Signal

    def __init__(self, max_width: int):
        self._columns = ceil_log2(max_width)
        self._sums = data.ArrayLayout(ROW_SUM_BITS, CHANNELS)
        super().__init__(
            {
                "i": In(stream.Signature(ROW_PIXEL)),
                "o_full": Out(1),
                "o_last": Out(1),
                "i_column": In(self._columns),
                "i_read": In(1),
                "o_sum": Out(self._sums),
                "i_release": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One memory, two halves that change places."""
        m = Module()
        m.submodules.rows = rows = memory.Memory(shape=self._sums, depth=2 << self._columns, init=[])
        write = rows.write_port()
        read = rows.read_port()
        column = Signal(self._columns)
        filling = Signal()
        using = Signal()
        full = Array(Signal(name=f"full_{half}") for half in range(2))
        last = Array(Signal(name=f"last_{half}") for half in range(2))

        taken = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(~full[filling]),
            write.addr.eq(Cat(column, filling)),
            write.data.eq(self.i.payload.sum),
            write.en.eq(taken),
            read.addr.eq(Cat(self.i_column, using)),
            read.en.eq(self.i_read),
            self.o_sum.eq(read.data),
            self.o_full.eq(full[using]),
            self.o_last.eq(last[using]),
        ]
        with m.If(taken):
            m.d.sync += column.eq(column + 1)
            with m.If(self.i.payload.last_in_line):
                m.d.sync += [
                    column.eq(0),
                    filling.eq(~filling),
                    full[filling].eq(1),
                    last[filling].eq(self.i.payload.last_in_frame),
                ]
        with m.If(self.i_release):
            m.d.sync += [full[using].eq(0), using.eq(~using)]
        return m
