"""The activation memory: any ``lanes`` neighbouring bytes in a clock."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ocellus.configurations import Configuration

from .words import flow, reading, window, writing


class Activations(wiring.Component):
    """Two banks of ``lanes``-byte words, even words in one and odd words in the other.

    Unaligned bytes lie in two neighbouring words, hence in both banks: one read and one write a clock at any byte
    address. A read arrives after :attr:`READ_LATENCY` clocks; a write can be read by a read presented
    :attr:`WRITE_LATENCY` clocks later, what an earlier one sees is undefined. No backpressure. Lanes of a read that
    lie outside ``first`` to ``end - 1`` are ``i_fill``.

    Parameters
    ----------
    c : Configuration
        ``activation_bytes`` is a multiple of ``2 * lanes``.

    Attributes
    ----------
    i_read : flow(reading), in
    i_fill : signed(8), in
        Steady while reads are on their way.
    i_write : flow(writing), in
    o : window, out
        What was read.
    """

    READ_LATENCY = 3
    WRITE_LATENCY = 2

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_read": In(flow(reading(c))),
                "i_fill": In(signed(8)),
                "i_write": In(flow(writing(c))),
                "o": Out(window(c)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Read: banks, choose and half the rotation, the other half and the fill. Write: rotation, banks."""
        m = Module()
        c = self._c
        rows = c.activation_bytes // (2 * c.lanes)
        offset_bits = exact_log2(c.lanes)
        place = data.StructLayout({"offset": offset_bits, "odd": 1, "row": (rows - 1).bit_length()})
        word = data.ArrayLayout(8, c.lanes)

        m.submodules.even = even = memory.Memory(shape=word, depth=rows, init=[])
        m.submodules.odd = odd = memory.Memory(shape=word, depth=rows, init=[])
        read_even, read_odd = even.read_port(), odd.read_port()
        write_even, write_odd = even.write_port(granularity=1), odd.write_port(granularity=1)

        def located(address: Value) -> Any:
            return data.View(place, address[: place.size])

        # Read, first clock: when the word is odd, the one after it is even and lies a row further.
        at = located(self.i_read.payload.address)
        m.d.comb += [
            read_even.addr.eq(at.row + at.odd),
            read_odd.addr.eq(at.row),
            read_even.en.eq(self.i_read.valid),
            read_odd.en.eq(self.i_read.valid),
        ]
        request = data.StructLayout({"valid": 1, "offset": offset_bits, "odd": 1, **_bounds(c)})
        asked = Signal(request)
        m.d.sync += asked.valid.eq(self.i_read.valid)
        with m.If(self.i_read.valid):
            m.d.sync += [
                asked.offset.eq(at.offset),
                asked.odd.eq(at.odd),
                asked.first.eq(self.i_read.payload.first),
                asked.end.eq(self.i_read.payload.end),
            ]

        # Second clock: bytes before the offset come from the word after.
        this = [Mux(asked.odd, read_odd.data[p], read_even.data[p]) for p in range(c.lanes)]
        after = [Mux(asked.odd, read_even.data[p], read_odd.data[p]) for p in range(c.lanes)]
        chosen = [Mux(asked.offset > p, after[p], this[p]) for p in range(c.lanes)]
        half = offset_bits // 2
        turned = Signal(word)
        arrived = Signal(request)
        m.d.sync += arrived.valid.eq(asked.valid)
        with m.If(asked.valid):
            m.d.sync += arrived.eq(asked)
            for lane, byte in enumerate(_rotated(chosen, asked.offset, range(half))):
                m.d.sync += turned[lane].eq(byte)

        # Third clock.
        with m.If(arrived.valid):
            bytes_ = [turned[lane] for lane in range(c.lanes)]
            for lane, byte in enumerate(_rotated(bytes_, arrived.offset, range(half, offset_bits))):
                inside = (arrived.first <= lane) & (arrived.end > lane)
                m.d.sync += self.o[lane].eq(Mux(inside, byte, self.i_fill))

        # Write: rotating back by the offset is rotating on by lanes - offset.
        write = self.i_write.payload
        to = located(write.address)
        back = Signal(offset_bits)
        m.d.comb += back.eq(-to.offset)
        spare = c.lanes - c.requantisers
        data_in = [*(write.data[n] for n in range(c.requantisers)), *[Const(0, 8)] * spare]
        mask_in = [*(write.mask[n] for n in range(c.requantisers)), *[Const(0, 1)] * spare]
        placed = Signal(
            data.StructLayout({"data": word, "this": c.lanes, "after": c.lanes, "odd": 1, "row": rows.bit_length()})
        )
        writes = Signal()
        m.d.sync += writes.eq(self.i_write.valid)
        with m.If(self.i_write.valid):
            m.d.sync += [placed.odd.eq(to.odd), placed.row.eq(to.row)]
            for p, (byte, enable) in enumerate(
                zip(
                    _rotated(data_in, back, range(offset_bits)),
                    _rotated(mask_in, back, range(offset_bits)),
                    strict=True,
                )
            ):
                m.d.sync += [
                    placed.data[p].eq(byte),
                    placed.this[p].eq(enable & (to.offset <= p)),
                    placed.after[p].eq(enable & (to.offset > p)),
                ]
        m.d.comb += [
            write_even.addr.eq(placed.row + placed.odd),
            write_odd.addr.eq(placed.row),
            write_even.data.eq(placed.data),
            write_odd.data.eq(placed.data),
        ]
        with m.If(writes):
            m.d.comb += [
                write_even.en.eq(Mux(placed.odd, placed.after, placed.this)),
                write_odd.en.eq(Mux(placed.odd, placed.this, placed.after)),
            ]
        return m


def _bounds(c: Configuration) -> dict[str, Any]:
    return {name: field.shape for name, field in reading(c) if name != "address"}


def _rotated(items: Sequence[Value], by: Value, bits: range) -> list[Value]:
    """``items`` moved down by the given bits of ``by``: item n is ``items[(n + by) mod len(items)]``."""
    for k in bits:
        items = [Mux(by[k], items[(n + (1 << k)) % len(items)], items[n]) for n in range(len(items))]
    return list(items)
