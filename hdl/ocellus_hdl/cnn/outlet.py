"""Hands the output tensor out, byte by byte."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, ValueLike
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration

from .descriptor import HEADER, TENSOR
from .places import added, further, named, place
from .words import LOOK, flow, word


class Outlet(wiring.Component):
    """``word`` bytes in ``word + 2`` clocks and the memory's latency; stalls at ``o`` stand it still.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_start : unsigned(1), in
        Begin, for one clock.
    i_header : IMAGE_HEADER, in
    o_look : flow(LOOK), out
    i_seen : flow(word), in
        The answer.
    o : stream(TENSOR_BYTE), out
    o_done : unsigned(1), out
        The last byte is being taken.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_start": In(1),
                "i_header": In(HEADER),
                "o_look": Out(flow(LOOK)),
                "i_seen": In(flow(word(c))),
                "o": Out(stream.Signature(TENSOR)),
                "o_done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read a word, send its bytes, read the next: rows, columns, channels."""
        m = Module()
        c = self._c
        header = self.i_header
        at_row, at_pixel, at = Signal(place(c)), Signal(place(c)), Signal(place(c))
        rows, columns, channels = Signal(16), Signal(16), Signal(16)  # still to come, these included
        held = Signal(8 * c.word)
        here = Signal(range(c.word + 1))

        m.d.comb += [
            self.o_look.payload.base.eq(at.bank),
            self.o_look.payload.line.eq(at.line),
            self.o.payload.value.eq(held[:8]),
            self.o.payload.last.eq((rows == 1) & (columns == 1) & (channels == 1)),
        ]

        def begin_row(where: ValueLike) -> None:
            m.d.sync += [at_row.eq(where), columns.eq(header.output_columns)]
            begin_pixel(where)

        def begin_pixel(where: ValueLike) -> None:
            m.d.sync += [at_pixel.eq(where), at.eq(where), channels.eq(header.output_channels)]
            m.next = "LOOK"

        with m.FSM(name="outlet"):
            with m.State("REST"):
                m.d.sync += rows.eq(header.output_rows)
                with m.If(self.i_start):
                    begin_row(named(c, header, "output"))

            with m.State("LOOK"):
                m.d.comb += self.o_look.valid.eq(1)
                m.d.sync += [at.eq(added(c, at, named(c, header, "output_plane")))]
                m.next = "SEE"

            with m.State("SEE"):
                m.d.sync += [held.eq(self.i_seen.payload), here.eq(Mux(channels < c.word, channels, c.word))]
                with m.If(self.i_seen.valid):
                    m.next = "SEND"

            with m.State("SEND"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [held.eq(Cat(held[8:], Const(0, 8))), here.eq(here - 1), channels.eq(channels - 1)]
                    with m.If(here == 1):
                        m.next = "LOOK"
                    with m.If(channels == 1):
                        m.d.sync += columns.eq(columns - 1)
                        begin_pixel(further(c, at_pixel, 1))
                        with m.If(columns == 1):
                            m.d.sync += rows.eq(rows - 1)
                            begin_row(added(c, at_row, named(c, header, "output_row")))
                            with m.If(rows == 1):
                                m.d.comb += self.o_done.eq(1)
                                m.next = "REST"
        return m
