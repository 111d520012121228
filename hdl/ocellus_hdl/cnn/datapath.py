"""Everything behind the walk: memory, array, requantiser, epilogues."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Module, Mux, ResetInserter, ShapeLike, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import Epilogue, LayerOp

from .array import Array
from .cells import copies, passing
from .combiner import Combiner
from .contents import NOTHING, Contents
from .drain import Drain
from .groups import DEPTH, Groups, queued
from .operands import array_step
from .parameters import FETCH, Parameters
from .requantise import Requantise
from .scale import Scale
from .weights import Weights
from .wheel import Wheel, digits
from .windows import WindowStore
from .words import (
    ADDRESS_BITS,
    LOAD,
    LOOK,
    SECOND,
    SETS,
    WINDOWS_REQUEST,
    beat_pixels,
    command,
    flow,
    incoming,
    tapped,
    word,
)
from .writer import Writer, finished

CHOSEN = 32
"""So many bits of a finished beat hang on one copy of what chooses between two."""


class Datapath(wiring.Component):
    """A command a clock; no backpressure: every command takes the same way in the same time.

    Rules for those who command:

    - from the end of a group to the next one's: at least ``beats`` clocks where the first is a POINT. With an epilogue
      ``beats * beat_pixels * outputs / combiners``, for windows ``lanes / combiners + 1``, since their beat takes the
      lanes for a clock in which no element can;
    - behind a group with an epilogue, none of another layer before ``~o_combining``, which rises a clock after the
      group's ``last``;
    - fetches keep the distances of :class:`~.parameters.Parameters`.

    Parameters
    ----------
    c : Configuration
    contents : Contents
        Of tables, weights and parameters from power-on.

    Attributes
    ----------
    i : flow(command), in
    i_arithmetic : unsigned(1), in
        ``Arithmetic``; steady.
    i_second : SECOND, in
        Steady while ``o_combining``.
    i_windows : stream(WINDOWS_REQUEST), in
    o_group : unsigned(1), out
        The last set of a group's window weights is on its way: commands from the next clock on find it.
    i_input : stream(incoming), in
    i_look : flow(LOOK), in
        While no command comes.
    o_look : flow(word), out
        ``Wheel.latency`` clocks later.
    i_load : flow(LOAD), in
        While nothing runs.
    i_forget : unsigned(1), in
        The window weights in store are of a network that is gone.
    o_done : unsigned(1), out
        The last result of a step is on its way into the memory: a command in this clock reads it.
    o_soon : unsigned(1), out
        ``o_done`` in the next clock.
    o_combining : unsigned(1), out
        Some group with an epilogue is between its last command and the clock in which its last write is on its way.
    o_tap : flow(tapped), out
    """

    def __init__(self, c: Configuration, contents: Contents = NOTHING):
        self._c = c
        self._contents = contents
        super().__init__(
            {
                "i": In(flow(command(c))),
                "i_arithmetic": In(1),
                "i_second": In(SECOND),
                "i_windows": In(stream.Signature(WINDOWS_REQUEST)),
                "o_group": Out(1),
                "i_input": In(stream.Signature(incoming(c))),
                "i_look": In(flow(LOOK)),
                "o_look": Out(flow(word(c))),
                "i_load": In(flow(LOAD)),
                "i_forget": In(1),
                "o_done": Out(1),
                "o_soon": Out(1),
                "o_combining": Out(1),
                "o_tap": Out(flow(tapped(c))),
            }
        )

    @staticmethod
    def latency(c: Configuration, op: LayerOp, epilogue: Epilogue = Epilogue.PLAIN) -> int:
        """Clocks from a group's ``last`` command to ``o_done``; with an epilogue, when the one before it is through."""
        point = op is LayerOp.POINT
        beats = c.beats if point else 1
        first_pass = Wheel.latency(c) + Array.latency(c) + Requantise.LATENCY
        if epilogue is Epilogue.PLAIN:
            return first_pass + beats - 1 + 2
        elements = beats * (c.beat_pixels * c.outputs if point else c.lanes) // c.combiners
        arithmetic = 2 if epilogue is Epilogue.TABLE else Scale.LATENCY + 4 + Requantise.LATENCY
        return first_pass + 3 + elements - 1 + arithmetic + 3

    def elaborate(self, platform: object) -> Module:
        """The parts, chained as the data flows; what belongs to a word waits until the word arrives."""
        m = Module()
        c = self._c
        m.submodules.wheel = wheel = Wheel(c)
        m.submodules.array = array = Array(c)
        m.submodules.drain = drain = Drain(c)
        m.submodules.groups = groups = Groups(c)
        m.submodules.requantise = requantise = Requantise(c)
        m.submodules.combiner = combiner = Combiner(c, self._contents.tables)
        wiring.connect(m, wiring.flipped(self.i_load), combiner.i_load)
        m.submodules.writer = writer = Writer(c)
        given = self.i.payload
        is_point = given.op == LayerOp.POINT

        read, look = wheel.i_read.payload, self.i_look
        m.d.comb += [
            wheel.i_read.valid.eq(self.i.valid | look.valid),
            read.turns.eq(Mux(look.valid, digits(m, c, look.payload.base), digits(m, c, given.base))),
            read.line[0].eq(Mux(look.valid, look.payload.line, given.line[0])),
            *(read.line[j].eq(given.line[j]) for j in range(1, c.banks)),
            read.inside[0].eq(given.inside[0] | look.valid),
            *(read.inside[j].eq(given.inside[j]) for j in range(1, c.banks)),
            read.fill.eq(given.fill),
            wheel.i_write.eq(writer.o),
        ]
        looks, _ = _later(m, platform, "look", look.valid, 0, {}, Wheel.latency(c))
        m.d.comb += [self.o_look.valid.eq(looks), self.o_look.payload.eq(wheel.o[0])]

        wiring.connect(m, array.o_operands, combiner.i_operands)

        # Array. A step arrives a clock before its words, its weights with them.
        fields = dict(array_step(c).members)
        sooner, soon = _later(m, platform, "soon", self.i.valid, given, fields, Wheel.latency(c) - 2)
        valid, step = _later(m, platform, "step", sooner, soon, fields, 1)
        m.d.comb += [
            array.i_soon.eq(wheel.o_soon),
            array.i_piece.far.eq(soon.spread[1]),
            array.i_piece.sub.eq(soon.sub),
            array.i_view.looks.eq(sooner & (soon.op != LayerOp.POINT) & ~soon.operand),
            array.i_view.edge.eq(soon.edge),
            array.i.valid.eq(valid),
            array.i.payload.eq(step),
            array.i_slots.eq(wheel.o),
            array.i_fill.eq(wheel.o_fill),
        ]
        self._weights(m, platform, array, given, is_point)

        # Requantiser.
        wiring.connect(m, array.o_soon, drain.i_soon)
        wiring.connect(m, drain.o, requantise.i)
        m.d.comb += [
            drain.i_point.eq(array.o_point),
            drain.i_window.eq(array.o_window),
            requantise.i_windows.eq(drain.o_windows),
            requantise.i_value.eq(drain.o_value),
            requantise.i_single.eq(self.i_arithmetic),
            requantise.i_terms.eq(self.i_second),
        ]
        self._parameters(m, platform, drain, requantise, given, is_point)
        ends = self.i.valid & given.last
        wiring.connect(m, requantise.o_beat, groups.i_beat)
        m.d.comb += [
            groups.i.valid.eq(ends),
            groups.i.payload.point.eq(is_point),
            *(groups.i.payload[name].eq(given[name]) for name in queued(c).members if name != "point"),
            requantise.i_tag.eq(groups.o),
        ]

        # Epilogues, and the writer: results without one come at other times than those with one.
        first, second = requantise.o, combiner.o
        has_epilogue = first.payload.tag.epilogue != Epilogue.PLAIN
        wiring.connect(m, combiner.o_second, requantise.i_second)
        wiring.connect(m, requantise.o_second, combiner.i_second)
        m.d.comb += combiner.i_soon.eq(requantise.o_soon)
        wiring.connect(m, wiring.flipped(self.i_input), writer.i_input)
        plain = first.valid & ~has_epilogue
        ones, others = second.payload.as_value(), first.payload.as_value()
        choices = copies(m, platform, combiner.o_next, -(-len(ones) // CHOSEN), "second")
        parts = [slice(CHOSEN * k, CHOSEN * (k + 1)) for k in range(len(choices))]
        m.d.comb += [
            combiner.i.valid.eq(first.valid & has_epilogue),
            combiner.i.payload.eq(first.payload),
            combiner.i_terms.eq(self.i_second),
            writer.i.valid.eq(plain | second.valid),
            writer.i.payload.eq(Cat(Mux(one, ones[k], others[k]) for one, k in zip(choices, parts, strict=True))),
            self.o_done.eq(writer.o_done),
            self.o_soon.eq(writer.o_soon),
        ]

        # What is under way with an epilogue: at most as many groups as the tags have room for.
        combined = Signal(range(2 * DEPTH))
        begins_combining = ends & (given.epilogue != Epilogue.PLAIN)
        leaves, more = Signal(), Signal()
        soon = combiner.o_soon
        m.d.comb += more.eq(
            Mux(leaves, (combined > 2) | ((combined == 2) & ~soon), (combined > 1) | ((combined == 1) & ~soon))
        )
        m.d.sync += [
            leaves.eq(soon),  # with ``second``, the last beat of its group
            combined.eq(combined + begins_combining - leaves),
            self.o_combining.eq(begins_combining | more),
        ]
        self._tap(m, plain, second.valid, first.valid & has_epilogue, writer.i.payload, first.payload)
        return m

    def _weights(self, m: Module, platform: object, array: Array, given: data.View, is_point: Value) -> None:
        """A convolution's weights come from their memory; those of windows from their store, which fills in between."""
        c = self._c
        arrival = Wheel.latency(c)
        m.submodules.weights = weights = Weights(c, self._contents.weights)
        wiring.connect(m, wiring.flipped(self.i_load), weights.i_load)
        windows = WindowStore(c, arrival - 1)
        m.submodules.windows = ResetInserter(self.i_forget)(windows)
        wiring.connect(m, wiring.flipped(self.i_windows), windows.i_request)
        fields = {"weight": range(c.weight_words)}
        weighs = self.i.valid & is_point & ~given.operand
        reads, wanted = _later(m, platform, "wanted", weighs, given, fields, 1)
        (free,) = copies(m, platform, ~weighs, 1, "free")
        address = Signal(ADDRESS_BITS)
        valid, read = _later(
            m,
            platform,
            "weight",
            reads | windows.o_read.valid,
            {"weight": address},
            fields,
            arrival - 1 - Weights.LATENCY,
        )
        m.d.comb += [
            windows.i_free.eq(free),
            address.eq(Mux(reads, wanted.weight, windows.o_read.payload)),
            weights.i_read.valid.eq(valid),
            weights.i_read.payload.eq(read.weight),
            windows.i_word.eq(weights.o),
            array.i_weights.eq(weights.o),
            array.i_taps.eq(windows.o),
            self.o_group.eq(windows.o_group),
        ]
        fields = {"op": 2, "weight": range(SETS), "release": 1, "release_count": range(SETS + 1)}
        valid, read = _later(m, platform, "set", self.i.valid & ~is_point, given, fields, arrival - 2)
        m.d.comb += [
            windows.i_read.valid.eq(valid),
            windows.i_read.payload.number.eq(read.weight),
            windows.i_read.payload.maximum.eq(read.op == LayerOp.MAXIMUM),
            windows.i_release.valid.eq(valid & read.release),
            windows.i_release.payload.eq(read.release_count),
        ]

    def _parameters(
        self, m: Module, platform: object, drain: Drain, requantise: Requantise, given: data.View, is_point: Value
    ) -> None:
        """A fetch waits so that its set is complete when a group of one command takes it."""
        c = self._c
        m.submodules.parameters = parameters = Parameters(c, self._contents.parameters)
        wiring.connect(m, wiring.flipped(self.i_load), parameters.i_load)
        wait = Wheel.latency(c) - 1 + Array.latency(c) - Parameters.latency(c)
        wanted = Signal(FETCH)
        m.d.comb += [wanted.address.eq(given.parameter), wanted.point.eq(is_point)]
        fields = dict(FETCH.members)
        valid, fetch = _later(m, platform, "fetch", self.i.valid & given.fetch, wanted, fields, wait)
        m.d.comb += [
            parameters.i_fetch.valid.eq(valid),
            parameters.i_fetch.payload.eq(fetch),
            parameters.i_take.eq(drain.o_take),
            requantise.i_entries.eq(parameters.o),
        ]

    def _tap(self, m: Module, plain: Value, second: Value, passes: Value, written: Any, first: Any) -> None:
        """A first pass that comes with a written beat is shown behind it; written beats come more rarely than that."""
        c = self._c
        writes = plain | second
        held, holds = Signal(finished(c)), Signal()
        shown = Signal(finished(c))
        m.d.comb += shown.eq(Mux(writes, written.as_value(), Mux(holds, held.as_value(), first.as_value())))
        m.d.sync += [
            holds.eq((passes & (writes | holds)) | (holds & writes)),
            self.o_tap.valid.eq(writes | holds | passes),
        ]
        with m.If(passes):
            m.d.sync += held.eq(first)

        tap, tag = self.o_tap.payload, shown.tag
        with m.If(writes | holds | passes):
            m.d.sync += [
                tap.layer.eq(tag.layer),
                tap.op.eq(Mux(tag.point, LayerOp.POINT, LayerOp.WINDOW)),
                tap.epilogue.eq(tag.epilogue != Epilogue.PLAIN),
                tap.second.eq(second),
                tap.pixels.eq(tag.pixels),
                tap.sub.eq(tag.out_sub),
                tap.value.eq(shown.value),
                *(tap.line[j].eq(tag.line[j]) for j in range(beat_pixels(c))),
                *(tap.bank[j].eq(tag.bank[j]) for j in range(beat_pixels(c))),
            ]


def _later(
    m: Module, platform: object, name: str, valid: Value, payload: Any, fields: Mapping[str, ShapeLike], clocks: int
) -> tuple[Value, Any]:
    """``valid`` and some ``fields`` of ``payload``, ``clocks`` later."""
    shape = data.StructLayout(fields)
    row = Signal(shape, name=f"{name}_0")
    m.d.comb += [row[field].eq(payload[field]) for field in fields]
    for n in range(clocks):
        valid_after, after = Signal(name=f"{name}_valid_{n + 1}"), Signal(shape, name=f"{name}_{n + 1}")
        m.d.sync += valid_after.eq(valid)
        with m.If(passing(platform, valid)):
            m.d.sync += after.eq(row)
        valid, row = valid_after, after
    return valid, row
