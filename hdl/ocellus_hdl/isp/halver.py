"""Spreads the quads of an odd line over two line times, one a clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from ocellus.settings import FrameFormat

from .words import QUAD_PAIR, QUAD_PIXEL


class Halver(wiring.Component):
    """Two quads a clock in while an odd line lasts, one quad a clock out.

    At full rate half a line has left when the last pair arrives, so a store of half a line never holds up its input.
    Latency two clocks; stalls at ``o`` fill the store, then ``i`` waits.

    Parameters
    ----------
    frame : FrameFormat
        Sizes the store.

    Attributes
    ----------
    i : stream(QUAD_PAIR), in
    o : stream(QUAD_PIXEL), out
    """

    i: In(stream.Signature(QUAD_PAIR))
    o: Out(stream.Signature(QUAD_PIXEL))

    def __init__(self, frame: FrameFormat):
        super().__init__()
        # Four more than half a line: the pairs that arrive before the first quad of the line leaves.
        self._depth = frame.words_per_line // 2 + 4

    def elaborate(self, platform: object) -> Module:
        """The pair at the head of the store leaves in two clocks."""
        m = Module()
        m.submodules.store = store = fifo.SyncFIFOBuffered(width=QUAD_PAIR.size, depth=self._depth)
        pair = data.View(QUAD_PAIR, store.r_data)
        second = Signal()
        m.d.comb += [
            store.w_data.eq(self.i.payload),
            store.w_en.eq(self.i.valid),
            self.i.ready.eq(store.w_rdy),
            self.o.valid.eq(store.r_rdy),
            self.o.payload.quad.eq(pair.quad[second]),
            self.o.payload.last_in_line.eq(pair.last_in_line & second),
            self.o.payload.last_in_frame.eq(pair.last_in_frame & second),
            store.r_en.eq(self.o.ready & second),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += second.eq(~second)
        return m
