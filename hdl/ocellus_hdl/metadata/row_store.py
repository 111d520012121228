"""Keeps four rows of a heat map, so that a cell can be compared with its neighbours while the next row arrives."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ocellus.formats import METADATA_SETTINGS, TENSOR_BYTE

from ..layouts import struct

ROWS = 4
ROW_BYTES = 1024
BOX_CHANNELS = 4

PLACE = data.StructLayout({"byte": range(ROW_BYTES), "row": range(ROWS)})
"""Address in the store: a byte of a row, and the row modulo :data:`ROWS`."""


class RowStore(wiring.Component):
    """A ring of rows: the one being read, its two neighbours, and the one that arrives.

    One byte a clock in and a clock more a row, until the next row would overwrite one that is still wanted; one byte a
    clock out, a clock after its place was given. Bytes beyond the grid are swallowed; a row that the tensor's end cuts
    short is not counted.

    Attributes
    ----------
    i : stream(TENSOR_BYTE), in
        The heat map, row, column, channel order.
    i_settings : METADATA_SETTINGS, in
        ``grid_w``, ``grid_h``, ``classes``.
    i_row : 9, in
        The row being read; those from the one above it on are kept.
    i_clear : 1, in
        Make ready for the next tensor.
    o_rows : 9, out
        Rows that are there whole.
    o_complete : 1, out
        No more rows will come.
    o_ended : 1, out
        The tensor's last byte was taken.
    i_place : PLACE, in
    o_value : signed 8, out
        The byte at the place of the clock before.
    """

    i: In(stream.Signature(struct(TENSOR_BYTE)))
    i_settings: In(struct(METADATA_SETTINGS))
    i_row: In(9)
    i_clear: In(1)
    o_rows: Out(9)
    o_complete: Out(1)
    o_ended: Out(1)
    i_place: In(PLACE)
    o_value: Out(signed(8))

    def elaborate(self, platform: object) -> Module:
        """Counters that know where a row ends, and the memory."""
        m = Module()
        settings = self.i_settings
        m.submodules.memory = memory = Memory(shape=signed(8), depth=ROWS * ROW_BYTES, init=[])
        writes = memory.write_port()
        reads = memory.read_port()
        m.d.comb += [reads.addr.eq(self.i_place), self.o_value.eq(reads.data)]

        place = Signal(PLACE)
        cell = Signal(8)
        channel = Signal(5)
        last_cell = Signal()  # known a clock late: a cell has five bytes and more
        wanted = Signal()
        room = Signal()
        # A row may come when it is at most two below the one being read: with the row above that makes four.
        m.d.comb += [
            wanted.eq(self.o_rows != settings.grid_h),
            self.o_complete.eq(self.o_ended | ~wanted),
            self.i.ready.eq(~self.o_ended & room),
            writes.addr.eq(place),
            writes.data.eq(self.i.payload.value),
            writes.en.eq(self.i.valid & self.i.ready & wanted),
        ]
        m.d.sync += last_cell.eq(cell + 1 == settings.grid_w)
        m.d.sync += room.eq(~wanted | (self.o_rows < self.i_row + ROWS - 1))
        with m.If(writes.en):
            m.d.sync += [place.byte.eq(place.byte + 1), channel.eq(channel + 1)]
            with m.If(channel == settings.classes + (BOX_CHANNELS - 1)):
                m.d.sync += [channel.eq(0), cell.eq(cell + 1)]
                with m.If(last_cell):
                    m.d.sync += [
                        cell.eq(0),
                        place.byte.eq(0),
                        place.row.eq(place.row + 1),
                        self.o_rows.eq(self.o_rows + 1),
                        room.eq(0),
                    ]
        with m.If(self.i.valid & self.i.ready & self.i.payload.last):
            m.d.sync += self.o_ended.eq(1)
        with m.If(self.i_clear):
            m.d.sync += [
                self.o_ended.eq(0),
                self.o_rows.eq(0),
                place.eq(0),
                cell.eq(0),
                channel.eq(0),
            ]
        return m
