"""Walks through one layer: which bytes the array reads when, and what it does with them."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.formats import LayerOp

from .pool import Divider
from .words import ADDRESS_BITS, LAYER_WORD, flow, outcomes, reading, step

BYTE_BITS = ADDRESS_BITS + 2
"""A place in a row, which may lie before or after it."""
LINE_BITS = 18
"""Likewise a row or column number."""


class Countdown:
    """A loop that is left when one turn remains."""

    def __init__(self, name: str, bits: int):
        self.left = Signal(bits, name=f"{name}_left")
        self.last = Signal(name=f"{name}_last")

    def attach(self, m: Module) -> None:
        """Drive ``last``."""
        m.d.comb += self.last.eq(self.left == 1)

    def start(self, m: Module, turns: Value) -> None:
        """Begin with so many turns."""
        m.d.sync += self.left.eq(turns)

    def turn(self, m: Module) -> None:
        """One turn is over."""
        m.d.sync += self.left.eq(self.left - 1)


class Walk(wiring.Component):
    """One step a clock through the loops of a layer; addresses are running sums, without a multiplication.

    The outputs of a group drain ``requantisers`` at a time, so the last step of a group waits until the group
    before it has drained by the time this one arrives: the distance is the number of beats, and nothing behind this
    component ever has to stall. When an input byte waits for the write port, one beat more is left free.

    Parameters
    ----------
    c : Configuration

    Attributes
    ----------
    i_start : unsigned(1), in
        Begin, for one clock.
    i_layer : LAYER, in
        Steady until all results of the layer are written.
    i_input_waits : unsigned(1), in
    o_read : flow(reading), out
    o_step : flow(step), out
        Beside ``o_read``.
    o_weight : unsigned(16), out
        Address in the weight memory, beside ``o_read``.
    o_walking : unsigned(1), out
        Steps are still to come.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_start": In(1),
                "i_layer": In(LAYER_WORD),
                "i_input_waits": In(1),
                "o_read": Out(flow(reading(c))),
                "o_step": Out(flow(step(c))),
                "o_weight": Out(16),
                "o_walking": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The loops, the pace, the sums of two elements, and two registers that make addresses of the places."""
        m = Module()
        c = self._c
        layer = self.i_layer

        by_channels = Signal()  # groups of channels at one tap, instead of dot products
        m.d.comb += by_channels.eq(layer.op != LayerOp.CONV)

        # Where the walk stands. A place is a line's address plus a byte in the line.
        taps, rows = Countdown("taps", 16), Countdown("rows", 8)
        groups, columns, lines = Countdown("groups", 16), Countdown("columns", 16), Countdown("lines", 16)
        for loop in (taps, rows, groups, columns, lines):
            loop.attach(m)
        line, line_of_output = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        row, row_of_output = Signal(signed(LINE_BITS)), Signal(signed(LINE_BITS))
        byte, byte_of_group, byte_of_pixel = (
            Signal(signed(BYTE_BITS)),
            Signal(signed(BYTE_BITS)),
            Signal(signed(BYTE_BITS)),
        )
        column, column_of_pixel = Signal(signed(LINE_BITS)), Signal(signed(LINE_BITS))
        channels = Signal(16)
        weight, weight_column = Signal(16), Signal(range(c.columns))
        elements, address_1, address_2 = Signal(24), Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        begins_group, begins_pixel = Signal(), Signal()

        taps_a_row, bytes_a_tap = Signal(16), Signal(16)
        channels_a_group, bytes_a_group = Signal(range(outcomes(c) + 1)), Signal(range(c.lanes + 1))
        m.d.sync += [
            taps_a_row.eq(Mux(by_channels, layer.kernel_w, layer.chunks)),
            bytes_a_tap.eq(Mux(by_channels, layer.in_c, c.lanes)),
            channels_a_group.eq(Mux(by_channels, c.lanes, c.columns)),
            bytes_a_group.eq(Mux(by_channels, c.lanes, 0)),
        ]

        ends_group = taps.last & rows.last
        count = Signal(range(outcomes(c) + 1))
        m.d.comb += count.eq(Mux(channels > channels_a_group, channels_a_group, channels))

        # The pace: outputs that the last group still owes to the requantiser.
        owed = Signal(range(outcomes(c) + c.requantisers + 1))
        wait = Signal(range(Divider.CLOCKS))
        may_end = Signal()
        m.d.comb += may_end.eq((owed <= c.requantisers) & (wait == 0))
        slow = layer.op == LayerOp.AVERAGE_POOL
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += owed.eq(Mux(owed > c.requantisers, owed - c.requantisers, 0))
            with m.If(slow & (owed > c.requantisers)):
                m.d.sync += wait.eq(Divider.CLOCKS - 1)

        def owe() -> None:
            m.d.sync += owed.eq(count + Mux(self.i_input_waits, c.requantisers, 0))
            with m.If(slow):
                m.d.sync += wait.eq(Divider.CLOCKS - 1)

        def next_weight() -> None:
            with m.If((layer.op == LayerOp.DEPTHWISE) & ~ends_group & (weight_column != c.columns - 1)):
                m.d.sync += weight_column.eq(weight_column + 1)
            with m.Else():
                m.d.sync += [weight_column.eq(0), weight.eq(weight + 1)]

        def first_weight() -> None:
            m.d.sync += [weight_column.eq(0), weight.eq(layer.weight_base)]

        def next_tap() -> None:
            taps.turn(m)
            m.d.sync += [byte.eq(byte + bytes_a_tap), column.eq(column + 1)]

        def next_row() -> None:
            taps.start(m, taps_a_row)
            rows.turn(m)
            m.d.sync += [
                row.eq(row + 1),
                line.eq(line + layer.row_bytes),
                byte.eq(byte_of_group),
                column.eq(column_of_pixel),
            ]

        def first_row() -> None:
            taps.start(m, taps_a_row)
            rows.start(m, layer.kernel_h)
            m.d.sync += [row.eq(row_of_output), line.eq(line_of_output)]

        def next_group() -> None:
            first_row()
            groups.turn(m)
            place = byte_of_group + bytes_a_group
            m.d.sync += [
                byte_of_group.eq(place),
                byte.eq(place),
                column.eq(column_of_pixel),
                channels.eq(channels - channels_a_group),
            ]

        def pixel_at(place: Any, number: Any) -> None:
            groups.start(m, layer.groups)
            m.d.sync += [byte_of_pixel.eq(place), byte_of_group.eq(place), byte.eq(place)]
            m.d.sync += [column_of_pixel.eq(number), column.eq(number), channels.eq(layer.out_c)]

        def next_pixel() -> None:
            first_row()
            columns.turn(m)
            pixel_at(byte_of_pixel + layer.step_x, column_of_pixel + layer.stride_w)

        def line_at(address: Any, number: Any) -> None:
            taps.start(m, taps_a_row)
            rows.start(m, layer.kernel_h)
            columns.start(m, layer.out_w)
            pixel_at(-layer.lead_x, -layer.pad_left)
            m.d.sync += [line_of_output.eq(address), line.eq(address), row_of_output.eq(number), row.eq(number)]

        # What leaves in this clock.
        issues = Signal()
        place = data.StructLayout(
            {"line": ADDRESS_BITS, "byte": signed(BYTE_BITS), "inside": 1, "whole": 1, "weight": 16, "step": step(c)}
        )
        now = Signal(place)
        row_inside = (row >= 0) & (row < layer.in_h)
        column_inside = (column >= 0) & (column < layer.in_w)
        m.d.comb += [
            now.line.eq(line),
            now.byte.eq(byte),
            now.inside.eq(row_inside & (column_inside | ~by_channels)),
            now.whole.eq(by_channels),
            now.weight.eq(weight),
            now.step.first.eq(begins_group),
            now.step.last.eq(ends_group),
            now.step.fresh.eq(begins_pixel),
            now.step.inside.eq(now.inside),
            now.step.column.eq(weight_column),
            now.step.count.eq(count),
        ]

        with m.FSM(name="walk") as walk:
            m.d.comb += self.o_walking.eq(~walk.ongoing("REST"))
            with m.State("REST"):
                line_at(layer.in_address - layer.lead_y, -layer.pad_top)
                lines.start(m, layer.out_h)
                first_weight()
                m.d.sync += [begins_group.eq(1), begins_pixel.eq(1)]
                m.d.sync += [
                    address_1.eq(layer.in_address),
                    address_2.eq(layer.in2_address),
                    elements.eq(layer.elements),
                ]
                with m.If(self.i_start):
                    with m.If(layer.op == LayerOp.ADD):
                        m.next = "TAKE_FIRST"
                    with m.Else():
                        m.next = "ACCUMULATE"

            with m.State("ACCUMULATE"), m.If(~ends_group | may_end):
                m.d.comb += issues.eq(1)
                m.d.sync += [begins_group.eq(ends_group), begins_pixel.eq(begins_pixel & ~ends_group)]
                next_weight()
                with m.If(~taps.last):
                    next_tap()
                with m.Elif(~rows.last):
                    next_row()
                with m.Else():
                    owe()
                    with m.If(~groups.last):
                        next_group()
                    with m.Else():
                        m.d.sync += begins_pixel.eq(1)
                        first_weight()
                        with m.If(~columns.last):
                            next_pixel()
                        with m.Elif(~lines.last):
                            lines.turn(m)
                            line_at(line_of_output + layer.step_y, row_of_output + layer.stride_h)
                        with m.Else():
                            m.next = "REST"

            with m.State("TAKE_FIRST"):
                m.d.comb += [issues.eq(1), now.line.eq(address_1), now.step.second.eq(0)]
                m.d.sync += address_1.eq(address_1 + c.requantisers)
                m.next = "TAKE_SECOND"

            with m.State("TAKE_SECOND"):
                m.d.comb += [issues.eq(1), now.line.eq(address_2), now.step.second.eq(1)]
                m.d.comb += now.step.count.eq(Mux(elements > c.requantisers, c.requantisers, elements))
                m.d.sync += [address_2.eq(address_2 + c.requantisers), elements.eq(elements - c.requantisers)]
                m.next = "TAKE_FIRST"
                with m.If(elements <= c.requantisers):
                    m.next = "REST"

        with m.If(walk.ongoing("TAKE_FIRST") | walk.ongoing("TAKE_SECOND")):
            m.d.comb += [now.byte.eq(0), now.inside.eq(1), now.whole.eq(1)]

        # First register: the place, and what is left of the row. Second: the address, and the lanes inside.
        then = Signal(place)
        rest = Signal(signed(BYTE_BITS + 1))
        is_then = Signal()
        m.d.sync += is_then.eq(issues)
        with m.If(issues):
            m.d.sync += [then.eq(now), rest.eq(layer.row_bytes - now.byte)]

        m.d.sync += [self.o_read.valid.eq(is_then), self.o_step.valid.eq(is_then)]
        with m.If(is_then):
            read = self.o_read.payload
            m.d.sync += [
                read.address.eq(then.line + then.byte),
                read.first.eq(Mux(then.whole | (then.byte >= 0), 0, _at_most(-then.byte, c.lanes))),
                read.end.eq(Mux(then.whole, c.lanes, Mux(rest < 0, 0, _at_most(rest, c.lanes)))),
                self.o_weight.eq(then.weight),
                self.o_step.payload.eq(then.step),
            ]
            with m.If(~then.inside):
                m.d.sync += read.end.eq(0)
        return m


def _at_most(value: Any, limit: int) -> Value:
    return Mux(value > limit, limit, value)
