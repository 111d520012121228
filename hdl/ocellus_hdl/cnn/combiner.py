"""Epilogues: a finished byte and a second operand become a sum or a product; or a table is looked up."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import Epilogue

from .cells import copies
from .groups import beat_tag
from .operands import second_operands
from .requantise import ELEMENT
from .scale import Scale
from .words import LOAD, SECOND, Section, flow, own_loads
from .writer import finished

DEPTH = 16
"""Beats, and groups of second operands, that wait."""


class Combiner(wiring.Component):
    """``combiners`` elements a clock, in order; no backpressure, since groups come slowly enough.

    ADD: ``value - zero_point_1`` and ``+-(y - zero_point_2)``, each scaled (:class:`~.scale.Scale`), added; MULTIPLY:
    their product. Both go to the requantiser's lanes and come back as bytes. TABLE needs no lanes. All groups under
    way have the same epilogue.

    Parameters
    ----------
    c : Configuration
    tables : 32-bit words
        The first words of the tables from power-on; zeros follow.

    Attributes
    ----------
    i : flow(finished), in
        First pass of a layer with an epilogue.
    i_operands : flow(second_operands), in
        Of its groups, in order.
    i_terms : SECOND, in
        Steady.
    i_load : flow(LOAD), in
    o_second : stream(ELEMENT for each combiner), out
        A few clocks of waiting for each beat.
    i_second : flow(byte for each combiner), in
    i_soon : unsigned(1), in
        ``i_second`` is valid in the next clock.
    o : flow(finished), out
        For one clock.
    o_next : unsigned(1), out
        ``o`` is valid in the next clock.
    o_soon : unsigned(1), out
        In the next clock, the last beat of a group.
    """

    def __init__(self, c: Configuration, tables: Sequence[int] = ()):
        self._c = c
        self._tables = tables
        super().__init__(
            {
                "i": In(flow(finished(c))),
                "i_operands": In(flow(second_operands(c))),
                "i_terms": In(SECOND),
                "i_load": In(flow(LOAD)),
                "o_second": Out(stream.Signature(data.ArrayLayout(ELEMENT, c.combiners))),
                "i_second": In(flow(data.ArrayLayout(signed(8), c.combiners))),
                "i_soon": In(1),
                "o": Out(flow(finished(c))),
                "o_next": Out(1),
                "o_soon": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Queues, a beat that moves down by elements, the arithmetic, and a beat that fills up."""
        m = Module()
        c = self._c
        n = c.combiners
        size = c.beat_pixels * c.outputs

        def queue(name: str, shape: Any) -> tuple[Any, Any]:
            m.submodules[name] = words = memory.Memory(shape=shape, depth=DEPTH, init=[])
            return words.write_port(), words.read_port(domain="comb")

        ends = ("tail", "head", "taken", "done")  # taken: where the head was a clock ago
        tail, head, taken, done = (Signal(range(DEPTH), name=f"beats_{name}") for name in ends)
        write_values, values = queue("values", finished(c).members["value"])
        kinds = data.StructLayout({"point": 1, "last": 1, "epilogue": 2})
        write_kinds, kind_read = queue("kinds", kinds)
        write_tags, tags = queue("tags", beat_tag(c))
        tag = self.i.payload.tag
        m.d.comb += [
            write_values.data.eq(self.i.payload.value),
            write_tags.data.eq(tag),
            *(write_kinds.data[name].eq(tag[name]) for name in kinds.members),
            kind_read.addr.eq(head),
            values.addr.eq(taken),
            tags.addr.eq(done),
        ]
        for port in (write_values, write_kinds, write_tags):
            m.d.comb += [port.addr.eq(tail), port.en.eq(self.i.valid)]
        with m.If(self.i.valid):
            m.d.sync += tail.eq(tail + 1)

        operands_tail, operands_head, operands_taken = (Signal(range(DEPTH)) for _ in range(3))
        write_operands, operands = queue("operands", second_operands(c))
        m.d.comb += [
            write_operands.data.eq(self.i_operands.payload),
            write_operands.en.eq(self.i_operands.valid),
            write_operands.addr.eq(operands_tail),
            operands.addr.eq(operands_taken),
        ]
        with m.If(self.i_operands.valid):
            m.d.sync += operands_tail.eq(operands_tail + 1)

        # The beat that is taken apart. ``number`` counts the beats of its group.
        left = Signal(range(c.lanes + 1))
        number = Signal(2)
        kind = Signal(kinds)
        loads = Signal()
        m.d.comb += loads.eq((left <= 1) & (head != tail))
        with m.If(loads):
            m.d.sync += [
                head.eq(head + 1),
                left.eq(Mux(kind_read.data.point, size // n, c.lanes // n)),
                kind.eq(kind_read.data),
                number.eq(Mux(kind_read.data.last, 0, number + 1)),
            ]
            with m.If(kind_read.data.last & (kind_read.data.epilogue != Epilogue.TABLE)):
                m.d.sync += operands_head.eq(operands_head + 1)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)

        # Its bytes, a clock later: what they all do comes from registers.
        x, y = Signal(8 * c.lanes), Signal(8 * c.lanes)
        load_x, load_y = copies(m, platform, loads, 2, "loaded")
        is_left, which, epilogue = Signal(), Signal.like(number), Signal.like(kind.epilogue)
        m.d.sync += [is_left.eq(left != 0), epilogue.eq(kind.epilogue), which.eq(number)]
        m.d.sync += [taken.eq(head), operands_taken.eq(operands_head)]
        with m.If(load_x):
            m.d.sync += x.eq(values.data)
        with m.Else():
            m.d.sync += x.eq(x >> 8 * n)
        for lane in range(c.lanes):
            byte = operands.data[lane]
            for k in range(1, c.beats):
                if lane < size:
                    byte = Mux(which == k, operands.data[lane + k * size], byte)
            after = y[8 * (lane + n) :][:8] if lane + n < c.lanes else 0
            m.d.sync += y[8 * lane : 8 * lane + 8].eq(Mux(load_y, byte, after))
        looks_up = epilogue == Epilogue.TABLE
        scales = Signal(Scale.LATENCY + 2)
        looks = Signal(2)
        m.d.sync += [
            scales.eq((scales << 1) | (is_left & ~looks_up)),
            looks.eq((looks << 1) | (is_left & looks_up)),
        ]

        m.submodules.waiting = waiting = fifo.SyncFIFOBuffered(width=ELEMENT.size * n, depth=DEPTH)
        elements = [self._element(m, k, x[8 * k :][:8], y[8 * k :][:8], epilogue) for k in range(n)]
        table_loads = own_loads(m, platform, self.i_load, Section.TABLES)
        found = [self._table(m, k, x[8 * k :][:8], table_loads) for k in range(n)]
        m.d.comb += [
            waiting.w_en.eq(scales[-1]),
            waiting.w_data.eq(Cat(elements)),
            self.o_second.valid.eq(waiting.r_rdy),
            self.o_second.payload.eq(waiting.r_data),
            waiting.r_en.eq(self.o_second.ready),
        ]

        # The beat that fills up, from its upper end.
        filled = Signal(range(c.lanes + 1))
        point = Signal()  # the same for all that is under way
        m.d.sync += point.eq(tags.data.point)
        whole_tag = Signal(beat_tag(c))
        arriving = Signal()
        m.d.sync += arriving.eq(self.i_soon | looks[0])
        new = Mux(looks[1], Cat(found), self.i_second.payload.as_value())
        beat = Signal(8 * c.lanes)
        whole, completes = Signal(), Signal()
        last_element = Mux(point, size // n, c.lanes // n) - 1
        m.d.comb += [
            completes.eq(arriving & (filled == last_element)),
            self.o_next.eq(completes),
            self.o_soon.eq(completes & tags.data.last),
        ]
        m.d.sync += whole.eq(completes)
        with m.If(arriving):
            m.d.sync += whole_tag.eq(tags.data)
            m.d.sync += filled.eq(Mux(filled == last_element, 0, filled + 1))
            moved = Cat(beat[8 * n :], new)
            end = 8 * size
            shorter = Cat(moved[: end - 8 * n], new, moved[end:]) if size < c.lanes else moved
            m.d.sync += beat.eq(Mux(point, shorter, moved))
        with m.If(whole):
            m.d.sync += done.eq(done + 1)
        m.d.comb += [self.o.valid.eq(whole), self.o.payload.value.eq(beat), self.o.payload.tag.eq(whole_tag)]
        return m

    def _element(self, m: Module, k: int, x: Any, y: Any, epilogue: Any) -> Any:
        """Both operands less their zero points, and what becomes of them."""
        terms = self.i_terms
        a, b = Signal(signed(9), name=f"a_{k}"), Signal(signed(9), name=f"b_{k}")
        m.d.sync += a.eq(x.as_signed() - terms.zero_point_1)
        flips = terms.subtract.replicate(8)  # -1 - y less -1 - z is z - y
        m.d.sync += b.eq((y ^ flips).as_signed() - (terms.zero_point_2.as_unsigned() ^ flips).as_signed())
        multiplies = epilogue == Epilogue.MULTIPLY
        m.submodules[f"scale_x_{k}"] = scale_x = Scale()
        m.submodules[f"scale_y_{k}"] = scale_y = Scale()
        m.d.comb += [
            scale_x.i.eq(a),
            scale_x.i_factor.eq(b),
            scale_x.i_multiplies.eq(multiplies),
            scale_x.i_multiplier.eq(terms.multiplier_1),
            scale_x.i_shift.eq(terms.shift_1),
            scale_y.i.eq(b),
            scale_y.i_multiplier.eq(terms.multiplier_2),
            scale_y.i_shift.eq(terms.shift_2),
        ]
        product = scale_x.o_product
        for _ in range(Scale.LATENCY - Scale.PRODUCT_LATENCY):
            later = Signal(signed(18))
            m.d.sync += later.eq(product)
            product = later
        element = Signal(ELEMENT, name=f"element_{k}")
        m.d.sync += [
            element.value.eq(Mux(multiplies, product, scale_x.o + scale_y.o + scale_x.o_carry)),
            element.carry.eq(~multiplies & scale_y.o_carry),
        ]
        return element

    def _table(self, m: Module, k: int, x: Any, loads: Any) -> Any:
        """The entry of byte ``x``, two clocks later."""
        c = self._c
        load = loads.payload
        init: Any = [[word >> 8 * n & 255 for n in range(4)] for word in self._tables]
        tables = memory.Memory(shape=data.ArrayLayout(8, 4), depth=64 * c.tables, init=init)
        m.submodules[f"tables_{k}"] = tables
        write, read = tables.write_port(), tables.read_port()
        index = x ^ 0x80
        which, byte = Signal(2, name=f"which_{k}"), Signal(8, name=f"found_{k}")
        m.d.comb += [
            write.en.eq(loads.valid),
            write.addr.eq(load.address),
            write.data.eq(load.data),
            read.addr.eq(Cat(index[2:], self.i_terms.table)),
        ]
        m.d.sync += [which.eq(index[:2]), byte.eq(read.data.as_value().word_select(which, 8))]
        return byte
