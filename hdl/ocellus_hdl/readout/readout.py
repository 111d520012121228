"""The readout: timing, test patterns and the array interface, and a stream in which nothing is ever missing."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ocellus.formats import RAW_BEAT, RAW_WORD, READOUT_SETTINGS, TICKET, Pattern
from ocellus.settings import FrameFormat

from ..layouts import struct
from .elastic_store import ElasticStore
from .ledger import Ledger
from .patterns import Patterns
from .timing import Timing


class Readout(wiring.Component):
    """Four pixels a clock from the array or a pattern to ``o``, one ticket a frame; docs/readout.md has the rules.

    Two clocks from ``i`` to ``o``. With ``live`` set the timing never waits, and what cannot be kept is counted;
    without it the timing waits for the array and for ``o``, and nothing is lost.

    Parameters
    ----------
    frame : FrameFormat
    clock : int
        What the timestamps count from.

    Attributes
    ----------
    i : stream(RAW_WORD), in
        The pixel array; ``ready`` is high in the clocks in which it is read.
    o : stream(RAW_BEAT), out
    o_ticket : stream(TICKET), out
    o_frame_counter : 32, out
        Of the frame on ``o``, valid from its first beat to its last.
    i_settings : READOUT_SETTINGS, in
        Changed between frames alone.
    """

    i: In(stream.Signature(struct(RAW_WORD)))
    o: Out(stream.Signature(struct(RAW_BEAT)))
    o_ticket: Out(stream.Signature(struct(TICKET)))
    o_frame_counter: Out(32)
    i_settings: In(struct(READOUT_SETTINGS))

    def __init__(self, frame: FrameFormat, clock: int = 0):
        super().__init__()
        self._frame = frame
        self._clock = clock

    def elaborate(self, platform: object) -> Module:
        """Decide which frames are dropped, which lines are kept and which words are missing."""
        m = Module()
        m.submodules.timing = timing = Timing(self._frame)
        m.submodules.patterns = patterns = Patterns(self._frame)
        m.submodules.store = store = ElasticStore(self._frame)
        m.submodules.ledger = ledger = Ledger(self._clock)

        live = self.i_settings.live
        from_array = self.i_settings.pattern == Pattern.ARRAY
        active = timing.o_active

        # Waiting mode: the clock counts when there is a place for the word; live mode: it always counts.
        place = Signal()
        step = Signal()
        m.d.comb += [
            place.eq(live | (store.i.ready & store.o_ready & ~(timing.o_first_in_frame & ledger.o_busy))),
            step.eq(active & place & (live | ~from_array | self.i.valid)),
            self.i.ready.eq(active & place & from_array),
            timing.i_enable.eq(self.i_settings.enable & patterns.o_ready),
            timing.i_advance.eq(~active | step),
            patterns.i_settings.eq(self.i_settings),
            patterns.i_step.eq(step),
            patterns.i_last_in_line.eq(timing.o_last_in_line),
            patterns.i_last_in_frame.eq(timing.o_last_in_frame),
        ]

        # What the frame's and the line's first clock decide holds for the rest of them.
        dropped = Signal()
        dropped_since = Signal()
        kept = Signal()
        kept_since = Signal()
        lost_since = Signal()
        missing = Signal()
        m.d.comb += [
            dropped.eq(Mux(timing.o_first_in_frame, live & ledger.o_busy, dropped_since)),
            kept.eq(~dropped & Mux(timing.o_first_in_line, ~live | store.o_room, kept_since)),
            missing.eq(from_array & ~self.i.valid),
            ledger.i_begin.eq(step & timing.o_first_in_frame),
            ledger.i_drop.eq(dropped),
            ledger.i_test_pattern.eq(~from_array),
            ledger.i_line_lost.eq(step & ~dropped & (~kept | missing) & (timing.o_first_in_line | ~lost_since)),
            ledger.i_end.eq(self.o.valid & self.o.ready & self.o.payload.last_in_frame),
            store.i.valid.eq(step & kept),
            store.i_begin.eq(step & timing.o_first_in_line & ~dropped),
            store.i_keep.eq(kept),
            store.i_last.eq(timing.o_last_line),
        ]
        with m.If(step):
            m.d.sync += [
                dropped_since.eq(dropped),
                kept_since.eq(kept),
                lost_since.eq(~kept | missing | (lost_since & ~timing.o_first_in_line)),
            ]
        with m.If(~from_array):
            m.d.comb += store.i.payload.eq(patterns.o)
        with m.Elif(self.i.valid):
            m.d.comb += store.i.payload.eq(self.i.payload)

        connect(m, store.o, flipped(self.o))
        connect(m, ledger.o, flipped(self.o_ticket))
        m.d.comb += self.o_frame_counter.eq(ledger.o_frame_counter)
        return m
