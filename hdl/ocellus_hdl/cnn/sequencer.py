"""Keeps the program, prepares one step after the other, and knows how far the inference has come."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, ValueLike, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ocellus.configurations import Configuration
from ocellus.program_formats import LayerOp

from .cells import copies
from .descriptor import HEADER, LAYER_WORD, STEP_WORD
from .words import WINDOWS_REQUEST, flow

LAYER_WORDS = LAYER_WORD.size // 32
STEP_WORDS = STEP_WORD.size // 32
UNDER_WAY = 16
"""Steps that may be begun and not complete."""
NEIGHBOURS = 5
"""Words of a descriptor that share what lets them move."""

PIECE = data.StructLayout({"address": 16, "data": 32})
"""A word of the program."""


class Sequencer(wiring.Component):
    """Ten clocks prepare a step, 26 more its layer when it is another than the last step's; the walk hides them.

    Parameters
    ----------
    c : Configuration
    program : 32-bit words
        The first words of the program from power-on; zeros follow.

    Attributes
    ----------
    i_write : flow(PIECE), in
        The program, while no inference runs.
    i_header : IMAGE_HEADER, in
    i_begin : unsigned(1), in
        A tensor begins to arrive: run.
    i_rows : unsigned(16), in
        Rows of it that have arrived.
    o_rests : unsigned(1), out
        No inference runs.
    o_waits : unsigned(1), out
        One does, but all its steps that were begun are complete, and the next one may not begin in the next clock, for
        want of rows.
    o_prepared, o_layer, o_step, o_go, i_takes
        To and from the walk.
    o_windows : stream(WINDOWS_REQUEST), out
        Weights of the step prepared.
    i_done : unsigned(1), in
        The oldest step under way is complete.
    i_soon : unsigned(1), in
        ``i_done`` in the next clock.
    o_freed : unsigned(16), out
        Input rows that nobody needs any more.
    o_deliver, i_delivered : unsigned(1)
        Hand the output tensor out; its last byte was taken.
    """

    def __init__(self, c: Configuration, program: Sequence[int] = ()):
        self._c = c
        self._program = program
        super().__init__(
            {
                "i_write": In(flow(PIECE)),
                "i_header": In(HEADER),
                "i_begin": In(1),
                "i_rows": In(16),
                "o_rests": Out(1),
                "o_waits": Out(1),
                "o_prepared": Out(1),
                "o_layer": Out(LAYER_WORD),
                "o_step": Out(STEP_WORD),
                "o_go": Out(1),
                "i_takes": In(1),
                "o_windows": Out(stream.Signature(WINDOWS_REQUEST)),
                "i_done": In(1),
                "i_soon": In(1),
                "o_freed": Out(unsigned(16)),
                "o_deliver": Out(1),
                "i_delivered": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """One machine prepares steps, counters follow those under way."""
        m = Module()
        c = self._c
        m.submodules.memory = memory = Memory(shape=32, depth=c.program_words, init=self._program)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(self.i_write.valid),
            write.addr.eq(self.i_write.payload.address),
            write.data.eq(self.i_write.payload.data),
        ]

        def register(shape: data.StructLayout, name: str) -> tuple[data.View, Signal]:
            """A register that words move into at its upper end, and what lets them do so in the next clock."""
            words = shape.size // 32
            kept, moves = Signal(shape, name=name, reset_less=True), Signal(name=f"{name}_moves")
            enables = copies(m, platform, moves, -(-words // NEIGHBOURS), f"{name}_enable")
            parts = [kept.as_value()[32 * n :][:32] for n in range(words)]
            for n, above in enumerate([*parts[1:], read.data]):
                with m.If(enables[n // NEIGHBOURS]):
                    m.d.sync += parts[n].eq(above)
            return kept, moves

        layer, layer_moves = register(LAYER_WORD, "layer")
        step, step_moves = register(STEP_WORD, "step")
        held, holds = Signal(8), Signal()  # the layer that is here
        steps_at = Signal(16)
        asked, came, left = Signal(16), Signal(), Signal(6)
        requested, prepares = Signal(), Signal()  # prepares: in that state
        taken, complete = Signal(16), Signal(16)
        # What becomes complete in this clock counts already. The answer is a register, since it lies far from the
        # results and from the walk; so are the comparisons that it is made of, for either case.
        enough, one_less, two_less, came_rows = Signal(), Signal(), Signal(), Signal()
        enough_done = Signal()  # those are complete that the next step waits for
        after = step.after
        m.d.sync += [
            enough.eq(Mux(self.i_done, complete + 1 >= after, complete >= after)),
            one_less.eq(Mux(self.i_done, complete + 2 == after, complete + 1 == after)),
            two_less.eq(Mux(self.i_done, complete + 3 == after, complete + 2 == after)),
            enough_done.eq(enough | (one_less & (self.i_done | self.i_soon)) | (two_less & self.i_done & self.i_soon)),
            came_rows.eq(self.i_rows >= step.wait_rows),
        ]

        m.submodules.under_way = under_way = fifo.SyncFIFOBuffered(width=16, depth=UNDER_WAY)
        m.d.comb += [
            under_way.w_en.eq(self.i_takes),
            under_way.w_data.eq(step.free_rows),
            under_way.r_en.eq(self.i_done),
            self.o_layer.eq(layer),
            self.o_step.eq(step),
            self.o_go.eq(enough_done & came_rows & under_way.w_rdy),
            read.en.eq(1),
            read.addr.eq(asked),
        ]
        # A step that lacks results is not waiting for rows: it begins when the last of them is written.
        settled = Signal()
        m.d.sync += settled.eq(complete == taken)
        m.d.comb += self.o_waits.eq(self.o_prepared & settled & ~came_rows)
        with m.If(self.i_takes):
            m.d.sync += taken.eq(taken + 1)
        with m.If(self.i_done):
            m.d.sync += [complete.eq(complete + 1), self.o_freed.eq(under_way.r_data)]

        def fetch(at: ValueLike, words: int, then: str) -> None:
            m.d.sync += [asked.eq(at), left.eq(words), came.eq(0)]
            m.next = then

        def arrive(moves: Signal) -> Value:
            """One word a clock into the register that ``moves`` belongs to; its last word is arriving."""
            ends = came & (left == 1)
            m.d.sync += [asked.eq(asked + 1), came.eq(1)]
            m.d.comb += moves.eq(~ends)
            with m.If(came):
                m.d.sync += left.eq(left - 1)
            return ends

        needs_windows = (layer.op == LayerOp.WINDOW) & ~requested
        m.d.comb += [
            self.o_windows.valid.eq(prepares & needs_windows),
            self.o_windows.payload.address.eq(layer.weight_base),
            self.o_windows.payload.sets.eq(layer.sets),
            self.o_windows.payload.word_sets.eq(layer.word_sets),
        ]

        # Where layer n begins: 25 * n.
        begins = Signal(16)
        m.d.comb += begins.eq((step.layer << 4) + (step.layer << 3) + step.layer)

        with m.FSM(name="sequencer"):
            with m.State("REST"):
                m.d.comb += self.o_rests.eq(1)
                m.d.sync += [holds.eq(0), taken.eq(0), complete.eq(0), self.o_freed.eq(0)]
                layers = self.i_header.layers
                m.d.sync += steps_at.eq((layers << 4) + (layers << 3) + layers)
                with m.If(self.i_begin):
                    fetch(steps_at, STEP_WORDS, "FETCH_STEP")

            with m.State("FETCH_STEP"), m.If(arrive(step_moves)):
                m.d.sync += steps_at.eq(steps_at + STEP_WORDS)
                m.next = "COMPARE"

            with m.State("COMPARE"):
                m.d.sync += requested.eq(0)
                fetch(begins, LAYER_WORDS, "FETCH_LAYER")
                with m.If(holds & (held == step.layer)):
                    m.d.sync += prepares.eq(1)
                    m.next = "PREPARED"

            with m.State("FETCH_LAYER"), m.If(arrive(layer_moves)):
                m.d.sync += [held.eq(step.layer), holds.eq(1), prepares.eq(1)]
                m.next = "PREPARED"

            with m.State("PREPARED"):
                m.d.sync += self.o_prepared.eq(~needs_windows & ~self.i_takes)
                with m.If(self.o_windows.ready):
                    m.d.sync += requested.eq(1)
                with m.If(self.i_takes):
                    m.d.sync += prepares.eq(0)
                    with m.If(step.last):
                        m.next = "COMPLETE"
                    with m.Else():
                        fetch(steps_at, STEP_WORDS, "FETCH_STEP")

            with m.State("COMPLETE"), m.If(complete == taken):
                m.next = "DELIVER"

            with m.State("DELIVER"):
                m.d.comb += self.o_deliver.eq(1)
                m.next = "AWAIT_DELIVERY"

            with m.State("AWAIT_DELIVERY"), m.If(self.i_delivered):
                m.next = "REST"
        return m
